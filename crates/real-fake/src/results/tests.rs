use super::*;

fn clip(row: u32, real: Option<bool>, score: f64, length: f64) -> ScoredClip {
    ScoredClip {
        set: "test".into(),
        row,
        clip: format!("a, {row}"),
        subject: None,
        emotion: Some(if row < 2 { "anger" } else { "happiness" }.into()),
        seconds: 1.5,
        real,
        score,
        baselines: BTreeMap::from([("length".to_owned(), length)]),
    }
}

fn clips() -> Vec<ScoredClip> {
    vec![
        clip(0, Some(true), 0.5, -1.0),
        clip(1, Some(false), -2.0, -1.0),
        clip(2, Some(true), -1e-9, 1.0),
        clip(3, Some(false), 1e-12, -1.0),
        clip(4, None, 1.0, 1.0),
    ]
}

#[test]
fn measures_count_what_the_signs_say() {
    let clips = clips();
    let all: Vec<&ScoredClip> = clips.iter().collect();
    let (m, scores) = measure(&all, None).unwrap().unwrap();
    assert_eq!((m.n, m.accuracy.unwrap().value, m.uar), (4, 0.5, Some(0.5)));
    // Of four pairs of real and fake, three are in order.
    assert_eq!(m.auroc, Some(0.75));
    assert_eq!((m.by_emotion["anger"].value, m.by_emotion["happiness"].value), (1.0, 0.0));
    assert_eq!(scores.confusion, [[1, 1], [1, 1]]);
    let beside = beside(&all, &["length".to_owned()]).unwrap();
    assert_eq!(beside[0].test.accuracy.as_ref().unwrap().value, 0.75);
    assert_eq!((beside[0].mcnemar.only_first, beside[0].mcnemar.only_second), (1, 2));
    assert!(measure(&all[4..], None).unwrap().is_none());
    assert!(measure(&all, Some("other")).unwrap_err().to_string().contains("not scored by other"));
}

#[test]
fn the_smallest_scores_keep_their_side_in_the_table_of_predictions() {
    let clips = clips();
    let all: Vec<&ScoredClip> = clips.iter().collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.csv");
    let before = predictions(&all, None).unwrap();
    ferrotype_report::predictions::write(&path, &before).unwrap();
    let after = ferrotype_report::predictions::read(&path).unwrap();
    let called = |p: &Predictions| (0..p.len()).map(|i| p.predicted(i)).collect::<Vec<_>>();
    assert_eq!((called(&before), called(&after)), (vec![1, 0, 0, 1], vec![1, 0, 0, 1]));
}

#[test]
fn the_table_of_clips_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clips.csv");
    write(&path, &clips(), &["length".to_owned()]).unwrap();
    assert_eq!(read(&path).unwrap(), (clips(), vec!["length".to_owned()]));
    std::fs::write(&path, "set,row\n").unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("not the table of clips"));
}
