use std::fs;

use super::super::pictures::tests::png;
use super::*;

fn write(root: &Path, place: &str, text: &str) {
    let path = root.join(place);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Two sequences; the second has no emotion. Landmarks span 4 to 12 across and 6 to 14 down.
fn generate(root: &Path) {
    for (sequence, last) in [("S005/001", 11), ("S010/002", 14)] {
        let name = sequence.replace('/', "_");
        for n in [1, last] {
            let stem = format!("{name}_{n:08}");
            png(&root.join(format!("cohn-kanade-images/{sequence}/{stem}.png")), 20, 2, [n as u8; 3]);
            let points = "   4.0000000e+00   6.0000000e+00\n   1.2000000e+01   1.4000000e+01\n";
            write(root, &format!("Landmarks/{sequence}/{stem}_landmarks.txt"), points);
        }
    }
    let facs = "   9.0000000e+00   4.0000000e+00\n   1.2000000e+01   0.0000000e+00\n   3.9000000e+01   2.0000000e+00\n";
    write(root, "FACS/S005/001/S005_001_00000011_facs.txt", facs);
    write(root, "FACS/S010/002/S010_002_00000014_facs.txt", "   1.0000000e+00   5.0000000e+00\n");
    write(root, "Emotion/S005/001/S005_001_00000011_emotion.txt", "   3.0000000e+00\n");
    fs::create_dir_all(root.join("Emotion/S010/002")).unwrap();
}

fn prepare(root: &Path, change: impl FnOnce(&mut CkPlusOptions)) -> Result<FaceSet> {
    let mut options: CkPlusOptions = serde_json::from_value(serde_json::json!({ "root": root })).unwrap();
    change(&mut options);
    load(&options, &Reading::default())
}

#[test]
fn codes_and_emotions_come_out() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path());
    let faces = prepare(dir.path(), |o| o.units = vec![1, 9, 12]).unwrap();
    assert_eq!(faces.names, ["S005/001/S005_001_00000011.png", "S010/002/S010_002_00000014.png"]);
    assert_eq!((faces.images.get(0)[0], faces.images.get(1)[0]), (11, 14));
    let targets = faces.targets.as_ref().unwrap();
    // Not graded: there, and no intensity. Not listed: neither.
    assert_eq!(targets.values, [0.0, 1.0, 1.0, 0.0, 4.0, 0.0, 1.0, 0.0, 0.0, 5.0, 0.0, 0.0]);
    let unknown: Vec<usize> = (0..12).filter(|&i| !targets.known[i]).collect();
    assert_eq!(unknown, [5]);
    assert_eq!((faces.labels.as_slice(), faces.classes), ([0, NO_LABEL].as_slice(), vec!["disgust".to_owned()]));
    assert_eq!(faces.subjects.as_deref().unwrap(), ["S005", "S010"]);
    let notes = faces.provenance.notes.join("\n");
    assert!(
        notes.contains("2 sequences with FACS codes, 1 of them") && notes.contains("not stored: AU39 (1)"),
        "{notes}"
    );
    assert_eq!(prepare(dir.path(), |_| {}).unwrap().targets.unwrap().groups[0].columns.len(), 17);
}

#[test]
fn neutral_faces_and_crops() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path());
    let faces = prepare(dir.path(), |o| (o.neutral, o.crop, o.margin, o.units) = (true, true, 0.0, vec![9])).unwrap();
    assert_eq!((faces.len(), faces.images.width, faces.images.height), (4, 8, 8));
    assert_eq!((faces.labels.as_slice(), faces.classes.len()), ([0, 1, 0, NO_LABEL].as_slice(), 2));
    assert_eq!(faces.targets.as_ref().unwrap().values, [0.0, 0.0, 1.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!([0, 1, 2, 3].map(|i| faces.images.get(i)[0]), [1, 11, 1, 14]);
    write(dir.path(), "Landmarks/S005/001/S005_001_00000001_landmarks.txt", "1 2\n3\n");
    let error = prepare(dir.path(), |o| (o.neutral, o.crop) = (true, true)).unwrap_err().to_string();
    assert!(error.contains("S005_001_00000001_landmarks.txt, line 2: \"3\""), "{error}");
    fs::remove_dir_all(dir.path().join("Landmarks")).unwrap();
    let error = prepare(dir.path(), |o| o.crop = true).unwrap_err().to_string();
    assert!(error.contains("no folder Landmarks"), "{error}");
}

#[test]
fn wrong_lines_and_absent_pictures_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let said = || format!("{:#}", prepare(root, |_| {}).unwrap_err());
    assert!(said().contains("it lacks the folders cohn-kanade-images and FACS"));
    generate(root);
    let facs = "FACS/S010/002/S010_002_00000014_facs.txt";
    write(root, facs, "1.0 5.0\n1.0 2.0\n");
    assert!(said().contains("S010_002_00000014_facs.txt, line 2: action unit 1 stands there twice"));
    write(root, facs, "1.0 5.0\n2.5 1.0\n");
    assert!(said().contains("line 2: the action unit is 2.5"));
    write(root, facs, "1.0\n");
    assert!(said().contains("an action unit and its intensity are expected"));
    write(root, "Emotion/S005/001/S005_001_00000011_emotion.txt", "9\n");
    let both = said();
    assert!(both.contains("2 files of labels") && both.contains("the emotion is 9; 0 to 7"), "{both}");
    generate(root);
    fs::remove_file(root.join("cohn-kanade-images/S010/002/S010_002_00000014.png")).unwrap();
    let faces = prepare(root, |_| {}).unwrap();
    assert_eq!(faces.len(), 1);
    let notes = faces.provenance.notes.join("\n");
    assert!(notes.contains("left out: 1 coded pictures are not there: S010_002_00000014"), "{notes}");
    write(root, "FACS/S005/001/S005_001_00000012_facs.txt", "1 1\n");
    assert!(said().contains("has 2 files *_facs.txt"));
}
