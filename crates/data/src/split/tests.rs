use std::collections::BTreeSet;

use super::*;
use crate::labels::{Role, apply};
use crate::options::{ClassBlocks, Folds, LabelMode};

/// 97 rows of three classes in uneven numbers, 13 subjects of different sizes, every fifth row held out.
fn faces() -> FaceSet {
    let n = 97usize;
    FaceSet {
        labels: (0..n).map(|i| if i % 10 == 0 { 2 } else { (i % 3 == 0) as i16 }).collect(),
        classes: vec!["a".into(), "b".into(), "c".into()],
        splits: (0..n).map(|i| [Split::Train, Split::Validation, Split::Test][(i % 5).saturating_sub(2)]).collect(),
        subjects: Some((0..n).map(|i| format!("s{:02}", (i * i) % 37 % 13)).collect()),
        ..FaceSet::default()
    }
}

fn divide_by(faces: &FaceSet, rule: &SplitRule, fold: usize, seed: u64) -> Result<Division> {
    divide_how(faces, &Dividing { rule, fold, has_validation: true }, seed)
}

fn divide_how(faces: &FaceSet, how: &Dividing<'_>, seed: u64) -> Result<Division> {
    let train = apply(faces, LabelMode::Original, Role::Train)?;
    let evaluation = apply(faces, LabelMode::Original, Role::Evaluation)?;
    divide(faces, &train, &evaluation, how, seed)
}

fn first_fold(rule: &SplitRule) -> Dividing<'_> {
    Dividing { rule, fold: 0, has_validation: true }
}

fn message(faces: &FaceSet, rule: &SplitRule) -> String {
    divide_by(faces, rule, 0, 1).unwrap_err().to_string()
}

fn class_count(faces: &FaceSet, rows: &[usize], class: i16) -> usize {
    rows.iter().filter(|&&r| faces.labels[r] == class).count()
}

/// No row twice, none lost.
fn assert_partition(faces: &FaceSet, d: &Division) {
    let all: BTreeSet<usize> = d.train.iter().chain(&d.validation).chain(&d.test).copied().collect();
    assert_eq!(all.len(), d.train.len() + d.validation.len() + d.test.len());
    assert_eq!(all.len(), faces.len());
}

#[test]
fn own_division() {
    let faces = faces();
    let d = divide_by(&faces, &SplitRule::Own, 0, 1).unwrap();
    assert_partition(&faces, &d);
    assert!(d.test.iter().all(|&r| faces.splits[r] == Split::Test));
    let merged = divide_by(&faces, &SplitRule::TestAsValidation, 0, 1).unwrap();
    assert_eq!((&merged.train, merged.validation.len()), (&d.train, d.validation.len() + d.test.len()));
    assert_eq!(merged.validation, merged.test);
    assert_eq!(merged.notes.len(), 1);
}

#[test]
fn a_missing_validation_set_is_taken_from_training() {
    let mut faces = faces();
    faces.splits.iter_mut().filter(|s| **s == Split::Validation).for_each(|s| *s = Split::Train);
    let d = divide_by(&faces, &SplitRule::Own, 0, 1).unwrap();
    assert_partition(&faces, &d);
    assert!(d.validation.iter().all(|&r| faces.splits[r] == Split::Train));
    assert_eq!(d.validation.len(), ((d.train.len() + d.validation.len()) as f64 / 10.0).round() as usize);
    assert!(d.notes[0].contains("no validation rows"));
    faces.splits = vec![Split::Train; faces.len()];
    assert!(message(&faces, &SplitRule::Own).contains("validation rows"));
    faces.splits = vec![Split::Unassigned; faces.len()];
    assert!(message(&faces, &SplitRule::Own).contains("no division of its own"));
    assert!(message(&faces, &SplitRule::TestAsValidation).contains("no division of its own"));
}

#[test]
fn holdout_is_stratified_seeded_and_covers() {
    let faces = faces();
    let rule = SplitRule::Holdout(Holdout { validation: 0.2, test: 0.1 });
    let d = divide_by(&faces, &rule, 0, 1).unwrap();
    assert_partition(&faces, &d);
    assert_eq!((d.validation.len(), d.test.len()), (19, 10));
    for class in 0..3 {
        let n = class_count(&faces, &(0..97).collect::<Vec<_>>(), class) as f64;
        assert!((class_count(&faces, &d.validation, class) as f64 - 0.2 * n).abs() <= 1.0);
        assert!((class_count(&faces, &d.test, class) as f64 - 0.1 * n).abs() <= 1.0);
    }
    assert_eq!(d, divide_by(&faces, &rule, 0, 1).unwrap());
    assert_ne!(d, divide_by(&faces, &rule, 0, 2).unwrap());
    for (validation, test) in [(0.0, 0.1), (0.5, 0.5), (1.5, 0.1), (f64::NAN, 0.1)] {
        assert!(message(&faces, &SplitRule::Holdout(Holdout { validation, test })).contains("split.holdout"));
    }
}

#[test]
fn k_folds_test_every_row_once_and_are_stratified() {
    let faces = faces();
    for k in [3, 5, 10] {
        let rule = SplitRule::KFold(Folds { k });
        let folds: Vec<Division> = (0..k).map(|f| divide_by(&faces, &rule, f, 7).unwrap()).collect();
        folds.iter().for_each(|d| assert_partition(&faces, d));
        let mut tested: Vec<usize> = folds.iter().flat_map(|d| d.test.clone()).collect();
        tested.sort_unstable();
        assert_eq!(tested, (0..97).collect::<Vec<_>>());
        for class in 0..3 {
            let counts: Vec<usize> = folds.iter().map(|d| class_count(&faces, &d.test, class)).collect();
            assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
        }
        for f in 0..k {
            assert_eq!(folds[f].validation, folds[(f + 1) % k].test);
        }
    }
    assert!(message(&faces, &SplitRule::KFold(Folds { k: 2 })).contains("at least 3"));
    assert!(message(&faces, &SplitRule::KFold(Folds { k: 98 })).contains("97 rows"));
    let error = divide_by(&faces, &SplitRule::KFold(Folds { k: 5 }), 5, 1).unwrap_err().to_string();
    assert!(error.contains("fold 5"), "{error}");
}

#[test]
fn no_subject_stands_in_two_sets() {
    let faces = faces();
    let names = faces.subjects.clone().unwrap();
    let of = |rows: &[usize]| rows.iter().map(|&r| names[r].clone()).collect::<BTreeSet<_>>();
    let rules = [SplitRule::SubjectKFold(Folds { k: 4 }), SplitRule::LeaveOneSubjectOut];
    for rule in rules {
        let k = folds(&faces, &first_fold(&rule)).unwrap();
        let mut tested = Vec::new();
        for fold in 0..k {
            let d = divide_by(&faces, &rule, fold, 3).unwrap();
            assert_partition(&faces, &d);
            assert!(of(&d.train).is_disjoint(&of(&d.test)) && of(&d.train).is_disjoint(&of(&d.validation)));
            assert!(of(&d.validation).is_disjoint(&of(&d.test)));
            if rule == SplitRule::LeaveOneSubjectOut {
                assert_eq!(of(&d.test).len(), 1);
            } else {
                assert!((15..40).contains(&d.test.len()), "folds are of similar size: {}", d.test.len());
            }
            tested.extend(d.test);
        }
        tested.sort_unstable();
        assert_eq!(tested, (0..97).collect::<Vec<_>>());
    }
}

#[test]
fn divisions_by_subject_need_subjects() {
    let mut faces = faces();
    assert!(message(&faces, &SplitRule::SubjectKFold(Folds { k: 40 })).contains("subjects"));
    faces.subjects.as_mut().unwrap()[4].clear();
    assert!(message(&faces, &SplitRule::LeaveOneSubjectOut).contains("1 of 97"));
    faces.subjects = None;
    assert!(message(&faces, &SplitRule::SubjectKFold(Folds { k: 3 })).contains("no subjects"));
    assert!(message(&faces, &SplitRule::LeaveOneSubjectOut).contains("no subjects"));
}

#[test]
fn rows_that_only_one_role_labels_are_divided_too() {
    let faces = faces();
    let train = apply(&faces, LabelMode::Original, Role::Train).unwrap();
    let mut evaluation = train.clone();
    evaluation.rows.truncate(50);
    evaluation.targets.truncate(150);
    let d = divide(&faces, &train, &evaluation, &first_fold(&SplitRule::KFold(Folds { k: 5 })), 1).unwrap();
    assert_eq!(d.test.len(), 10);
    assert!((57..60).contains(&d.train.len()), "{}", d.train.len());
    assert!(d.test.iter().all(|i| evaluation.rows[*i] < 50));
}

/// 60 segments of 20 clips of 5 subjects; a clip's rows have one label.
fn segments() -> FaceSet {
    let n = 60usize;
    let clips: Vec<u32> = (0..n as u32).map(|row| row / 3).collect();
    FaceSet {
        labels: clips.iter().map(|c| (c % 2) as i16).collect(),
        classes: vec!["a".into(), "b".into()],
        splits: vec![Split::Unassigned; n],
        subjects: Some(clips.iter().map(|c| format!("S{:03}", c / 4)).collect()),
        segments: Some(crate::Segments { clips, ..Default::default() }),
        ..FaceSet::default()
    }
}

fn clips_of(faces: &FaceSet, rows: &[usize]) -> BTreeSet<u32> {
    rows.iter().map(|&row| faces.segments.as_ref().unwrap().clips[row]).collect()
}

#[test]
fn clips_are_not_torn_apart() {
    let faces = segments();
    let rule = SplitRule::ClipKFold(Folds { k: 4 });
    assert_eq!(folds(&faces, &first_fold(&rule)).unwrap(), 4);
    let mut tested = BTreeSet::new();
    for fold in 0..4 {
        let d = divide_by(&faces, &rule, fold, 1).unwrap();
        assert_partition(&faces, &d);
        let [train, validation, test] = [&d.train, &d.validation, &d.test].map(|rows| clips_of(&faces, rows));
        assert!(train.is_disjoint(&test) && train.is_disjoint(&validation) && test.is_disjoint(&validation));
        // Five clips per fold, of both classes as evenly as it goes.
        assert_eq!((test.len(), class_count(&faces, &d.test, 0).abs_diff(class_count(&faces, &d.test, 1))), (5, 3));
        tested.extend(test);
    }
    assert_eq!(tested.len(), 20);
    let d = divide_by(&faces, &SplitRule::ClipHoldout(Holdout { validation: 0.2, test: 0.2 }), 0, 1).unwrap();
    assert_partition(&faces, &d);
    assert_eq!([&d.train, &d.validation, &d.test].map(|rows| clips_of(&faces, rows).len()), [12, 4, 4]);
    assert!(message(&super::tests::faces(), &rule).contains("single pictures"));
    assert!(
        folds(&faces, &first_fold(&SplitRule::ClipKFold(Folds { k: 21 })))
            .unwrap_err()
            .to_string()
            .contains("20 clips")
    );
}

#[test]
fn system_003_divides_segments_and_says_that_it_leaks() {
    let faces = segments();
    let d = divide_by(&faces, &SplitRule::SegmentsAtRandom, 0, 1).unwrap();
    assert_partition(&faces, &d);
    // 20 % of 60, then 20 % of 48, Keras' way: int(48 * 0.8) = 38 stay.
    assert_eq!((d.train.len(), d.validation.len(), d.test.len()), (38, 10, 12));
    assert!(d.notes[0].contains("LEAKING"));
    assert!(!clips_of(&faces, &d.train).is_disjoint(&clips_of(&faces, &d.test)));
    assert_ne!(divide_by(&faces, &SplitRule::SegmentsAtRandom, 0, 2).unwrap().test, d.test);
    assert!(message(&super::tests::faces(), &SplitRule::SegmentsAtRandom).contains("single pictures"));
}

#[test]
fn without_a_validation_set_its_part_is_trained_on() {
    let faces = faces();
    let rules = [
        SplitRule::KFold(Folds { k: 2 }),
        SplitRule::SubjectKFold(Folds { k: 5 }),
        SplitRule::LeaveOneSubjectOut,
        SplitRule::Holdout(Holdout { validation: 0.2, test: 0.1 }),
    ];
    for rule in &rules {
        let how = Dividing { rule, fold: 0, has_validation: false };
        let d = divide_how(&faces, &how, 3).unwrap();
        assert_partition(&faces, &d);
        assert!(d.validation.is_empty() && !d.test.is_empty());
        if !matches!(rule, SplitRule::KFold(_)) {
            let with = divide_by(&faces, rule, 0, 3).unwrap();
            assert_eq!((with.test, with.train.len() + with.validation.len()), (d.test, d.train.len()), "{rule:?}");
        }
    }
    assert_eq!(folds(&faces, &Dividing { rule: &rules[2], fold: 0, has_validation: false }).unwrap(), 11);
    // What a dataset's authors keep for validation is not trained on.
    let own = divide_how(&faces, &Dividing { rule: &SplitRule::Own, fold: 0, has_validation: false }, 3).unwrap();
    assert!(own.train.iter().all(|&r| faces.splits[r] == Split::Train) && own.validation.is_empty());
    assert!(own.notes[0].contains("validation rows are not used"), "{:?}", own.notes);
    // Without validation rows nothing is borrowed from training.
    let mut no_rows = faces;
    no_rows.splits.iter_mut().filter(|s| **s == Split::Validation).for_each(|s| *s = Split::Train);
    let d = divide_how(&no_rows, &Dividing { rule: &SplitRule::Own, fold: 0, has_validation: false }, 3).unwrap();
    assert_partition(&no_rows, &d);
    assert!(d.notes.is_empty());
}

/// Fold by fold the next rows of each class, the last ones in the last fold. `datasets/CK.py` of
/// WuJie1010/Facial-Expression-Recognition.Pytorch on classes of 12 and 30 rows, four folds of 5 and 7:
///
/// ```python
/// ends, blocks = [0, 12, 42], [5, 7]
/// for fold in 1, 2, 3, 4:
///     print([ends[j] + (fold - 1) * blocks[j] + k if fold != 4 else ends[j + 1] - 1 - k for j in (0, 1) for k in range(blocks[j])])
/// ```
#[test]
fn class_blocks_are_consecutive_rows_of_each_class() {
    let faces = FaceSet {
        labels: (0..42).map(|i| i16::from(i >= 12)).collect(),
        classes: vec!["a".into(), "b".into()],
        splits: vec![Split::Unassigned; 42],
        ..FaceSet::default()
    };
    let rule = SplitRule::ClassBlocks(ClassBlocks { k: 4, rows: vec![5, 7] });
    let expected: [(std::ops::Range<usize>, std::ops::Range<usize>); 4] =
        [(0..5, 12..19), (5..10, 19..26), (10..15, 26..33), (7..12, 35..42)];
    for (fold, (a, b)) in expected.into_iter().enumerate() {
        let d = divide_how(&faces, &Dividing { rule: &rule, fold, has_validation: false }, 1).unwrap();
        assert_eq!(d.test, a.chain(b).collect::<Vec<_>>());
        assert_partition(&faces, &d);
        assert!(d.notes[0].starts_with("LEAKING"), "{:?}", d.notes);
    }
    let d = divide_by(&faces, &rule, 0, 1).unwrap();
    assert_eq!(d.validation, (5..10).chain(19..26).collect::<Vec<_>>());
    assert_partition(&faces, &d);
    let told = |rows: Vec<usize>| message(&faces, &SplitRule::ClassBlocks(ClassBlocks { k: 4, rows }));
    assert!(told(vec![3]).contains("one for each of the 2 classes (a, b)"));
    assert!(told(vec![3, 11]).contains("11 rows of b in each of 4 folds, and there are 30 in all"));
    assert!(told(vec![13, 1]).contains("13 rows of a"));
}
