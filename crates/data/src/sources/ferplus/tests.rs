use std::fs;

use tempfile::TempDir;

use super::*;
use crate::sources::pictures::tests::png;

const HEADER: &str = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n";

/// Five rows; the third has no name, and "fer0000004.png" stands twice, first out of order.
fn load(options: &FerplusOptions) -> Result<FaceSet> {
    super::load(options, &Reading::default())
}

fn write_tables(dir: &TempDir, new: Option<&str>) -> (PathBuf, PathBuf) {
    let csv = dir.path().join("fer2013.csv");
    let usages = ["Training", "Training", "Training", "PublicTest", "PrivateTest"];
    let mut text = String::from("emotion,pixels,Usage\n");
    for (i, usage) in usages.iter().enumerate() {
        text += &format!("{i},{},{usage}\n", vec![i.to_string(); 2304].join(" "));
    }
    fs::write(&csv, text).unwrap();
    let table = dir.path().join("fer2013new.csv");
    let default = format!(
        "{HEADER}Training,fer0000000.png,10,0,0,0,0,0,0,0,0,0\nTraining,fer0000004.png,0,10,0,0,0,0,0,0,0,0\n\
         Training,,0,0,0,0,0,0,0,0,0,10\nPublicTest,fer0000003.png,0,0,10,0,0,0,0,0,0,0\n\
         PrivateTest,fer0000004.png,0,0,0,10,0,0,0,0,0,0\n"
    );
    fs::write(&table, new.unwrap_or(&default)).unwrap();
    (csv, table)
}

fn label_csv(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn prepare(csv: &Path, votes: &[&Path]) -> Result<FaceSet> {
    let votes = votes.iter().map(|p| p.to_path_buf()).collect();
    load(&FerplusOptions { csv: Some(csv.into()), images: None, votes })
}

#[test]
fn votes_are_aligned_by_row() {
    let dir = tempfile::tempdir().unwrap();
    let (csv, table) = write_tables(&dir, None);
    let faces = prepare(&csv, &[&table]).unwrap();
    let votes = faces.votes.unwrap();
    assert_eq!(votes.columns, COLUMNS);
    assert_eq!((votes.get(1)[1], votes.get(2)[9], votes.get(3)[2], votes.get(4)[3]), (10, 10, 10, 10));
    assert_eq!((faces.names[1].as_str(), faces.names[2].as_str()), ("fer0000004.png", ""));
    assert_eq!(faces.labels, [0, 1, 2, 3, 4]);
    assert_eq!(faces.provenance.files.len(), 2);
}

#[test]
fn label_csv_is_placed_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (csv, table) = write_tables(&dir, None);
    let train = label_csv(&dir, "Train.csv", "fer0000000.png,\"(0, 0, 48, 48)\",0,0,0,0,9,0,0,0,1,0\n");
    let valid = label_csv(&dir, "Valid.csv", "fer0000003.png,\"(0, 0, 48, 48)\",0,0,0,0,0,8,0,0,2,0\n");
    let test = label_csv(&dir, "Test.csv", "fer0000004.png,\"(0, 0, 48, 48)\",0,0,0,0,0,0,7,0,3,0\n");
    let faces = prepare(&csv, &[&train, &table, &valid, &test]).unwrap();
    let votes = faces.votes.unwrap();
    assert_eq!((votes.get(0)[4], votes.get(3)[5]), (9, 8));
    assert_eq!((votes.get(4)[6], votes.get(1).iter().sum::<u8>()), (7, 0), "the name belongs where numbers grow");
    assert_eq!(votes.get(2), [0; 10]);
    let message = |v: &[&Path]| prepare(&csv, v).unwrap_err().to_string();
    assert!(message(&[&train, &valid, &test]).contains("fer2013new.csv"));
    assert!(message(&[&table, &train]).contains("all three"));
    assert!(message(&[&table, &train, &train]).contains("already"));
    assert!(message(&[&table, &table]).contains("give one"));
    assert!(message(&[]).contains("no votes"));
    let alien = label_csv(&dir, "alien.csv", "fer0000099.png,\"(0, 0, 48, 48)\",0,0,0,0,9,0,0,0,1,0\n");
    assert!(message(&[&table, &alien]).contains("fer0000099.png"));
    let boxed = label_csv(&dir, "boxed.csv", "fer0000000.png,\"(1, 0, 48, 48)\",0,0,0,0,9,0,0,0,1,0\n");
    assert!(message(&[&table, &boxed]).contains("box"));
}

#[test]
fn tables_that_do_not_match_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let message = |new: &str| {
        let (csv, table) = write_tables(&dir, Some(new));
        prepare(&csv, &[&table]).unwrap_err().to_string()
    };
    let row = |usage: &str| format!("{usage},fer0000000.png,10,0,0,0,0,0,0,0,0,0\n");
    assert!(message(&format!("{HEADER}{}", row("Training"))).contains("5 rows"));
    let swapped = [row("Training"), row("Training"), row("PublicTest"), row("Training"), row("PrivateTest")].concat();
    assert!(message(&format!("{HEADER}{swapped}")).contains("row 3"));
    assert!(message(&format!("{HEADER}{}", row("Train"))).contains("\"Train\""));
    assert!(message(&format!("{HEADER}Training,a.png,ten,0,0,0,0,0,0,0,0,0\n")).contains("column neutral"));
    assert!(message("Usage,Image name,neutral\n").contains("no column \"happiness\""));
}

#[test]
fn reads_microsofts_folders() {
    let dir = tempfile::tempdir().unwrap();
    for (i, set) in ["FER2013Train", "FER2013Valid", "FER2013Test"].iter().enumerate() {
        let folder = dir.path().join(set);
        png(&folder.join(format!("fer000000{i}.png")), 48, 0, [i as u8; 3]);
        let line = format!("fer000000{i}.png,\"(0, 0, 48, 48)\",{i},0,0,0,8,0,0,0,0,0\n");
        fs::write(folder.join("label.csv"), line).unwrap();
    }
    let options = FerplusOptions { csv: None, images: Some(dir.path().into()), votes: vec![] };
    let faces = load(&options).unwrap();
    assert_eq!(faces.splits, [Split::Train, Split::Validation, Split::Test]);
    assert_eq!(faces.images.get(2)[0], 2);
    assert_eq!(faces.votes.unwrap().get(2)[0], 2);
    assert_eq!((faces.labels, faces.images.channels), (vec![NO_LABEL; 3], 1));
    fs::remove_file(dir.path().join("FER2013Valid/fer0000001.png")).unwrap();
    assert!(load(&options).unwrap_err().to_string().contains("fer0000001.png"));
    let nothing = FerplusOptions { csv: None, images: None, votes: vec![] };
    assert!(load(&nothing).is_err());
}
