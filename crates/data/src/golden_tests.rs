//! Known answers on the real FER2013 and FER+: FERROTYPE_FER2013 names fer2013.csv, or FERROTYPE_DATA a folder with
//! fer2013/csv/fer2013.csv in it (see `real_data`).

use super::audit::audit;
use super::labels::{Role, apply};
use super::options::LabelMode;
use super::real_data::shared;
use super::{FaceSet, Labelled, Split, store};
use ferrotype_needs::needs;

fn sizes(faces: &FaceSet, labelled: &Labelled) -> [usize; 3] {
    [Split::Train, Split::Validation, Split::Test]
        .map(|s| labelled.rows.iter().filter(|&&r| faces.splits[r as usize] == s).count())
}

fn classes(faces: &FaceSet, labelled: &Labelled, split: Split) -> Vec<usize> {
    let mut counts = vec![0; labelled.classes.len()];
    for i in (0..labelled.len()).filter(|&i| faces.splits[labelled.rows[i] as usize] == split) {
        counts[labelled.class(i)] += 1;
    }
    counts
}

/// Training rows with a target of one, two and three classes.
fn supports(faces: &FaceSet, labelled: &Labelled) -> [usize; 3] {
    let mut counts = [0; 3];
    for i in (0..labelled.len()).filter(|&i| faces.splits[labelled.rows[i] as usize] == Split::Train) {
        counts[labelled.target(i).iter().filter(|&&t| t > 0.0).count() - 1] += 1;
    }
    counts
}

#[needs(fer2013)]
#[test]
fn fer2013_has_its_published_counts() {
    let faces = &*shared(false);
    let original = apply(faces, LabelMode::Original, Role::Train).unwrap();
    assert_eq!(sizes(faces, &original), [28_709, 3_589, 3_589]);
    assert_eq!(classes(faces, &original, Split::Train), [3995, 436, 4097, 7215, 4830, 3171, 4965]);
    assert_eq!(classes(faces, &original, Split::Validation), [467, 56, 496, 895, 653, 415, 607]);
    assert_eq!(classes(faces, &original, Split::Test), [491, 55, 528, 879, 594, 416, 626]);
    let training = &faces.images.pixels[..28_709 * 2304];
    let mean = training.iter().map(|&p| f64::from(p)).sum::<f64>() / training.len() as f64 / 255.0;
    let square = training.iter().map(|&p| (f64::from(p) / 255.0 - mean).powi(2)).sum::<f64>() / training.len() as f64;
    assert!((mean - 0.50774).abs() < 1e-5 && (square.sqrt() - 0.25501).abs() < 1e-5, "{mean} {}", square.sqrt());
}

#[needs(fer2013)]
#[test]
fn label_modes_have_their_sizes_by_fer2013new_csv() {
    let faces = &*shared(false);
    let size = |mode| sizes(faces, &apply(faces, mode, Role::Train).unwrap());
    assert_eq!(size(LabelMode::Majority), [25_060, 3_199, 3_153]);
    assert_eq!(size(LabelMode::Probability), [27_956, 3_505, 3_505]);
    assert_eq!(size(LabelMode::Crossentropy), [27_956, 3_505, 3_505]);
    assert_eq!(size(LabelMode::MultiTarget), [27_671, 3_472, 3_472]);
    let scored = apply(faces, LabelMode::Crossentropy, Role::Evaluation).unwrap();
    assert_eq!(sizes(faces, &scored)[1..], [3_199, 3_153]);
    let argmax = apply(faces, LabelMode::ArgmaxEight, Role::Train).unwrap();
    assert_eq!(sizes(faces, &argmax), [28_561, 3_579, 3_574]);
    assert_eq!(classes(faces, &argmax, Split::Train), [10_390, 7_539, 3_588, 3_549, 2_478, 194, 656, 167]);
}

#[needs(data, fer2013)]
#[test]
fn label_modes_have_their_sizes_by_label_csv() {
    let faces = &*shared(true);
    let of = |mode| apply(faces, mode, Role::Train).unwrap();
    assert_eq!(sizes(faces, &of(LabelMode::Majority)), [25_045, 3_191, 3_137]);
    assert_eq!(sizes(faces, &of(LabelMode::Crossentropy)), [27_947, 3_508, 3_507]);
    assert_eq!(sizes(faces, &of(LabelMode::MultiTarget)), [27_667, 3_472, 3_466]);
    assert_eq!(sizes(faces, &of(LabelMode::ArgmaxEight)), [28_558, 3_579, 3_573]);
    assert_eq!(supports(faces, &of(LabelMode::Crossentropy)), [19_021, 7_878, 1_048]);
    assert_eq!(supports(faces, &of(LabelMode::MultiTarget)), [20_543, 6_985, 139]);
    let majority = of(LabelMode::Majority);
    assert_eq!(classes(faces, &majority, Split::Train), [8_733, 7_284, 3_136, 3_022, 2_098, 116, 536, 120]);
    assert_eq!(classes(faces, &majority, Split::Validation), [1_180, 862, 411, 348, 289, 25, 60, 16]);
    assert_eq!(classes(faces, &majority, Split::Test), [1_083, 892, 394, 382, 269, 16, 86, 15]);
}

#[needs(fer2013)]
#[test]
fn the_audit_finds_what_is_known_of_fer2013() {
    let faces = &*shared(false);
    let report = audit(faces).unwrap();
    assert_eq!((report.leaks.validation.len(), report.leaks.test.len()), (280, 288));
    assert_eq!((report.duplicates.groups, report.duplicates.conflicting_groups), (1_516, 57));
    let black = [6458, 7629, 10423, 11286, 13148, 13402, 13988, 15894, 22198, 22927, 28601, 30002];
    assert_eq!(report.blank, black);
    assert!(report.near_duplicates.pairs > 1_000, "{}", report.near_duplicates.pairs);
}

#[needs(fer2013)]
#[test]
fn the_prepared_file_holds_it_all() {
    let faces = &*shared(false);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ferplus.h5");
    store::write(faces, &path).unwrap();
    assert!(store::read(&path).unwrap() == *faces);
}
