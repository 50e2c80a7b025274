use std::fs;

use super::*;

/// The pixel text of a picture whose value is `seed + i` at pixel `i`.
fn pixels(seed: usize) -> String {
    (0..PIXELS).map(|i| ((seed + i) % 256).to_string()).collect::<Vec<_>>().join(" ")
}

fn table(text: &str) -> Result<FaceSet> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fer2013.csv");
    fs::write(&path, text).unwrap();
    read(&path)
}

fn message(text: &str) -> String {
    format!("{:#}", table(text).unwrap_err())
}

#[test]
fn reads_kaggles_table() {
    let text = format!(
        "emotion,pixels,Usage\n0,{},Training\n6,{},PublicTest\n3,{},PrivateTest\n",
        pixels(0),
        pixels(7),
        pixels(250)
    );
    let faces = table(&text).unwrap();
    assert_eq!(faces.labels, [0, 6, 3]);
    assert_eq!(faces.splits, [Split::Train, Split::Validation, Split::Test]);
    assert_eq!(faces.source_rows, [0, 1, 2]);
    assert_eq!(faces.images.get(1)[..3], [7, 8, 9]);
    assert_eq!(faces.images.get(2)[5..7], [255, 0]);
    assert_eq!(faces.classes[3], "happy");
    let digest = ferrotype_base::digest::sha256(text.as_bytes());
    assert_eq!(faces.provenance.files[0].1, digest);
}

#[test]
fn reads_the_other_two_forms() {
    let icml = table(&format!("emotion, Usage, pixels\r\n2, PrivateTest, {}\r\n", pixels(1))).unwrap();
    assert_eq!((icml.labels[0], icml.splits[0], icml.images.get(0)[0]), (2, Split::Test, 1));
    let train = table(&format!("emotion,pixels\n4,\"{}\"\n", pixels(2))).unwrap();
    assert_eq!((train.labels[0], train.splits[0], train.images.get(0)[0]), (4, Split::Unassigned, 2));
}

#[test]
fn an_index_and_floats_that_pandas_wrote_are_read() {
    for name in ["", "Unnamed: 0"] {
        let text = format!("{name},emotion,pixels,Usage\n0,5.0,{0},Training\n1,2,{0},PrivateTest\n", pixels(3));
        let faces = table(&text).unwrap();
        assert_eq!((faces.labels.as_slice(), faces.splits.as_slice()), (&[5, 2][..], &[Split::Train, Split::Test][..]));
    }
    let other = message(&format!("fold,emotion,pixels\n0,5,{}\n", pixels(3)));
    assert!(other.contains("unknown column \"fold\""), "{other}");
}

#[test]
fn rows_of_several_batches_keep_their_order() {
    let mut text = String::from("emotion,pixels,Usage\n");
    for i in 0..BATCH + 10 {
        text += &format!("{},{},Training\n", i % 7, pixels(i));
    }
    let faces = table(&text).unwrap();
    assert_eq!(faces.len(), BATCH + 10);
    assert!((0..faces.len()).all(|i| faces.labels[i] == (i % 7) as i16 && faces.images.get(i)[0] == (i % 256) as u8));
}

#[test]
fn errors_name_row_column_and_expectation() {
    let good = format!("emotion,pixels,Usage\n0,{},Training\n", pixels(0));
    let check = |bad: String, wanted: &[&str]| {
        let m = message(&format!("{good}{bad}\n{}", &good[21..]));
        assert!(wanted.iter().all(|w| m.contains(w)) && m.contains("row 2") && m.contains("line 3"), "{m}");
    };
    check(format!("7,{},Training", pixels(0)), &["column emotion", "\"7\"", "0 to 6"]);
    check(format!("x,{},Training", pixels(0)), &["column emotion", "\"x\""]);
    check("1,1 2 3,Training".into(), &["column pixels", "3 values", "2304"]);
    check(format!("1,{} 5,Training", pixels(0)), &["column pixels", "2305 values"]);
    check(format!("1,{},Training", pixels(0).replacen("17", "256", 1)), &["value 18", "\"256\"", "0 to 255"]);
    check(format!("1,{},Training", pixels(0).replacen("17", "-17", 1)), &["value 18", "\"-17\""]);
    check(format!("1,{},training", pixels(0)), &["column Usage", "\"training\"", "PublicTest"]);
    check(format!("1,{}", pixels(0)), &["column Usage", "missing"]);
}

#[test]
fn a_cut_off_file_is_recognised() {
    let whole = format!("emotion,pixels,Usage\n0,{0},Training\n1,{0},PublicTest\n", pixels(0));
    let first = whole.find("\n1,").unwrap() + 1;
    for cut in [first + 1, first + 2, first + 40, whole.len() - 12, whole.len() - 3] {
        let m = message(&whole[..cut]);
        assert!(m.contains("row 2") && m.contains("cut off"), "{cut}: {m}");
    }
    // Between two rows nothing is wrong with the file itself: the counts tell.
    let faces = table(&whole[..first]).unwrap();
    assert!(faces.provenance.notes[0].contains("28709"), "{:?}", faces.provenance.notes);
}

#[test]
fn other_tables_are_refused() {
    assert!(message("emotion,pixel,Usage\n").contains("no column \"pixels\""));
    assert!(message("emotion,pixels,Usgae\n").contains("\"Usgae\""));
    assert!(message("").contains("is empty"));
    assert!(message("\u{1}\u{2}PNG\n").contains("not a CSV table"));
    assert!(format!("{:#}", read(Path::new("no/such.csv")).unwrap_err()).contains("no/such.csv"));
    assert!(format!("{:#}", read(Path::new("src")).unwrap_err()).contains("src"));
}
