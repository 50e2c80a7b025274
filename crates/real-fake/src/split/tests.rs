use super::super::clip::Clip;
use super::super::sources::RealFakeSource;
use super::super::sources::generated::GeneratedClipsOptions;
use super::*;

/// Subjects 1 to `subjects`, each with four clips; the last is the validation part.
fn set(subjects: usize) -> ClipSet {
    let clip = |subject: usize, k: usize| Clip {
        name: format!("{subject:02}/{k}"),
        subject: Some(subject.to_string()),
        emotion: Some(k / 2),
        real: Some(k.is_multiple_of(2)),
        part: if subject == subjects { Part::Validation } else { Part::Training },
        seconds: 1.0,
        units: None,
        landmarks: None,
        descriptor: Some(vec![0.0]),
        video: None,
    };
    ClipSet {
        emotions: vec!["happiness".into(), "sadness".into()],
        clips: (1..=subjects).flat_map(|s| (0..4).map(move |k| clip(s, k))).collect(),
        ..ClipSet::default()
    }
}

fn data(split: RealFakeSplit, fold: usize) -> RealFakeData {
    RealFakeData {
        source: RealFakeSource::Generated(GeneratedClipsOptions::default()),
        rate: None,
        max_gap: 0.25,
        split,
        fold,
        validation: 0.2,
    }
}

fn people(set: &ClipSet, clips: &[usize]) -> BTreeSet<String> {
    clips.iter().filter_map(|&i| set.clips[i].subject.clone()).collect()
}

#[test]
fn the_official_division_follows_the_parts() {
    let mut set = set(5);
    set.clips[0].part = Part::Test;
    set.clips[1].real = None;
    let d = divide(&set, &data(RealFakeSplit::Official, 0), false, 0).unwrap();
    assert_eq!((d.training, d.test, d.unlabelled), ((2..16).collect(), (16..20).collect(), vec![1]));
    assert!(d.validation.is_empty() && d.notes.iter().any(|n| n.contains("1 labelled clips of the test part")));
}

#[test]
fn folds_keep_subjects_together_and_cover_every_clip_once() {
    let set = set(11);
    for split in
        [RealFakeSplit::SubjectKFold(SubjectKFold { k: 4 }), RealFakeSplit::SubjectModulo(SubjectModulo { by: 4 })]
    {
        let mut tested = Vec::new();
        for fold in 0..4 {
            let d = divide(&set, &data(split.clone(), fold), true, 3).unwrap();
            let parts = [&d.training, &d.validation, &d.test];
            for (a, b) in [(0, 1), (0, 2), (1, 2)] {
                assert!(people(&set, parts[a]).is_disjoint(&people(&set, parts[b])), "{split:?} {fold}");
            }
            assert_eq!(parts.map(Vec::len).iter().sum::<usize>(), set.clips.len());
            assert!(!d.validation.is_empty());
            tested.extend(d.test);
        }
        tested.sort_unstable();
        assert_eq!(tested, (0..set.clips.len()).collect::<Vec<_>>());
    }
    let d = divide(&set, &data(RealFakeSplit::SubjectModulo(SubjectModulo::default()), 1), false, 0).unwrap();
    assert_eq!(people(&set, &d.test), BTreeSet::from(["1".to_owned(), "11".to_owned()]));
}

#[test]
fn folds_of_clips_are_alike_in_class_and_emotion() {
    let set = set(10);
    for fold in 0..5 {
        let d = divide(&set, &data(RealFakeSplit::KFold(SubjectKFold { k: 5 }), fold), false, 1).unwrap();
        let real = d.test.iter().filter(|&&i| set.clips[i].real == Some(true)).count();
        assert_eq!((d.test.len(), real), (8, 4));
        assert!(d.notes.iter().any(|n| n.contains("as well as in the tested ones")));
    }
}

#[test]
fn impossible_divisions_say_what_is_missing() {
    let says = |set: &ClipSet, split: RealFakeSplit, word: &str| {
        let message = format!("{:#}", divide(set, &data(split, 0), true, 0).unwrap_err());
        assert!(message.contains(word), "{message}");
    };
    let k = |k: usize| RealFakeSplit::SubjectKFold(SubjectKFold { k });
    says(&set(1), k(2), "the clips show 1");
    says(&set(1), RealFakeSplit::Official, "no labelled training clips");
    says(&set(1), RealFakeSplit::SubjectModulo(SubjectModulo::default()), "all clips show subject 1");
    let mut nameless = set(4);
    nameless.clips[3].subject = None;
    says(&nameless, k(2), "does not say who is seen");
    let mut lettered = set(4);
    lettered.clips.iter_mut().for_each(|c| c.subject = c.subject.take().map(|s| format!("S{s}")));
    says(&lettered, RealFakeSplit::SubjectModulo(SubjectModulo::default()), "not a number");
    let mut genuine = set(4);
    genuine.clips.iter_mut().for_each(|c| c.real = Some(true));
    says(&genuine, RealFakeSplit::Official, "are all real");
    let mut unknown = set(4);
    unknown.clips.iter_mut().for_each(|c| c.real = None);
    says(&unknown, RealFakeSplit::Official, "none of the 16 clips says");
    assert!(fold_count(&set(4), &data(RealFakeSplit::Official, 0), 0).is_err());
    assert_eq!(fold_count(&set(4), &data(k(3), 0), 0).unwrap(), 3);
}
