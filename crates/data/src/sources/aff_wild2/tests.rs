use std::fs;

use super::super::pictures::tests::png;
use super::*;

const AUS: &str = "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26\n";
const CLASSES: &str = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other\n";

fn write(root: &Path, place: &str, text: &str) {
    let path = root.join(place);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Three videos; the second has two persons, and is tested for expressions.
fn generate(root: &Path) {
    let va = "annotations/VA_Estimation_Challenge";
    write(root, &format!("{va}/Train_Set/1-30.txt"), "valence,arousal\n0.25,-0.5\n-5,-5\n1,-1\n0,0\n");
    write(root, &format!("{va}/Train_Set/2_left.txt"), "valence,arousal\n0.5,0.5\n");
    write(root, &format!("{va}/Validation_Set/3.txt"), "valence,arousal\n-0.125,0.75\n");
    let au = "annotations/AU_Detection_Challenge";
    write(
        root,
        &format!("{au}/Train_Set/1-30.txt"),
        &format!("{AUS}0,0,0,0,0,0,1,0,0,0,1,-1\n{}", "-1,".repeat(11) + "-1\n"),
    );
    let expr = "annotations/EXPR_Recognition_Challenge";
    write(root, &format!("{expr}/Train_Set/1-30.txt"), &format!("{CLASSES}4\n-1\n0\n"));
    write(root, &format!("{expr}/Validation_Set/2_left.txt"), &format!("{CLASSES}7\n"));
    for (video, frames) in [("1-30", vec![1, 2, 3]), ("2_left", vec![1]), ("3", vec![1, 2])] {
        frames
            .iter()
            .for_each(|n| png(&root.join(format!("cropped_aligned/{video}/{n:05}.jpg")), 16, 0, [*n as u8; 3]));
    }
}

fn prepare(root: &Path, change: impl FnOnce(&mut AffWild2Options)) -> Result<FaceSet> {
    let mut options: AffWild2Options = serde_json::from_value(serde_json::json!({ "root": root })).unwrap();
    change(&mut options);
    load(&options, &Reading::default())
}

#[test]
fn lines_belong_to_pictures_by_number() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path());
    let faces = prepare(dir.path(), |o| o.tasks = vec![AffWild2Task::Va]).unwrap();
    // Frame 2 has no values, frame 4 no picture.
    assert_eq!(faces.names, ["1-30/00001.jpg", "1-30/00003.jpg", "2_left/00001.jpg", "3/00001.jpg"]);
    let targets = faces.targets.as_ref().unwrap();
    assert_eq!(targets.values, [0.25, -0.5, 1.0, -1.0, 0.5, 0.5, -0.125, 0.75]);
    assert_eq!(faces.splits, [Split::Train, Split::Train, Split::Train, Split::Test]);
    assert_eq!(faces.subjects.as_deref().unwrap(), ["1-30", "1-30", "2", "3"]);
    assert!(faces.classes.is_empty());
    let notes = faces.provenance.notes.join("\n");
    for part in [
        "6 labelled frames, of which 4 in 3 videos",
        "1 labelled frames without a picture: 1-30 (1)",
        "1 pictures without a label: 3 (1)",
        "1 frames of which nothing is known: 1-30 (1)",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[test]
fn challenges_stand_side_by_side_and_test_videos_are_test_videos_of_all() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path());
    let faces = prepare(dir.path(), |_| {}).unwrap();
    assert_eq!(faces.splits, [Split::Train, Split::Train, Split::Test, Split::Test]);
    assert_eq!(faces.classes, ["neutral", "happiness", "other"]);
    assert_eq!(faces.labels, [1, 0, 2, NO_LABEL]);
    let targets = faces.targets.as_ref().unwrap();
    assert_eq!(targets.width(), 14);
    let cell = |row: usize, place: usize| targets.known[row * 14 + place].then(|| targets.values[row * 14 + place]);
    // AU12, AU25 and AU26 of the first frame; the third has none.
    assert_eq!([8, 12, 13].map(|place| cell(0, place)), [Some(1.0), Some(1.0), None]);
    assert_eq!((cell(1, 8), cell(1, 0), cell(2, 8)), (None, Some(1.0), None));
    let notes = faces.provenance.notes.join("\n");
    assert!(notes.contains("1 videos are of the training set of one challenge") && notes.contains("2_left"), "{notes}");
}

#[test]
fn wrong_lines_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let said = || format!("{:#}", prepare(root, |_| {}).unwrap_err());
    assert!(said().contains("the folder cropped_aligned"));
    generate(root);
    write(root, "annotations/VA_Estimation_Challenge/Train_Set/1-30.txt", "valence,arousal\n0.25,-0.5\n0.25,1.5\n");
    write(root, "annotations/VA_Estimation_Challenge/Train_Set/2_left.txt", "arousal,valence\n0,0\n");
    write(root, "annotations/VA_Estimation_Challenge/Validation_Set/3.txt", "valence,arousal\n0.25\n");
    write(root, "annotations/AU_Detection_Challenge/Train_Set/1-30.txt", &format!("{AUS}0,0,2,0,0,0,1,0,0,0,1,0\n"));
    write(root, "annotations/EXPR_Recognition_Challenge/Train_Set/1-30.txt", &format!("{CLASSES}8\n"));
    write(root, "annotations/EXPR_Recognition_Challenge/Validation_Set/2_left.txt", "4\n1\n");
    let all = said();
    for part in [
        "6 files of labels",
        "1-30.txt, line 3: arousal is 1.5; -1 to 1 is expected, or -5 for none",
        "2_left.txt, line 1: \"arousal,valence\"; \"valence,arousal\" is expected",
        "3.txt, line 2: \"0.25\"; valence and arousal are expected",
        "1-30.txt, line 2: AU04 is 2; -1 to 1 is expected",
        "1-30.txt, line 2: the expression is 8; -1 to 7 is expected",
        "2_left.txt, line 1: \"4\"; names of classes are expected",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let without = prepare(root, |o| o.annotations = Some(root.join("cropped_aligned"))).unwrap_err().to_string();
    assert!(without.contains("a folder such as VA_Estimation_Challenge"), "{without}");
    fs::remove_dir_all(root.join("annotations/AU_Detection_Challenge")).unwrap();
    let absent = prepare(root, |o| o.tasks = vec![AffWild2Task::Au]).unwrap_err().to_string();
    assert!(absent.contains("has no folder AU_*"), "{absent}");
}
