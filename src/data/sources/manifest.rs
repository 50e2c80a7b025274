//! A CSV table of pictures: path, label, and optionally split and subject. Paths are relative to the table.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use csv::ByteRecord;

use super::names;
use super::pictures::{self, Picture, Want};
use super::table::{Table, text};
use crate::data::options::ManifestOptions;
use crate::data::{FaceSet, Split};

/// Reads the table and its pictures.
pub(super) fn load(options: &ManifestOptions) -> Result<FaceSet> {
    let folder = options.csv.parent().unwrap_or(Path::new(""));
    let mut table = Table::open(&options.csv, true)?;
    let [path, label] = table.columns(["path", "label"])?;
    let (split, subject) = (table.column("split"), table.column("subject"));
    let (mut all, mut labels, mut record) = (Vec::new(), Vec::new(), ByteRecord::new());
    while table.next(&mut record)? {
        let place = || table.place(table.rows() - 1, &record);
        ensure!(
            record.len() == table.header.len(),
            "{}: {} cells, and the header has {}",
            place(),
            record.len(),
            table.header.len()
        );
        let (file, class) = (text(&record, path), text(&record, label));
        ensure!(!file.is_empty(), "{}, column path: empty; the path of a picture is expected", place());
        ensure!(!class.is_empty(), "{}, column label: empty; the name of a class is expected", place());
        let part = match split.map(|column| text(&record, column)) {
            None => Split::Unassigned,
            Some(word) if word.is_empty() => Split::Unassigned,
            Some(word) => match names::split(&word) {
                Some(split) => split,
                None => bail!("{}, column split: unknown word \"{word}\"; train, val or test is expected", place()),
            },
        };
        let mut picture = Picture::new(folder.join(&file), 0, part, table.rows() - 1);
        picture.subject = subject.map(|column| text(&record, column)).unwrap_or_default();
        picture.name = file;
        all.push(picture);
        labels.push(class);
    }
    ensure!(!all.is_empty(), "{} has a header and no rows", options.csv.display());
    let classes = number_classes(&labels);
    for (picture, label) in all.iter_mut().zip(&labels) {
        picture.label = classes.iter().position(|c| c == label).unwrap_or(0) as i16;
    }
    let want =
        Want { size: options.size, colour: options.colour, skip_bad: options.skip_bad, max_pixels: options.max_pixels };
    let mut faces = pictures::read(all, classes, &want)?;
    pictures::drop_empty_classes(&mut faces);
    faces.provenance.files.insert(0, (options.csv.display().to_string(), table.sha256()));
    let used = ["path", "label", "split", "subject"];
    let unused: Vec<&str> =
        table.header.iter().map(String::as_str).filter(|h| !used.contains(&h.to_lowercase().as_str())).collect();
    if !unused.is_empty() {
        faces.provenance.notes.push(format!("columns of the manifest that are not used: {}", unused.join(", ")));
    }
    Ok(faces)
}

/// Class names in order: by number where all are numbers, otherwise alphabetical.
fn number_classes(labels: &[String]) -> Vec<String> {
    let mut classes = labels.to_vec();
    classes.sort();
    classes.dedup();
    if classes.iter().all(|c| c.parse::<i64>().is_ok()) {
        classes.sort_by_key(|c| c.parse::<i64>().unwrap_or(0));
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::super::pictures::tests::png;
    use super::*;
    use crate::data::picture::MAX_PIXELS;

    fn prepare(text: &str) -> Result<FaceSet> {
        let dir = tempfile::tempdir().unwrap();
        for i in 0..3u8 {
            png(&dir.path().join(format!("p/{i}.png")), 8, 0, [i; 3]);
        }
        let csv = dir.path().join("m.csv");
        std::fs::write(&csv, text).unwrap();
        load(&ManifestOptions { csv, size: None, colour: None, skip_bad: false, max_pixels: MAX_PIXELS })
    }

    #[test]
    fn reads_splits_and_subjects() {
        let faces = prepare(
            "label,path,subject,split,age\nsad,p/1.png,S1,train,3\nhappy,p/0.png,,val,4\n\"sad\",p/2.png,S2,PrivateTest,5\n",
        )
        .unwrap();
        assert_eq!(faces.classes, ["happy", "sad"]);
        assert_eq!(faces.labels, [1, 0, 1]);
        assert_eq!(faces.splits, [Split::Train, Split::Validation, Split::Test]);
        assert_eq!(faces.subjects.as_deref().unwrap(), ["S1", "", "S2"]);
        assert_eq!(faces.images.get(0)[0], 1);
        assert!(faces.provenance.notes.iter().any(|n| n.contains("age")));
    }

    #[test]
    fn numbered_classes_keep_their_order() {
        let faces = prepare("path,label\np/0.png,10\np/1.png,9\n").unwrap();
        assert_eq!((faces.classes, faces.labels), (vec!["9".into(), "10".into()], vec![1, 0]));
        assert!(faces.subjects.is_none());
    }

    #[test]
    fn errors_name_row_and_column() {
        let message = |t| prepare(t).unwrap_err().to_string();
        let m = message("path,label,split\np/0.png,sad,train\np/1.png,sad,tset\n");
        assert!(m.contains("row 2") && m.contains("line 3") && m.contains("tset") && m.contains("column split"), "{m}");
        assert!(message("path,class\np/0.png,sad\n").contains("no column \"label\""));
        assert!(message("path,label\np/0.png\n").contains("1 cells"));
        assert!(message("path,label\n").contains("no rows"));
        assert!(message("path,label\np/9.png,sad\n").contains("9.png"));
    }
}
