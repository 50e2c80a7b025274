use std::fs;

use super::*;
use crate::options::{MicroTask, MotionInput, UnknownApex};

fn options(root: &Path) -> MicroOptions {
    MicroOptions {
        root: root.to_path_buf(),
        sheet: None,
        frames: None,
        task: MicroTask::Composite,
        detector: None,
        cropped: true,
        input: MotionInput::Stretched,
        side: 28,
        face: 64,
        unknown_apex: UnknownApex::Spot,
        mend_apex: false,
        skip_bad: false,
    }
}

/// Empty files of these numbers: no picture is opened here.
fn frames(folder: &Path, name: impl Fn(u32) -> String, numbers: impl IntoIterator<Item = u32>) {
    fs::create_dir_all(folder).unwrap();
    numbers.into_iter().for_each(|n| fs::write(folder.join(name(n)), "").unwrap());
}

const HEADER: &str = "Subject,Filename,,OnsetFrame,ApexFrame,OffsetFrame,,Action Units,Estimated Emotion\n";

/// CASME II with two people of two clips, and what else the sheet says.
fn casme2(root: &Path, rows: &str) {
    for clip in ["sub01/EP02_01f", "sub01/EP19_05f", "sub17/EP01_02", "sub17/EP03_09"] {
        frames(&root.join("Cropped").join(clip), |n| format!("reg_img{n}.jpg"), 46..=86);
        frames(&root.join("CASME2_RAW_selected").join(clip), |n| format!("img{n}.jpg"), 46..=86);
    }
    fs::write(root.join("CASME2-coding-20140508.csv"), HEADER.to_owned() + rows).unwrap();
}

fn error(source: &SourceOptions) -> String {
    format!("{:#}", plan(source).unwrap_err())
}

#[test]
fn casme2_is_read_as_it_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    casme2(
        root,
        "1,EP02_01f,,46,59,86,,12,happiness\n01,EP19_05f,,46,/,86,,4+7,disgust\n17,EP01_02,,50,60,70,,4,others\n\
         sub17,EP03_09,,46,61,86,,1+2,surprise\n,,,,,,,,\n",
    );
    let mut o = options(root);
    let read = plan(&SourceOptions::Casme2(o.clone())).unwrap();
    let facts: Vec<_> = read.clips.iter().map(|c| (c.name.as_str(), c.label, c.onset, c.apex)).collect();
    assert_eq!(
        facts,
        [
            ("casme2/sub01/EP02_01f", 1, 46, Some(59)),
            ("casme2/sub01/EP19_05f", 0, 46, None),
            ("casme2/sub17/EP03_09", 2, 46, Some(61))
        ]
    );
    let clip = &read.clips[0];
    assert_eq!((clip.frames.len(), clip.row, clip.subject.as_str()), (41, 0, "sub01"));
    assert!(clip.place.ends_with("CASME2-coding-20140508.csv, line 2"), "{}", clip.place);
    assert!(clip.frames[&59].ends_with("Cropped/sub01/EP02_01f/reg_img59.jpg"), "{:?}", clip.frames[&59]);
    assert_eq!(read.classes, ["negative", "positive", "surprise"]);
    let notes = read.notes.join("\n");
    for part in
        ["1 of others", "of 1 clips the apex", "subject \"01\" stands in line 2 as \"1\"", "\"sub17\"", "has 145 of 24"]
    {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    (o.cropped, o.task, o.detector) = (false, MicroTask::Own, Some("yunet.onnx".into()));
    let own = plan(&SourceOptions::Casme2(o)).unwrap();
    assert_eq!(own.classes, ["happiness", "disgust", "repression", "surprise", "others"]);
    assert_eq!(own.clips.iter().map(|c| c.label).collect::<Vec<_>>(), [0, 1, 4, 3]);
    assert!(own.clips[2].frames[&60].ends_with("CASME2_RAW_selected/sub17/EP01_02/img60.jpg"));
    assert_eq!(own.clips[2].frames.keys().next_back(), Some(&70));
}

#[test]
fn every_row_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    casme2(
        root,
        "1,EP02_01f,,46,59,86,,12,happiness\n1,EP19_05f,,60,50,86,,4,disgust\n1,EP77_01,,46,59,86,,4,disgust\n\
         17,EP01_02,,46,59,99,,4,disgust\n17,EP03_09,,46,46,46,,4,disgust\nx,EP03_09,,46,59,86,,4,disgust\n\
         1,EP02_01f,,46,59,86,,4,disgust\n1,EP02_02,,46,59,86,,4,bored\n1,EP02_03,,a,59,86,,4,fear\n1,EP02_04,,80,59,70,,4,fear\n\
         18,EP02_04,,46,59,86,,4,fear\n",
    );
    let mut o = options(root);
    let said = error(&SourceOptions::Casme2(o.clone()));
    for part in [
        "10 of the clips cannot be used",
        "line 3: the apex 50 is before the onset 60",
        "sub01 has no folder ep77_01",
        "line 5: the offset, frame 99, is not in",
        "which has the frames 46 to 86",
        "line 6: onset and offset are both frame 46",
        "line 7: \"x\" is no subject of CASME II",
        "line 8: casme2/sub01/EP02_01f stands there twice, first at",
        "line 9: \"bored\" is no emotion of CASME II: happiness, disgust",
        "line 10: the onset \"a\" is no number of a frame",
        "line 11: the offset 70 is before the onset 80",
        "line 12",
        "no folder of the subject sub18",
        "--skip-bad",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    o.mend_apex = true;
    let mended = error(&SourceOptions::Casme2(o.clone()));
    assert!(mended.contains("9 of the clips") && !mended.contains("before the onset 60"), "{mended}");
    o.skip_bad = true;
    let read = plan(&SourceOptions::Casme2(o)).unwrap();
    assert_eq!(read.clips.iter().map(|c| c.apex).collect::<Vec<_>>(), [Some(59), None]);
    let notes = read.notes.join("\n");
    assert!(
        notes.contains("warning: left out") && notes.contains("the apex 50 is before the onset 60, and counts"),
        "{notes}"
    );
}

#[test]
fn sheets_and_folders_that_are_not_there_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let mut o = options(root);
    assert!(
        error(&SourceOptions::Casme2(o.clone()))
            .contains("no folder of frames of face crops as CASME II has them (Cropped)")
    );
    frames(&root.join("Cropped/sub01/EP02_01f"), |n| format!("reg_img{n}.jpg"), 1..4);
    assert!(error(&SourceOptions::Casme2(o.clone())).contains("has no sheet casme2-coding*.csv"));
    fs::write(root.join("CASME2-coding-20140508.xlsx"), b"PK").unwrap();
    assert!(error(&SourceOptions::Casme2(o.clone())).contains("is a spreadsheet, not CSV: save"));
    fs::write(root.join("CASME2-coding-20140508.csv"), "Subject,Filename,OnsetFrame,OffsetFrame\n1,a,1,2\n").unwrap();
    assert!(error(&SourceOptions::Casme2(o.clone())).contains("line 1: no column Apex"));
    fs::write(root.join("CASME2-coding-20140508.csv"), HEADER).unwrap();
    assert!(error(&SourceOptions::Casme2(o.clone())).contains("no clip of CASME II"));
    fs::create_dir_all(root.join("Cropped/Sub1")).unwrap();
    assert!(error(&SourceOptions::Casme2(o.clone())).contains("both folders of the subject sub01"));
    fs::remove_dir(root.join("Cropped/Sub1")).unwrap();
    fs::write(root.join("Cropped/sub01/EP02_01f/img2.jpg"), "").unwrap();
    fs::write(root.join("CASME2-coding-20140508.csv"), HEADER.to_owned() + "1,EP02_01f,,1,2,3,,,fear\n").unwrap();
    assert!(error(&SourceOptions::Casme2(o.clone())).contains("are both frame 2"));
    fs::write(root.join("CASME2-coding-2.csv"), HEADER).unwrap();
    assert!(error(&SourceOptions::Casme2(o.clone())).contains("name one with --sheet"));
    o.root = root.join("nowhere");
    assert!(error(&SourceOptions::Casme2(o)).contains("is not a folder"));
}

#[test]
fn samm_has_text_above_its_header() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    frames(&root.join("006/006_1_2"), |n| format!("006_{n:05}.jpg"), 5562..=5600);
    frames(&root.join("028/028_4_1"), |n| format!("028_{n:05}.jpg"), 100..=180);
    let text = "Spontaneous Actions and Micro-Movements,,,,,,,,,,,\n\"Notes; onset, apex\",,,,,,,,,,,\n,,,,,,,,,,,\n";
    let header = "Subject,Filename,Inducement Code,Onset Frame,Apex Frame,Offset Frame,Duration,Micro,Action Units,Estimated Emotion,\
                  Objective Classes,Notes\n";
    let rows = "6,006_1_2,1,5562,5576,5588,27,Micro - 1/2,4,Anger,1,\n028,028_4_1,4,110,99,170,61,Micro - 1/2,12,Happiness,1,\n";
    fs::write(root.join("SAMM_Micro_FACS_Codes_v2.csv"), [text, header, rows].concat()).unwrap();
    let mut o = options(root);
    o.frames = Some(root.to_path_buf());
    assert!(error(&SourceOptions::Samm(o.clone())).contains("line 6: the apex 99 is before the onset 110"));
    (o.mend_apex, o.frames) = (true, None);
    let read = plan(&SourceOptions::Samm(o)).unwrap();
    let facts: Vec<_> = read.clips.iter().map(|c| (c.name.as_str(), c.label, c.apex)).collect();
    assert_eq!(facts, [("samm/006/006_1_2", 0, Some(5576)), ("samm/028/028_4_1", 1, None)]);
}

#[test]
fn smic_is_its_folders() {
    let dir = tempfile::tempdir().unwrap();
    let hs = dir.path().join("HS");
    for (clip, numbers) in [
        ("s1/micro/negative/s1_ne_01", 7..19),
        ("s1/micro/surprise/s1_sur_02", 3..9),
        ("s20/micro/positive/s20_po_01", 0..3),
    ] {
        frames(&hs.join(clip), |n| format!("reg_image{n:06}.bmp"), numbers);
    }
    frames(&hs.join("s1/non_micro/s1_n1"), |n| format!("reg_image{n:06}.bmp"), 0..3);
    let o = options(dir.path());
    let read = plan(&SourceOptions::Smic(o.clone())).unwrap();
    let facts: Vec<_> =
        read.clips.iter().map(|c| (c.name.as_str(), c.label, c.onset, c.apex, c.frames.len())).collect();
    assert_eq!(
        facts,
        [
            ("smic/s01/s1_ne_01", 0, 7, None, 12),
            ("smic/s01/s1_sur_02", 2, 3, None, 6),
            ("smic/s20/s20_po_01", 1, 0, None, 3)
        ]
    );
    let mut sheet = o.clone();
    sheet.sheet = Some("x.csv".into());
    assert!(error(&SourceOptions::Smic(sheet)).contains("has no sheet"));
    frames(&hs.join("s1/micro/negative/s1_po_03"), |n| format!("reg_image{n:06}.bmp"), 0..3);
    frames(&hs.join("s1/micro/negative/s2_ne_03"), |n| format!("reg_image{n:06}.bmp"), 0..3);
    frames(&hs.join("s1/micro/negative/s1_ne_09"), |n| format!("reg_image{n:06}.bmp"), 0..1);
    frames(&hs.join("s1/micro/negative/s1_ne_10"), |n| format!("reg_image{n:06}.bmp"), 0..0);
    let said = error(&SourceOptions::Smic(o.clone()));
    for part in ["4 of the clips", "its name says \"po\"", "shows s2", "of one frame", "has no frames"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    fs::create_dir_all(hs.join("s01")).unwrap();
    assert!(error(&SourceOptions::Smic(o)).contains("both folders of the subject s01"));
}

#[test]
fn casme3_is_read_from_clips_and_from_the_whole_part() {
    let sheet = "Subject,Filename,Onset,Apex,Offset,AU,Objective class,emotion\nspNO.1,a,355,359,363,4,I,disgust\n\
                 spNO.1,a,420,424,430,12,I,happy\nspNo.10,b,3,5,9,1+2,I,surprise\nspNO.10,b,20,22,25,0,I,others\n";
    let clips =
        [("spNo.1_a_355", 355..=363), ("spNO.1_a_420", 420..=430), ("spNO.10_b_3", 3..=9), ("spNO.10_b_20", 20..=25)];
    let dir = tempfile::tempdir().unwrap();
    let name = |n| format!("{n}.jpg");
    for (folder, numbers) in clips {
        frames(&dir.path().join("Part_A_ME_clip/frame").join(folder), name, numbers);
    }
    fs::write(dir.path().join("cas(me)3_part_A_ME_label_JpgIndex_v2.csv"), sheet).unwrap();
    let whole = tempfile::tempdir().unwrap();
    frames(&whole.path().join("part_A/spNO.1/A/color"), name, 300..=500);
    frames(&whole.path().join("part_A/spNO.10/b/color"), name, 0..=30);
    fs::write(whole.path().join("cas(me)3_part_A_ME_label_JpgIndex_v2.csv"), sheet).unwrap();
    for root in [dir.path(), whole.path()] {
        let mut o = options(root);
        o.cropped = false;
        let read = plan(&SourceOptions::Casme3(o.clone())).unwrap();
        let facts: Vec<_> = read.clips.iter().map(|c| (c.name.as_str(), c.label, c.apex, c.frames.len())).collect();
        assert_eq!(
            facts,
            [
                ("casme3/spNO.1/a_355", 0, Some(359), 9),
                ("casme3/spNO.1/a_420", 1, Some(424), 11),
                ("casme3/spNO.10/b_3", 2, Some(5), 7)
            ]
        );
        o.task = MicroTask::Own;
        assert_eq!(plan(&SourceOptions::Casme3(o)).unwrap().clips[3].label, 6);
    }
}
