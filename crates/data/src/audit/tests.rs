use super::*;
use crate::Images;
use ferrotype_base::random::Stream;

/// Smooth random pictures of 24 x 24 pixels; `images[i]` gives the number of the picture that row `i` shows.
fn faces(images: &[u64]) -> FaceSet {
    let n = images.len();
    FaceSet {
        images: Images {
            pixels: images.iter().flat_map(|&i| picture(i, 1.0, 0.0)).collect(),
            height: 24,
            width: 24,
            channels: 1,
        },
        labels: vec![0; n],
        classes: vec!["a".into(), "b".into()],
        splits: vec![Split::Train; n],
        names: vec![String::new(); n],
        source_rows: (0..n as u32).collect(),
        ..FaceSet::default()
    }
}

/// A sum of waves, with some contrast and noise.
fn picture(number: u64, contrast: f64, noise: f64) -> Vec<u8> {
    let mut s = Stream::new(number);
    let waves: Vec<[f64; 4]> = (0..6).map(|_| [s.unit(), s.unit(), s.unit() * 6.3, 8.0 + 20.0 * s.unit()]).collect();
    let mut pixels = Vec::new();
    for y in 0..24 {
        for x in 0..24 {
            let value: f64 =
                waves.iter().map(|w| w[3] * (w[0] * f64::from(x) + w[1] * f64::from(y) + w[2]).sin()).sum();
            pixels.push((128.0 + contrast * value + noise * s.normal()).clamp(0.0, 255.0) as u8);
        }
    }
    pixels
}

#[test]
fn finds_copies_leaks_and_conflicts() {
    let mut set = faces(&[1, 2, 1, 3, 2, 1, 4]);
    set.splits = vec![
        Split::Train,
        Split::Train,
        Split::Test,
        Split::Validation,
        Split::Validation,
        Split::Train,
        Split::Unassigned,
    ];
    set.labels[2] = 1;
    set.labels[4] = NO_LABEL;
    assert_eq!(copies(&set), [0, 1, 0, 3, 1, 0, 6]);
    let report = audit(&set).unwrap();
    assert_eq!((report.duplicates.groups, report.duplicates.rows), (2, 5));
    assert_eq!(report.duplicates.members, [vec![0, 2, 5], vec![1, 4]]);
    assert_eq!(report.duplicates.across["training and test"], 1);
    assert_eq!(report.duplicates.across["training and validation"], 1);
    assert_eq!(
        report.duplicates.conflicts,
        [Conflict { rows: vec![0, 2, 5], labels: vec!["a".into(), "b".into(), "a".into()] }]
    );
    assert_eq!(report.leaks, Leaks { training: vec![0, 1, 5], validation: vec![4], test: vec![2] });
    assert_eq!(
        leaks_between(&set, &[5, 3], &[6], &[0, 1]),
        Leaks { training: vec![5], validation: vec![], test: vec![0] }
    );
    assert_eq!(report.near_duplicates.pairs, 0);
}

#[test]
fn finds_near_duplicates_and_only_those() {
    let mut set = faces(&(0..60).collect::<Vec<_>>());
    set.images.pixels.extend(picture(7, 0.7, 2.0));
    set.images.pixels.extend(picture(7, 1.0, 0.0));
    set.labels.extend([0, 0]);
    set.splits.extend([Split::Test, Split::Test]);
    let report = audit(&set).unwrap();
    assert_eq!(report.duplicates.members, [vec![7, 61]]);
    assert_eq!(report.near_duplicates.members.iter().map(|p| p.rows).collect::<Vec<_>>(), [[7, 60]]);
    assert_eq!(report.near_duplicates.across["training and test"], 1);
}

#[test]
fn finds_blank_dark_and_bright_pictures() {
    let mut set = faces(&(0..30).collect::<Vec<_>>());
    // Two values per picture, with means from 100 to 114.5.
    for (i, picture) in set.images.pixels.chunks_mut(576).enumerate() {
        picture.fill(90 + i as u8);
        picture[..288].fill(110);
    }
    set.images.pixels[20 * 576] = 111;
    set.images.pixels[3 * 576..4 * 576].fill(0);
    set.images.pixels[5 * 576..6 * 576].fill(255);
    let report = audit(&set).unwrap();
    assert_eq!(report.blank, [3, 5]);
    assert_eq!((report.brightness.dark, report.brightness.bright), (vec![3], vec![5]));
    assert!((106.0..108.5).contains(&report.brightness.median));
}

#[test]
fn counts_subjects_and_classes() {
    let mut set = faces(&[1, 2, 3, 4, 5]);
    set.splits = vec![Split::Train, Split::Test, Split::Train, Split::Unassigned, Split::Test];
    set.subjects = Some(["A", "A", "B", "B", ""].map(String::from).to_vec());
    set.labels = vec![0, 0, 0, 1, NO_LABEL];
    let report = audit(&set).unwrap();
    assert_eq!(
        report.subjects.as_ref().unwrap(),
        &SubjectOverlap { subjects: 2, unknown_rows: 1, overlapping: vec!["A".into()] }
    );
    assert_eq!(report.classes[0].rows, [2, 0, 1, 0]);
    assert_eq!(report.classes[1].rows, [0, 0, 0, 1]);
    assert!((report.imbalance - 3.0).abs() < 1e-12);
    let text = report.to_string();
    assert!(text.contains("Leaks") && text.contains("class"), "{text}");
    assert!(serde_json::to_string(&report).unwrap().contains("\"overlapping\":[\"A\"]"));
}

#[test]
fn an_empty_set_is_no_panic() {
    let report = audit(&FaceSet::default()).unwrap();
    assert_eq!((report.rows, report.duplicates.groups), (0, 0));
    assert!(report.to_string().contains("0 rows"));
}
