use super::*;

const TABLE: &str = "frame, face_id, timestamp, confidence, success, AU06_r, AU12_r\n1, 0, 0.0, 0.9, 1, 1, 1\n2, 0, 0.01, 0.9, 1, 2, 1\n";

fn table(value: usize) -> String {
    TABLE.replace(" 2, 1\n", &format!(" {value}, 1\n"))
}

fn options(root: &Path) -> SaseFeOptions {
    SaseFeOptions {
        root: root.to_owned(),
        tables: None,
        kind: TableKind::Auto,
        fps: 100.0,
        min_score: 0.0,
        labels: None,
        duplicates: Duplicates::Drop,
    }
}

fn place(files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn names_say_emotion_and_truth() {
    for (name, emotion, real) in [
        ("8/N2H", "happiness", Some(true)),
        ("8/s2n2h", "happiness", Some(false)),
        ("08/H2N2S", "sadness", Some(false)),
        ("train/8/D2N2S", "sadness", Some(false)),
        ("8/n2sur", "surprise", Some(true)),
        ("8/D2N2SUR", "surprise", Some(false)),
        ("8/H2N2C", "contempt", Some(false)),
    ] {
        let said = said(name).unwrap();
        assert_eq!((said.emotion, said.real, said.subject.as_deref()), (emotion, real, Some("8")), "{name}");
    }
    let val = said("val/0123456789_CONTENTMENT").unwrap();
    assert_eq!((val.emotion, val.real, val.part, val.subject), ("contempt", None, Some(Part::Validation), None));
    for other in ["8/N2X", "8/X2N2H", "N2H", "anna/N2H", "val/123_ANGER", "val/0123456789_JEALOUSY", "readme"] {
        assert_eq!(said(other), None, "{other}");
    }
}

#[test]
fn training_and_validation_clips_are_told_apart() {
    let place = place(&[
        ("1/N2H.csv", table(2)),
        ("1/S2N2H.csv", table(3)),
        ("val/0123456789_HAPPINESS.csv", table(4)),
        ("test/0123456780_ANGER.csv", table(1)),
        ("labels.csv", "name,truth\n0123456789_HAPPINESS,fake\n".into()),
        ("1/notes.csv", "x\n".into()),
    ]);
    let o = SaseFeOptions { labels: Some(place.path().join("labels.csv")), ..options(place.path()) };
    let mut set = read(&o, 0.25).unwrap();
    set.clips.sort_by(|a, b| a.name.cmp(&b.name));
    let seen: Vec<_> = set.clips.iter().map(|c| (c.name.as_str(), c.real, c.part)).collect();
    let wanted = [
        ("1/N2H", Some(true), Part::Training),
        ("1/S2N2H", Some(false), Part::Training),
        ("test/0123456780_ANGER", None, Part::Test),
        ("val/0123456789_HAPPINESS", Some(false), Part::Validation),
    ];
    assert_eq!(seen, wanted);
    assert!(set.notes[0].contains("1 files of other names were left out: 1/notes"), "{:?}", set.notes);
}

#[test]
fn files_that_are_alike_are_reported_and_dropped() {
    let files = [
        ("8/H2N2A.csv", table(2)),
        ("8/H2N2C.csv", table(2)),
        ("8/H2N2D.csv", table(2)),
        ("8/N2A.csv", table(3)),
        ("9/N2A.csv", table(3)),
    ];
    let place = place(&files);
    let set = read(&options(place.path()), 0.25).unwrap();
    let names: Vec<&str> = set.clips.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["8/N2A"]);
    let notes = set.notes.join("\n").to_lowercase();
    assert!(notes.contains("8/h2n2a, 8/h2n2c, 8/h2n2d are alike bit by bit: none is used"), "{notes}");
    assert!(notes.contains("8/n2a, 9/n2a are alike bit by bit: only the first is used"), "{notes}");
    let kept = read(&SaseFeOptions { duplicates: Duplicates::Keep, ..options(place.path()) }, 0.25).unwrap();
    assert_eq!(kept.clips.len(), 5);
}

#[test]
fn what_is_missing_is_named() {
    let empty = place(&[("readme.csv", "x\n".into())]);
    let refused = |o: SaseFeOptions| format!("{:#}", read(&o, 0.25).unwrap_err());
    assert!(refused(options(empty.path())).contains("no clips in SASE-FE's form"));
    assert!(refused(options(Path::new("no/such"))).contains("there is no folder no/such"));
}
