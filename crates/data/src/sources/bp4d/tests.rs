use std::fs;

use super::super::pictures::tests::png;
use super::*;

const HEADER: &str = "0,1,2,4,5,6,7,10,12,14,15,17,23,24\n";

fn write(root: &Path, place: &str, text: &str) {
    let path = root.join(place);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Two subjects; F001 has frames 8 to 11 with three digits, M002 9 to 10 with four.
fn generate(root: &Path) {
    let occurrence = "AUCoding/AU_OCC";
    write(
        root,
        &format!("{occurrence}/F001_T1.csv"),
        &format!(
            "{HEADER}8,1,0,0,0,1,0,0,1,0,0,0,0,0\n9,0,9,0,0,1,0,0,9,0,0,0,0,0\n10,9,9,9,9,9,9,9,9,9,9,9,9,9\n\
             11,0,0,0,0,0,0,0,0,0,0,0,0,1\n"
        ),
    );
    write(root, &format!("{occurrence}/M002_T8.csv"), &format!("{HEADER}9,0,0,0,0,0,0,0,1,0,0,0,0,0\n"));
    write(root, "AUCoding/AU_INT/AU06/F001_T1_AU06.csv", "8,3\n9,9\n10,9\n11,0\n");
    write(root, "AUCoding/AU_INT/AU12/F001_T1_AU12.csv", "8,5\n9,1\n10,9\n11,0\n");
    write(root, "AUCoding/AU_INT/AU12/M002_T8_AU12.csv", "9,2\n");
    for n in 8..=11u8 {
        png(&root.join(format!("Sequences(2D+3D)/F001/T1/{n:03}.jpg")), 16, 0, [n; 3]);
    }
    png(&root.join("Sequences(2D+3D)/M002/T8/0009.jpg"), 16, 0, [90; 3]);
    png(&root.join("Sequences(2D+3D)/M002/T8/0010.jpg"), 16, 0, [100; 3]);
}

fn prepare(root: &Path, change: impl FnOnce(&mut Bp4dOptions)) -> Result<FaceSet> {
    let mut options: Bp4dOptions = serde_json::from_value(serde_json::json!({ "root": root })).unwrap();
    change(&mut options);
    load(&options, &Reading::default())
}

#[test]
fn codes_come_out_and_nine_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path());
    let faces = prepare(dir.path(), |_| {}).unwrap();
    assert_eq!(faces.names, ["F001/T1/008.jpg", "F001/T1/009.jpg", "F001/T1/011.jpg", "M002/T8/0009.jpg"]);
    assert_eq!(faces.subjects.as_deref().unwrap(), ["F001", "F001", "F001", "M002"]);
    let targets = faces.targets.as_ref().unwrap();
    assert_eq!((targets.width(), targets.group("au_intensity").unwrap().1), (14, 12));
    assert_eq!(targets.groups[1].columns, ["AU06", "AU12"]);
    let cell = |row: usize, place: usize| targets.known[row * 14 + place].then(|| targets.values[row * 14 + place]);
    // AU01, AU02, AU06 and AU12 of the usual twelve; then both intensities.
    let of = |row| [0, 1, 3, 6, 12, 13].map(|place| cell(row, place));
    assert_eq!(of(0), [Some(1.0), Some(0.0), Some(1.0), Some(1.0), Some(3.0), Some(5.0)]);
    assert_eq!(of(1), [Some(0.0), None, Some(1.0), None, None, Some(1.0)]);
    assert_eq!((cell(2, 11), of(2)[4]), (Some(1.0), Some(0.0)));
    assert_eq!(of(3), [Some(0.0), Some(0.0), Some(0.0), Some(1.0), None, Some(2.0)]);
    let notes = faces.provenance.notes.join("\n");
    for part in [
        "1 frames of which nothing is known: F001/T1 (1)",
        "1 pictures without a label: M002/T8 (1)",
        "1 sequences have no intensities of AU06: M002/T8",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[test]
fn units_are_chosen() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path());
    let faces = prepare(dir.path(), |o| o.units = vec![12, 5]).unwrap();
    let targets = faces.targets.unwrap();
    assert_eq!((targets.groups[0].columns.len(), &targets.groups[1].columns), (2, &vec!["AU12".to_owned()]));
    assert_eq!(targets.values[..3], [1.0, 0.0, 5.0]);
    let error = prepare(dir.path(), |o| o.units = vec![12, 33]).unwrap_err().to_string();
    assert!(error.contains("codes action unit 33; they code 1, 2, 4"), "{error}");
    fs::remove_dir_all(dir.path().join("AUCoding/AU_INT")).unwrap();
    let faces = prepare(dir.path(), |_| {}).unwrap();
    assert!(faces.targets.as_ref().unwrap().group("au_intensity").is_none());
    assert!(faces.provenance.notes.iter().any(|n| n.contains("no intensities")), "{:?}", faces.provenance.notes);
}

#[test]
fn wrong_rows_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let said = || format!("{:#}", prepare(root, |_| {}).unwrap_err());
    assert!(said().contains("it lacks the folder AUCoding/AU_OCC"));
    generate(root);
    let with = |text: &str| {
        write(root, "AUCoding/AU_OCC/M002_T8.csv", text);
        said()
    };
    assert!(with(&format!("{HEADER}9,0,0,0,0,0,0,0,2,0,0,0,0,0\n")).contains("M002_T8.csv, line 2: AU12 is \"2\""));
    assert!(with(&format!("{HEADER}9,0\n")).contains("line 2: 2 cells, and the header has 14"));
    assert!(with("0,1,x\n").contains("line 1: the first row names the action units, and \"x\""));
    assert!(with(HEADER).contains("a header and no rows"));
    assert!(with("").contains("is empty"));
    generate(root);
    write(root, "AUCoding/AU_INT/AU06/F001_T1_AU06.csv", "8,3\n9,7\n");
    assert!(said().contains("F001_T1_AU06.csv, line 2: the intensity is 7"));
    generate(root);
    write(root, "AUCoding/AU_OCC/readme.csv", "a\n");
    assert!(said().contains("is not named after a subject and a task"));
}
