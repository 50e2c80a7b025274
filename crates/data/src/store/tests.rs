use std::fs;
use std::path::PathBuf;

use super::*;
use crate::Provenance;
use crate::source_record::SourceRecord;
use crate::stored_form::StoredForm;
use ferrotype_base::random::Stream;

pub(crate) fn sample(n: usize) -> FaceSet {
    let mut s = Stream::new(3);
    FaceSet {
        images: Images {
            pixels: (0..n * 6 * 5 * 3).map(|_| s.below(256) as u8).collect(),
            height: 6,
            width: 5,
            channels: 3,
        },
        labels: (0..n).map(|i| (i % 3) as i16 - 1).collect(),
        classes: vec!["happy".into(), "müde".into()],
        votes: Some(Votes { counts: (0..n * 2).map(|i| i as u8).collect(), columns: vec!["x".into(), "NF".into()] }),
        targets: None,
        splits: (0..n).map(|i| split((i % 4) as u8).unwrap()).collect(),
        subjects: Some((0..n).map(|i| if i % 2 == 0 { String::new() } else { format!("Zoë {i}") }).collect()),
        groups: None,
        names: (0..n).map(|i| format!("{i}.png")).collect(),
        source_rows: (0..n as u32).rev().collect(),
        segments: None,
        shards: None,
        provenance: Provenance {
            source: "manifest".into(),
            synthetic: true,
            labelled_by: Some("OpenFace".into()),
            files: vec![("a.csv".into(), "12ab".into())],
            command: "ferrotype data prepare".into(),
            notes: vec!["one".into(), "two, längere".into()],
            record: Some(SourceRecord { options: "{}".into(), files: vec!["csv\ta.csv\t12ab".into()] }),
            stored: Some(StoredForm::of(&Images { pixels: Vec::new(), height: 6, width: 5, channels: 3 })),
            motion: Some(crate::motion::MotionForm::published(crate::options::MotionInput::Signed)),
        },
    }
}

fn stored(faces: &FaceSet) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("faces.h5");
    write(faces, &path).unwrap();
    (dir, path)
}

#[test]
fn reads_what_it_wrote() {
    for n in [1, 64, 65, 200] {
        let faces = sample(n);
        let (_dir, path) = stored(&faces);
        assert_eq!(read(&path).unwrap(), faces);
        let mut rows = faces.clone();
        rows.images.pixels.clear();
        assert_eq!(summary(&path).unwrap(), rows);
    }
}

/// As [`sample`], with two groups of typed targets.
fn typed(n: usize) -> FaceSet {
    use crate::targets::{TargetGroup, Targets};
    use ferrotype_base::targets::TargetKind;
    let continuous = TargetKind::Continuous { units: "FACS steps".into(), range: [0.0, 5.0] };
    let group = |name: &str, kind, columns: &[&str]| TargetGroup {
        name: name.into(),
        kind,
        columns: columns.iter().map(ToString::to_string).collect(),
    };
    let groups = vec![group("au", TargetKind::Labels, &["AU01", "AU12"]), group("strength", continuous, &["AU12"])];
    let mut targets = Targets { groups, ..Targets::default() };
    (0..3 * n).for_each(|i| targets.push((i % 4 != 0).then_some((i % 2) as f32)));
    FaceSet { targets: Some(targets), ..sample(n) }
}

#[test]
fn sets_with_typed_targets_are_version_2_and_others_1() {
    let version = |path: &Path| {
        let file = hdf5_pure::File::open(path).unwrap();
        file.root().attrs().unwrap().get("schema_version").and_then(AttrValue::as_i64).unwrap()
    };
    let (faces, plain) = (typed(70), sample(70));
    let ((_a, with), (_b, without)) = (stored(&faces), stored(&plain));
    assert_eq!((version(&with), version(&without)), (2, 1));
    assert_eq!(read(&with).unwrap(), faces);
    assert_eq!(read(&without).unwrap(), plain);
    let mut broken = typed(3);
    broken.targets.as_mut().unwrap().values[1] = 0.5;
    let error = format!("{:#}", write(&broken, &with).unwrap_err());
    assert!(error.contains("au.AU12 is 0.5"), "{error}");
}

#[test]
fn optional_parts_may_be_absent() {
    let mut faces = sample(70);
    faces.votes = None;
    faces.subjects = None;
    faces.provenance = Provenance { source: "folder".into(), ..Provenance::default() };
    faces.names = vec![String::new(); 70];
    let (_dir, path) = stored(&faces);
    assert_eq!(read(&path).unwrap(), faces);
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let (dir, path) = stored(&sample(100));
    let whole = fs::read(&path).unwrap();
    let cut = dir.path().join("cut.h5");
    for part in 0..40 {
        fs::write(&cut, &whole[..whole.len() * part / 40]).unwrap();
        let message = read(&cut).unwrap_err().to_string();
        assert!(message.contains("cut.h5") && message.contains("prepare"), "{part}: {message}");
    }
}

#[test]
fn changed_bytes_are_found_or_harmless() {
    let faces = sample(100);
    let (dir, path) = stored(&faces);
    let whole = fs::read(&path).unwrap();
    let bad = dir.path().join("bad.h5");
    let mut stream = Stream::new(9);
    for _ in 0..150 {
        let mut bytes = whole.clone();
        let at = stream.below(bytes.len());
        bytes[at] ^= 1 << stream.below(8);
        fs::write(&bad, bytes).unwrap();
        // No panic; and rows are never wrong: texts in attributes are all that has no checksum.
        if let Ok(mut read) = read(&bad) {
            read.provenance.clone_from(&faces.provenance);
            assert!(read == faces, "byte {at}");
        }
    }
}

#[test]
fn other_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h5");
    assert!(read(&path).unwrap_err().to_string().contains("does not exist"));
    fs::write(&path, "emotion,pixels\n").unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("not an HDF5 file"));
    let mut other = FileBuilder::new();
    other.create_dataset("x").with_u8_data(&[1]);
    other.write(&path).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("not one of prepared faces"));
    assert!(read(dir.path()).unwrap_err().to_string().contains("folder"));
}

#[test]
fn unfinished_and_newer_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h5");
    for (version, complete, wanted) in [(4, 1, "version 4"), (1, 0, "not written to its end")] {
        let mut b = build(&sample(3)).unwrap();
        b.set_attr("schema_version", AttrValue::I64(version));
        b.set_attr("complete", AttrValue::I64(complete));
        b.write(&path).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn inconsistent_sets_are_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h5");
    let changes: [fn(&mut FaceSet); 6] = [
        |f| f.labels[0] = 2,
        |f| f.labels[0] = -2,
        |f| f.names.push("x".into()),
        |f| f.images.pixels.push(0),
        |f| f.images.channels = 2,
        |f| f.votes.as_mut().unwrap().counts.push(0),
    ];
    for change in changes {
        let mut faces = sample(4);
        change(&mut faces);
        assert!(format!("{:#}", write(&faces, &path).unwrap_err()).contains("not consistent"));
    }
    assert!(write(&FaceSet::default(), &path).is_err());
    assert!(write(&sample(2), &dir.path().join("no/x.h5")).unwrap_err().to_string().contains("does not exist"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn sizes_that_a_file_cannot_hold_are_refused_before_memory_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zeros.h5");
    let mut builder = FileBuilder::new();
    builder.create_dataset("zeros").with_f32_data(&[0.0; 600_000]).with_chunks(&[300_000]).with_deflate(9);
    fs::write(&path, builder.finish().unwrap()).unwrap();
    let file = File::open(&path).unwrap();
    let zeros = file.dataset("zeros").unwrap();
    // As well packed as it can be, it is read.
    assert_eq!(read_within(&zeros, file.file_size(), Dataset::read_f32).unwrap().len(), 600_000);
    let message = read_within(&zeros, 1000, Dataset::read_f32).unwrap_err().to_string();
    assert!(message.contains("[600000] with 4 bytes per element is more than a file of 1000 bytes"), "{message}");
}
