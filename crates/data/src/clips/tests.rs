//! Files of clips, and segments out of them.

use super::example::set;
use super::*;
use crate::options::{SegmentOptions, SegmentRule, Windows};
use crate::{NO_LABEL, NO_PICTURE};

#[test]
fn reads_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clips.h5");
    let set = set(&[7, 12, 3]);
    store::write(&set, &path).unwrap();
    assert_eq!(store::read(&path, None).unwrap(), set);
    let one = store::read(&path, Some(&[Component::FullFace])).unwrap();
    assert_eq!(one.parts, set.parts[1..]);
    let summary = store::summary(&path).unwrap();
    assert!(summary.parts.iter().all(|p| p.pixels.is_empty()) && summary.clips == set.clips);
    let page = describe(&summary);
    for word in ["3 clips of 2 subjects, 22 frames", "mouth, full_face", "S009_009: it is empty", "a note"] {
        assert!(page.contains(word), "{word}\n{page}");
    }
    let missing = store::read(&path, Some(&[Component::Nose])).unwrap_err().to_string();
    assert!(missing.contains("no part `nose`") && missing.contains("mouth, full_face"), "{missing}");
    assert!(crate::store::read(&path).unwrap_err().to_string().contains("prepared faces"));
    // A clip that was skipped has a file of its own too.
    let skipped = ClipSet { skipped: set.skipped.clone(), ..ClipSet::default() };
    store::write(&skipped, &path).unwrap();
    assert_eq!(store::read(&path, None).unwrap(), skipped);
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clips.h5");
    store::write(&set(&[7, 12]), &path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for part in 1..20 {
        std::fs::write(&path, &whole[..whole.len() * part / 20]).unwrap();
        assert!(store::read(&path, None).unwrap_err().to_string().contains("clips.h5"));
    }
    let changes: [fn(&mut ClipSet); 6] = [
        |s| s.frames.times.push(0.0),
        |s| s.parts[0].pixels.push(0),
        |s| s.clips[0].label = 2,
        |s| s.clips[0].count = 6,
        |s| s.clips[1].first = 8,
        |s| s.features[0].values.push(0.0),
    ];
    for change in changes {
        let mut bad = set(&[7, 12]);
        change(&mut bad);
        assert!(format!("{:#}", store::write(&bad, &path).unwrap_err()).contains("not consistent"));
    }
}

#[test]
fn sets_are_joined() {
    let (a, b) = (set(&[7, 12]), ClipSet { features: Vec::new(), ..set(&[5]) });
    let mut both = ClipSet { classes: a.classes.clone(), ..ClipSet::default() };
    both.append(a.clone()).unwrap();
    both.append(b.clone()).unwrap();
    both.check().unwrap();
    assert_eq!((both.frames.len(), both.clips[2].first, both.skipped.len()), (24, 19, 2));
    assert_eq!(both.features[0].values[..38], a.features[0].values);
    assert!(both.features[0].values[38..].iter().all(|v| v.is_nan()));
    let mut late = b.clone();
    late.append(a).unwrap();
    late.check().unwrap();
    assert!(late.features[0].values[9].is_nan() && late.features[0].values[10] == 0.0);
    let smaller = ClipSet { size: 5, ..b.clone() };
    assert!(both.append(smaller).is_err());
    assert!(both.append(ClipSet { classes: vec!["x".into()], ..b }).is_err());
}

/// Frames of the first clip, of `count` frames, by a rule.
fn frames(count: usize, segments: SegmentRule, max_segments: Option<usize>) -> Vec<Vec<usize>> {
    let options = SegmentOptions { frames: 10, segments, max_segments, ..SegmentOptions::default() };
    let clips = [Clip { first: 100, count, ..Clip::default() }];
    cut(&clips, &options).into_iter().map(|s| s.frames.iter().map(|f| f - 100).collect()).collect()
}

#[test]
fn rules_cut_as_they_say() {
    let starts = |found: &[Vec<usize>]| found.iter().map(|s| s[0]).collect::<Vec<_>>();
    // System 003: min(40, n rounded down to tens) frames in blocks of ten.
    for (count, blocks) in [(9, 0), (10, 1), (39, 3), (40, 4), (200, 4)] {
        let found = frames(count, SegmentRule::System003, None);
        assert_eq!(starts(&found), (0..blocks).map(|b| b * 10).collect::<Vec<_>>());
        assert!(found.iter().all(|s| s.len() == 10 && s[9] == s[0] + 9));
    }
    assert_eq!(starts(&frames(57, SegmentRule::Blocks, None)), [0, 10, 20, 30, 40]);
    let windows = |count| frames(count, SegmentRule::Windows(Windows { stride: 4 }), None);
    assert_eq!((starts(&windows(22)), windows(9).len()), (vec![0, 4, 8, 12], 0));
    assert_eq!(starts(&frames(57, SegmentRule::Blocks, Some(2))), [0, 10]);
    assert_eq!(frames(20, SegmentRule::Spread, None), [(0..10).map(|i| 2 * i + 1).collect::<Vec<_>>()]);
    assert_eq!(frames(3, SegmentRule::Spread, None), [[0, 0, 0, 1, 1, 1, 1, 2, 2, 2]]);
    assert_eq!(frames(4, SegmentRule::Whole, None), [[0, 1, 2, 3]]);
    assert_eq!(frames(30, SegmentRule::Whole, None), [(0..10).collect::<Vec<_>>()]);
}

#[test]
fn segments_share_pictures_and_keep_their_clips() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clips.h5");
    let clips = set(&[7, 12, 3]);
    store::write(&clips, &path).unwrap();
    let options = SegmentOptions {
        parts: vec![Component::FullFace, Component::Mouth],
        frames: 4,
        segments: SegmentRule::Windows(Windows { stride: 2 }),
        max_segments: None,
    };
    let faces = face_set(&path, &options).unwrap();
    // Windows of 7 frames: 0, 2; of 12: 0, 2, 4, 6, 8; of 3: none.
    assert_eq!((faces.len(), faces.images.len()), (7, 44));
    let segments = faces.segments.as_ref().unwrap();
    assert_eq!(segments.clips, [0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(segments.get(3), [9, 10, 11, 12, 31, 32, 33, 34]);
    // Part by part: the whole face first, as asked for.
    assert_eq!((faces.images.get(9)[0], faces.images.get(31)[0]), (109, 9));
    assert_eq!((faces.labels[0], faces.labels[3]), (NO_LABEL, 0));
    assert_eq!(faces.subjects.as_ref().unwrap()[3], "S001");
    assert_eq!(faces.names[3], "S001_001 frames 9-12");
    assert!(faces.provenance.notes[0].contains("1 clips are shorter"));
    let whole = SegmentOptions { frames: 10, segments: SegmentRule::Whole, ..options.clone() };
    let faces = face_set(&path, &whole).unwrap();
    let segments = faces.segments.unwrap();
    assert_eq!((segments.valid.clone(), segments.get(2)[2], segments.get(2)[3]), (vec![7, 10, 3], 21, NO_PICTURE));
    let long = SegmentOptions { frames: 50, segments: SegmentRule::Blocks, ..options };
    assert!(face_set(&path, &long).unwrap_err().to_string().contains("data.clips.frames"));
}
