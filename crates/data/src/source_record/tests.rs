//! What counts as another source.

use super::*;
use crate::options::{ClipsOptions, FolderOptions, ManifestOptions, SyntheticOptions};

fn folder(root: &Path, size: Option<usize>) -> SourceOptions {
    SourceOptions::Folder(FolderOptions {
        size,
        ..serde_json::from_value(serde_json::json!({ "root": root })).unwrap()
    })
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn files_error(record: &SourceRecord, source: &SourceOptions, out: &Path) -> String {
    check_files(Some(record), source, out).unwrap_err().to_string()
}

#[test]
fn options_that_differ_are_named_with_both_values() {
    let out = Path::new("a.h5");
    let made = SourceOptions::Synthetic(SyntheticOptions::default());
    let record = SourceRecord::take(&made, out, &[]).unwrap();
    assert_eq!(check_options(Some(&record), &made, out).unwrap(), None);
    for (key, other) in [
        ("intensity", SyntheticOptions { intensity: 0.3, ..Default::default() }),
        ("seed", SyntheticOptions { seed: 7, ..Default::default() }),
        ("nuisance", SyntheticOptions { nuisance: 0.1, ..Default::default() }),
    ] {
        let problem = check_options(Some(&record), &SourceOptions::Synthetic(other), out).unwrap_err().to_string();
        assert!(
            problem.contains(&format!("data.source.synthetic.{key} is ")) && problem.contains("--rebuild"),
            "{problem}"
        );
    }
    let other = folder(Path::new("photos"), None);
    assert!(check_options(Some(&record), &other, out).unwrap_err().to_string().contains("made from synthetic"));
    assert!(check_options(None, &made, out).unwrap().unwrap().contains("does not say"));
}

#[test]
fn an_option_that_an_older_file_does_not_have_has_its_default() {
    let options = r#"{"synthetic":{"count":8000,"seed":1,"size":48,"identities":400,"intensity":0.8}}"#;
    let record = SourceRecord { options: options.into(), files: Vec::new() };
    let same = SourceOptions::Synthetic(SyntheticOptions::default());
    assert_eq!(check_options(Some(&record), &same, Path::new("a.h5")).unwrap(), None);
}

#[test]
fn files_that_come_go_and_change_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("photos"), dir.path().join("photos/faces.h5"));
    write(&root.join("happy/1.png"), "one");
    write(&root.join("sad/2.png"), "two");
    write(&root.join("list.txt"), "3");
    let source = folder(&root, Some(48));
    let record = SourceRecord::take(&source, &out, &[]).unwrap();
    // What is written beside the source's files under the prepared file's name is not part of it; nor are hidden files.
    write(&out, "prepared");
    write(&root.join("faces.h5.parts/1"), "x");
    write(&root.join("happy/.DS_Store"), "x");
    assert_eq!(check_files(Some(&record), &source, &out).unwrap(), None);
    // The same files elsewhere are the same source.
    let moved = dir.path().join("moved");
    for name in ["happy/1.png", "sad/2.png", "list.txt"] {
        write(&moved.join(name), &fs::read_to_string(root.join(name)).unwrap());
    }
    assert_eq!(check_files(Some(&record), &folder(&moved, Some(48)), &out).unwrap(), None);

    write(&root.join("happy/3.png"), "three");
    assert!(files_error(&record, &source, &out).contains("new: happy/3.png"));
    fs::rename(root.join("happy/3.png"), root.join("happy/1.png")).unwrap();
    assert!(files_error(&record, &source, &out).contains("changed: happy/1.png"));
    fs::remove_file(root.join("happy/1.png")).unwrap();
    assert!(files_error(&record, &source, &out).contains("missing: happy/1.png"));
    // A label may change without the table's size.
    write(&moved.join("list.txt"), "4");
    assert!(files_error(&record, &folder(&moved, Some(48)), &out).contains("changed: list.txt"));
}

#[test]
fn a_label_in_a_file_of_its_own_may_not_change_either() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("AffectNet"), dir.path().join("faces.h5"));
    write(&root.join("val_set/images/0.jpg"), "picture");
    write(&root.join("val_set/annotations/0_exp.npy"), "label 4");
    let source: SourceOptions = serde_json::from_value(serde_json::json!({ "affectnet": { "root": root } })).unwrap();
    let record = SourceRecord::take(&source, &out, &[]).unwrap();
    assert_eq!(check_files(Some(&record), &source, &out).unwrap(), None);
    write(&root.join("val_set/annotations/0_exp.npy"), "label 5");
    assert!(files_error(&record, &source, &out).contains("changed: val_set/annotations/0_exp.npy"));
}

#[test]
fn a_source_that_is_not_there_is_accepted_only_under_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("photos"), dir.path().join("faces.h5"));
    write(&root.join("happy/1.png"), "one");
    let record = SourceRecord::take(&folder(&root, None), &out, &[]).unwrap();
    let note = check_files(Some(&record), &folder(Path::new("gone/photos"), None), &out).unwrap().unwrap();
    assert!(note.contains("gone/photos") && note.contains(&record.options), "{note}");
    let problem = files_error(&record, &folder(Path::new("gone/photos2"), None), &out);
    assert!(problem.contains("photos2") && problem.contains("not there"), "{problem}");
}

#[test]
fn pictures_that_a_table_names_belong_to_the_source() {
    let dir = tempfile::tempdir().unwrap();
    let (csv, out) = (dir.path().join("list.csv"), dir.path().join("faces.h5"));
    write(&csv, "path,label\na/1.png,x\n");
    write(&dir.path().join("a/1.png"), "one");
    let options: ManifestOptions = serde_json::from_value(serde_json::json!({ "csv": csv })).unwrap();
    let source = SourceOptions::Manifest(options);
    let mut record = SourceRecord::take(&source, &out, &[]).unwrap();
    record.add_listed(dir.path(), &["a/1.png".into()]);
    assert_eq!(check_files(Some(&record), &source, &out).unwrap(), None);
    write(&dir.path().join("a/1.png"), "longer");
    assert!(files_error(&record, &source, &out).contains("changed: a/1.png"));
    write(&csv, "path,label\na/1.png,y\n");
    assert!(files_error(&record, &source, &out).contains("data.source.manifest.csv"));
}

#[test]
fn every_option_that_names_a_file_is_known_as_one() {
    let clips: ClipsOptions = serde_json::from_value(serde_json::json!({
        "videos": "v", "labels": "l.csv",
        "video": { "openface": "o", "detector": "d.onnx", "landmarks": "p.onnx" }
    }))
    .unwrap();
    let keys: Vec<String> = paths(&SourceOptions::Clips(clips)).unwrap().into_iter().map(|(key, _)| key).collect();
    for key in ["videos", "labels", "video.openface", "video.detector", "video.landmarks"] {
        assert!(keys.contains(&format!("data.source.clips.{key}")), "{keys:?}");
    }
}
