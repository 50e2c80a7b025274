use super::super::pictures::tests::png;
use super::*;
use crate::picture::MAX_PIXELS;
use ferrotype_run::numpy::Array;

fn load(options: &AffectnetOptions) -> Result<FaceSet> {
    super::load(options, &Reading::default())
}

fn add(root: &Path, set: &str, number: usize, label: &[u8]) {
    let folder = root.join(set);
    fs::create_dir_all(folder.join("images")).unwrap();
    fs::create_dir_all(folder.join("annotations")).unwrap();
    image::RgbImage::new(224, 224).save(folder.join(format!("images/{number}.jpg"))).unwrap();
    fs::write(folder.join(format!("annotations/{number}_exp.npy")), label).unwrap();
    fs::write(folder.join(format!("annotations/{number}_val.npy")), Array::text(&["0.125".into()]).npy()).unwrap();
    fs::write(folder.join(format!("annotations/{number}_aro.npy")), Array::text(&["0.125".into()]).npy()).unwrap();
}

fn options(root: &Path) -> AffectnetOptions {
    AffectnetOptions {
        root: root.into(),
        size: Some(32),
        seven_classes: false,
        targets: false,
        crop: false,
        skip_bad: false,
        max_pixels: MAX_PIXELS,
    }
}

#[test]
fn reads_the_official_form() {
    let dir = tempfile::tempdir().unwrap();
    add(dir.path(), "train_set", 10, &Array::text(&["7".into()]).npy());
    add(dir.path(), "train_set", 2, &Array::text(&["1".into()]).npy());
    add(dir.path(), "val_set", 0, &Array::i64(&[], [4]).npy());
    let faces = load(&options(dir.path())).unwrap();
    assert_eq!(faces.labels, [1, 7, 4]);
    assert_eq!(faces.names, ["train_set/images/2.jpg", "train_set/images/10.jpg", "val_set/images/0.jpg"]);
    assert_eq!(faces.splits, [Split::Train, Split::Train, Split::Test]);
    assert_eq!((faces.classes.len(), faces.images.height), (8, 32));
    let seven = load(&AffectnetOptions { seven_classes: true, ..options(dir.path()) }).unwrap();
    assert_eq!((seven.labels, seven.classes.len()), (vec![1, 4], 7));
}

#[test]
fn bad_labels_are_named_or_skipped() {
    let dir = tempfile::tempdir().unwrap();
    add(dir.path(), "train_set", 1, &Array::i64(&[], [1]).npy());
    add(dir.path(), "train_set", 2, &Array::i64(&[], [9]).npy());
    assert!(load(&options(dir.path())).unwrap_err().to_string().contains("2_exp.npy"));
    add(dir.path(), "val_set", 1, b"rubbish");
    let faces = load(&AffectnetOptions { skip_bad: true, ..options(dir.path()) }).unwrap();
    assert_eq!(faces.labels, [1]);
    assert!(faces.provenance.notes.iter().any(|n| n.contains("val_set")), "{:?}", faces.provenance.notes);
    assert!(load(&options(&dir.path().join("train_set"))).unwrap_err().to_string().contains("annotations"));
}

fn with_targets(root: &Path) -> AffectnetOptions {
    AffectnetOptions { targets: true, ..options(root) }
}

#[test]
fn valence_and_arousal_come_out_of_the_npy_files() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    add(root, "train_set", 1, &Array::text(&["3".into()]).npy());
    add(root, "train_set", 2, &Array::text(&["1".into()]).npy());
    add(root, "val_set", 0, &Array::text(&["0".into()]).npy());
    let write = |place: &str, value: &str| fs::write(root.join(place), Array::text(&[value.into()]).npy()).unwrap();
    write("train_set/annotations/1_val.npy", "-0.75");
    write("train_set/annotations/2_val.npy", "-2");
    write("train_set/annotations/2_aro.npy", "-2");
    fs::write(root.join("val_set/annotations/0_aro.npy"), Array::f32(&[], &[0.5]).npy()).unwrap();
    let faces = load(&with_targets(root)).unwrap();
    let targets = faces.targets.as_ref().unwrap();
    assert_eq!(targets.groups[0].columns, ["valence", "arousal"]);
    assert_eq!(targets.values, [-0.75, 0.125, 0.0, 0.0, 0.125, 0.5]);
    assert_eq!(targets.known, [true, true, false, false, true, true]);
    assert_eq!(faces.labels, [3, 1, 0]);
    assert!(load(&options(root)).unwrap().targets.is_none());
    write("train_set/annotations/2_aro.npy", "1.5");
    let error = format!("{:#}", load(&with_targets(root)).unwrap_err());
    assert!(error.contains("2_aro.npy") && error.contains("1.5 is no valence or arousal"), "{error}");
    fs::remove_file(root.join("train_set/annotations/2_aro.npy")).unwrap();
    let skipped = load(&AffectnetOptions { skip_bad: true, ..with_targets(root) }).unwrap();
    assert_eq!(skipped.labels, [3, 0]);
    let error = load(&AffectnetOptions { crop: true, ..options(root) }).unwrap_err().to_string();
    assert!(error.contains("cut out already"), "{error}");
}

const HEADER: &str =
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n";

/// The first release: two lists, and pictures in numbered folders.
fn first_release(root: &Path, training: &str) {
    let lists = root.join("Manually_Annotated_file_lists");
    fs::create_dir_all(&lists).unwrap();
    fs::write(lists.join("training.csv"), HEADER.to_owned() + training).unwrap();
    fs::write(lists.join("validation.csv"), HEADER.to_owned() + "2/d.png,1,1,8,8,1;2,7,-0.5,0.25\n").unwrap();
    for (i, name) in ["1/a.png", "1/b.png", "1/c.png", "2/d.png", "2/e.png"].iter().enumerate() {
        png(&root.join("Manually_Annotated_Images").join(name), 12, 2, [i as u8; 3]);
    }
}

const TRAINING: &str = "1/a.png,2,2,6,8,1;2,0,0.5,-0.25\n1/b.png,1,1,9,9,1;2,8,-0.125,1\n1/c.png,1,1,9,9,1;2,9,-2,-2\n";

#[test]
fn reads_the_lists_of_the_first_release() {
    let dir = tempfile::tempdir().unwrap();
    first_release(dir.path(), TRAINING);
    let mut options = with_targets(dir.path());
    (options.size, options.crop) = (None, true);
    let error = load(&options).unwrap_err().to_string();
    assert!(error.contains("differ in size"), "{error}");
    options.size = Some(8);
    let faces = load(&options).unwrap();
    assert_eq!(faces.names, ["1/a.png", "1/b.png", "2/d.png"]);
    // Of an expression that is none of the eight the values are kept; uncertain ones have none.
    assert_eq!(faces.labels, [0, crate::NO_LABEL, 7]);
    assert_eq!(faces.targets.as_ref().unwrap().values, [0.5, -0.25, -0.125, 1.0, -0.5, 0.25]);
    assert_eq!(faces.splits, [Split::Train, Split::Train, Split::Test]);
    assert!(faces.provenance.notes.iter().any(|n| n.contains("1 pictures of neither")), "{:?}", faces.provenance.notes);
    assert!(faces.provenance.files[0].0.ends_with("training.csv"), "{:?}", faces.provenance.files);
    let classes = load(&AffectnetOptions { seven_classes: true, targets: false, ..options.clone() });
    assert!(classes.unwrap().labels == [0]);
}

#[test]
fn wrong_rows_of_lists_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let said = |training: &str| {
        first_release(dir.path(), training);
        format!("{:#}", load(&with_targets(dir.path())).unwrap_err())
    };
    let row = said("1/a.png,2,2,6,8,1;2,0,0.5,-0.25\n1/b.png,1,1,9,9,1;2,11,0,0\n");
    assert!(row.contains("training.csv, row 2") && row.contains("column expression: 11; 0 to 10"), "{row}");
    assert!(said("1/a.png,2,2,6,8,1;2,0,1.25,0\n").contains("column valence: 1.25 is no valence"));
    assert!(said("1/a.png,2,2,6,8,1;2,0,0.5\n").contains("8 cells"));
    assert!(said("1/z.png,2,2,6,8,1;2,0,0.5,0\n").contains("z.png: cannot be read"));
    assert!(said(",2,2,6,8,1;2,0,0.5,0\n").contains("column subDirectory_filePath: empty"));
}
