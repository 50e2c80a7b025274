use super::*;

const OPTIONS: TableOptions = TableOptions { kind: TableKind::Auto, rate: 10.0, min_score: 0.0, max_gap: 0.25 };

fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn table(text: &str) -> FrameTable {
    let (_folder, path) = written(text);
    read(&path, &OPTIONS).unwrap_or_else(|e| panic!("{e:#}"))
}

fn refused(text: &str) -> String {
    let (_folder, path) = written(text);
    format!("{:#}", read(&path, &OPTIONS).unwrap_err())
}

#[test]
fn py_feat_tables_lose_their_extra_row_and_second_faces() {
    let text = "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,AU12,happiness,input\n\
                0,1,0,9,9,0.9,0.1,1,0.5,a.mp4\n0,50,0,9,9,0.6,0.9,9,0.5,a.mp4\n1,1,0,9,9,0.9,0.2,2,0.5,a.mp4\n\
                2,,,,,,,,,a.mp4\n3,1,0,9,9,0.9,0.4,4,0.5,a.mp4\n4,,,,,,,,,a.mp4\n";
    let t = table(text);
    assert_eq!((t.kind, t.units.clone()), (TableKind::PyFeat, vec!["AU01".to_owned(), "AU12".to_owned()]));
    assert_eq!(t.intensities.times, [0.0, 0.1, 0.2, 0.3]);
    let second: Vec<f32> = t.intensities.column(1).collect();
    assert!(second.iter().zip([1.0, 2.0, 3.0, 4.0]).all(|(a, b)| (a - b).abs() < 1e-5), "{second:?}");
    let wanted = Counts { rows: 6, extra: 1, blank: 1, interpolated: 1, left_out: 0, crowded: 1 };
    assert_eq!((t.counts, t.landmarks), (wanted, None));
    assert!((t.seconds - 0.4).abs() < 1e-9, "{}", t.seconds);
}

#[test]
fn open_face_tables_follow_the_surest_track() {
    // Face 3 is in more frames; face 0 has a frame without success.
    let text = "frame, face_id, timestamp, confidence, success, AU12_r, AU06_r, AU12_c\n\
                1, 0, 0.0, 0.9, 1, 1, 1, 0\n1, 3, 0.0, 0.8, 1, 3, 0, 1\n2, 0, 0.04, 0.9, 0, 0, 0, 0\n2, 3, 0.04, 0.8, 1, 4, 0, 1\n";
    let t = table(text);
    assert_eq!((t.kind, t.units.join(" ").as_str()), (TableKind::OpenFace, "AU12 AU06"));
    assert_eq!(t.intensities.values, [3.0, 0.0, 4.0, 0.0]);
    assert_eq!(t.counts.crowded, 1);
    let (_folder, path) = written(text);
    let strict = read(&path, &TableOptions { min_score: 0.85, ..OPTIONS }).unwrap();
    assert_eq!(strict.intensities.values, [1.0, 1.0]);
    assert_eq!(strict.counts.left_out, 1);
}

#[test]
fn libre_face_tables_and_landmarks_are_read() {
    let t = table("frame_idx,frame_time_in_ms,au_1,au_1_intensity,au_12_intensity\n0,0,1,2.5,0.5\n1,33.3,0,0.5,1.5\n");
    assert_eq!((t.kind, t.units.join(" ").as_str()), (TableKind::LibreFace, "AU01 AU12"));
    assert!((t.intensities.times[1] - 0.0333).abs() < 1e-9);
    let axis = |a: &str| (0..68).map(|i| format!("{a}_{i}")).collect::<Vec<_>>().join(",");
    let values = (0..136).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    let t = table(&format!("frame,FaceScore,AU01,{},{}\n0,1,1,{values}\n", axis("x"), axis("y")));
    let points = t.landmarks.unwrap();
    // x_0 y_0 x_1 y_1: the file has all x first.
    assert_eq!((points.columns(), &points.values[..4]), (136, &[0.0, 68.0, 1.0, 69.0][..]));
}

#[test]
fn two_people_without_track_numbers_are_followed_by_their_boxes() {
    // The second is the surer of the two in every other frame, and over all the less sure.
    let header = "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU12\n";
    let rows = "0,0,0,50,50,0.9,1\n0,200,0,50,50,0.7,9\n1,204,0,50,50,0.95,9\n1,3,0,50,50,0.8,1\n\
                2,5,0,50,50,0.9,1\n2,208,0,50,50,0.7,9\n3,210,0,50,50,0.9,9\n4,8,0,50,50,0.9,1\n";
    let t = table(&format!("{header}{rows}"));
    assert_eq!(t.intensities.values, [1.0; 5]);
    assert_eq!((t.counts.crowded, t.counts.interpolated), (3, 1));
    let message = refused("frame,FaceScore,AU12\n0,0.9,1\n0,0.8,9\n");
    assert!(message.contains("several faces in a frame") && message.contains("FaceRectX"), "{message}");
}

#[test]
fn a_table_of_several_videos_is_several_clips() {
    let text =
        "frame,FaceScore,AU12,input\n0,1,1,v/happy/001.mp4\n1,1,2,v/happy/001.mp4\n0,1,3,v/sad/001.mp4\n1,1,4,\n";
    let (_folder, path) = written(text);
    let videos = read_videos(&path, &OPTIONS).unwrap();
    let seen: Vec<_> =
        videos.iter().map(|(name, t)| (name.as_deref().unwrap(), t.intensities.values.clone())).collect();
    assert_eq!(seen, [("v/happy/001", vec![1.0, 2.0]), ("v/sad/001", vec![3.0, 4.0])]);
    let message = refused(text);
    assert!(message.contains("several videos (v/happy/001, v/sad/001)"), "{message}");
}

#[test]
fn numbers_of_windows_and_lost_frames_are_understood() {
    let t = table(
        "frame,timestamp,confidence,success,AU12_r\n1,0,0.9,1,1\n2,0.1,0.02,0,-nan(ind)\n3,0.2,0.9,1,3\n\
         4,-nan(ind),0,0,rubbish\n5,0.3,0.9,1,1.#QNAN\n",
    );
    // The second lies between its neighbours; the fourth has no time, the last no value.
    let close = t.intensities.values.iter().zip([1.0, 2.0, 3.0]).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-5);
    assert!(close && t.intensities.len() == 3, "{:?}", t.intensities);
    assert_eq!((t.counts.blank, t.counts.interpolated, t.counts.left_out), (3, 1, 2));
}

#[test]
fn bad_tables_say_where() {
    for (text, word) in [
        ("a,b\n1,2\n", "no table of action units that is known"),
        ("frame,FaceScore,AU01\n", "no rows"),
        ("frame,FaceScore,AU01\n0,1,0.5\n1,1,smile\n", "line 3: column AU01 is `smile`"),
        ("frame,FaceScore,AU01,AU02\n0,1,0.5,nan\n1,1,0.5,\n2,,,\n", "no row has a number in the column AU02"),
        ("frame,FaceScore,AU01\nx,1,0.5\n", "line 2: column frame is `x`"),
        ("frame,FaceScore,AU01,AU01\n0,1,0.5,0.5\n", "two of its columns are AU01"),
        ("frame,FaceScore,AU01\n0,1,0.5,7\n", "not a table"),
    ] {
        let message = refused(text);
        assert!(message.contains(word), "{text:?}: {message}");
    }
    let (_folder, path) = written("frame,FaceScore,AU01\n0,1,1\n");
    let other = read(&path, &TableOptions { kind: TableKind::OpenFace, ..OPTIONS }).unwrap_err();
    assert!(format!("{other:#}").contains("no table of OpenFace"), "{other:#}");
    // A table in which no face was found in any frame is no broken table.
    let faceless = table("frame,FaceScore,AU01,AU02\n0,,,\n1,,,\n");
    assert!(faceless.intensities.is_empty() && faceless.counts.blank == 1);
}
