use std::fs;

use super::super::pictures::tests::png;
use super::*;

/// DISFA with two subjects of four frames: unit u of subject s has the intensity (frame + u + s) % 6.
fn generate(root: &Path, first: u32) {
    for (s, subject) in ["SN001", "SN024"].iter().enumerate() {
        let folder = root.join("ActionUnit_Labels").join(subject);
        fs::create_dir_all(&folder).unwrap();
        for unit in UNITS {
            let text: String = (1..=4).map(|n| format!("{n},{}\r\n", (n + unit + s as u32) % 6)).collect();
            fs::write(folder.join(format!("{subject}_au{unit}.txt")), text).unwrap();
        }
        for n in 0..4 {
            let place = format!("frames/LeftVideo{subject}_comp/LeftVideo{subject}_comp_{:04}.png", n + first);
            png(&root.join(place), 12, 0, [n as u8; 3]);
        }
    }
}

fn options(root: &Path) -> DisfaOptions {
    serde_json::from_value(serde_json::json!({ "root": root })).unwrap()
}

fn prepare(root: &Path, change: impl FnOnce(&mut DisfaOptions)) -> Result<FaceSet> {
    let mut options = options(root);
    change(&mut options);
    load(&options, &Reading::default())
}

#[test]
fn known_intensities_come_out() {
    for first in [1, 0] {
        let dir = tempfile::tempdir().unwrap();
        generate(dir.path(), first);
        let faces = prepare(dir.path(), |_| {}).unwrap();
        assert_eq!(faces.len(), 8);
        let targets = faces.targets.as_ref().unwrap();
        let (group, start) = targets.group("au_intensity").unwrap();
        assert_eq!(group.columns[..3], ["AU01", "AU02", "AU04"]);
        for row in 0..8 {
            // Frame n of the labels is the n-th picture, whatever it is called.
            assert_eq!(faces.images.get(row)[0], row as u8 % 4);
            for (i, unit) in UNITS.iter().enumerate() {
                let wanted = ((row as u32 % 4 + 1) + unit + row as u32 / 4) % 6;
                assert_eq!(targets.values[row * 24 + start + i], wanted as f32, "row {row}, AU{unit}");
                assert_eq!(targets.values[row * 24 + i], f32::from(wanted >= 2), "row {row}, AU{unit}");
            }
        }
        assert!(targets.known.iter().all(|&known| known));
        assert_eq!(faces.subjects.as_ref().unwrap()[3..5], ["SN001", "SN024"]);
        assert!(faces.labels.iter().all(|&label| label == crate::NO_LABEL));
        let zero = faces.provenance.notes.iter().any(|note| note.contains("numbered from 0"));
        assert_eq!(zero, first == 0);
    }
}

#[test]
fn threshold_units_and_every_are_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path(), 1);
    let faces = prepare(dir.path(), |o| (o.threshold, o.units, o.every) = (4, vec![12, 1], 3)).unwrap();
    assert_eq!(
        faces.names,
        ["SN001", "SN024"].map(|s| [1, 4].map(|n| format!("{s}/LeftVideo{s}_comp_{n:04}.png"))).concat()
    );
    let targets = faces.targets.unwrap();
    assert_eq!((targets.width(), &targets.groups[0].columns), (4, &vec!["AU12".to_owned(), "AU01".into()]));
    // SN001: AU12 is 1 and 4, AU01 2 and 5.
    assert_eq!(targets.values[..8], [0.0, 0.0, 1.0, 2.0, 1.0, 1.0, 4.0, 5.0]);
    assert!(prepare(dir.path(), |o| o.units = vec![7]).unwrap_err().to_string().contains("no action unit 7"));
    assert!(prepare(dir.path(), |o| o.threshold = 6).unwrap_err().to_string().contains("threshold is 6"));
}

#[test]
fn what_has_no_partner_is_left_out_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    generate(root, 1);
    let labels = root.join("ActionUnit_Labels");
    fs::write(labels.join("SN024/SN024_au9.txt"), "1,5\n2,0\n").unwrap();
    fs::remove_file(labels.join("SN024/SN024_au26.txt")).unwrap();
    fs::remove_file(root.join("frames/LeftVideoSN001_comp/LeftVideoSN001_comp_0002.png")).unwrap();
    png(&root.join("frames/LeftVideoSN024_comp/LeftVideoSN024_comp_0009.png"), 12, 0, [9; 3]);
    let faces = prepare(root, |_| {}).unwrap();
    assert_eq!(faces.len(), 7);
    let targets = faces.targets.as_ref().unwrap();
    // The last row is frame 4 of SN024: AU09 has no line there, AU26 no file.
    let known = &targets.known[6 * 24..];
    assert_eq!((known[5], known[11], known[12 + 5], known[0]), (false, false, false, true));
    let notes = faces.provenance.notes.join("\n");
    for part in [
        "8 labelled frames, of which 7 in 2 videos",
        "1 labelled frames without a picture: SN001 (1)",
        "1 pictures without a label: SN024 (1)",
        "SN024 has no file of the action units 26",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[test]
fn wrong_lines_and_folders_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let said = |change: fn(&mut DisfaOptions)| format!("{:#}", prepare(root, change).unwrap_err());
    assert!(said(|_| {}).contains("it lacks the folder ActionUnit_Labels"));
    fs::create_dir_all(root.join("ActionUnit_Labels")).unwrap();
    assert!(said(|_| {}).contains("ffmpeg -i LeftVideoSN001_comp.avi"));
    generate(root, 1);
    fs::write(root.join("ActionUnit_Labels/SN001/SN001_au4.txt"), "1,0\n2,7\n").unwrap();
    fs::write(root.join("ActionUnit_Labels/SN024/SN024_au6.txt"), "1;0\n").unwrap();
    let both = said(|_| {});
    assert!(both.contains("SN001_au4.txt, line 2: the intensity is 7; 0 to 5 is expected"), "{both}");
    assert!(both.contains("2 files of labels") && both.contains("SN024_au6.txt, line 1: \"1;0\""), "{both}");
    generate(root, 1);
    png(&root.join("frames/RightVideoSN001_comp/1.png"), 12, 0, [0; 3]);
    assert!(said(|_| {}).contains("both frames of SN001"));
}

#[test]
fn faces_are_cut_out_where_they_are_found() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path(), 1);
    let find = |photo: &crate::picture::Photo| Ok((photo.pixels()[0] != 2).then_some([2.0, 2.0, 10.0, 10.0]));
    let mut options = options(dir.path());
    options.margin = 0.0;
    let error = load(&options, &Reading { finder: Some(&find), place: None }).unwrap_err().to_string();
    assert!(error.contains("2 files cannot be used") && error.contains("no face is found in it"), "{error}");
    options.skip_bad = true;
    let faces = load(&options, &Reading { finder: Some(&find), place: None }).unwrap();
    assert_eq!((faces.len(), faces.images.height), (6, 8));
    // The rows that are left keep their own targets.
    assert_eq!(faces.targets.as_ref().unwrap().values[2 * 24 + 12], 5.0);
}
