//! A CSV table of pictures: path, label, and optionally split and subject. Paths are relative to the table.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use csv::ByteRecord;

use super::labels::{self, Classes, Kind};
use super::names;
use super::pictures::{self, Picture, Reading, Want};
use super::table::{Table, text};
use super::typed::Gathered;
use crate::options::ManifestOptions;
use crate::text_table::is_index;
use crate::{FaceSet, NO_LABEL, Split};

/// The columns' usual names: paths, labels, parts and subjects.
const USUAL: [&str; 4] = ["path", "label", "split", "subject"];

/// Reads the table and its pictures.
pub(super) fn load(options: &ManifestOptions, reading: &Reading) -> Result<FaceSet> {
    let folder = options.csv.parent().unwrap_or(Path::new(""));
    let mut table = Table::open(&options.csv, true)?;
    let names = [&options.path_column, &options.label_column, &options.split_column, &options.subject_column];
    let [path_name, label_name, split_name, subject_name] =
        [0, 1, 2, 3].map(|i| names[i].as_deref().unwrap_or(USUAL[i]));
    let mut typed = Gathered::begin(&table, &options.targets)?;
    let path = table.columns([path_name])?[0];
    // Rows with other targets need no class; but a column that was asked for must be there.
    let label = match (&typed, &options.label_column) {
        (Some(_), None) => table.column(label_name),
        _ => Some(table.columns([path_name, label_name])?[1]),
    };
    // A column that was asked for must be there.
    let split = match &options.split_column {
        Some(name) => Some(table.columns([name])?[0]),
        None => table.column(split_name),
    };
    let subject = match &options.subject_column {
        Some(name) => Some(table.columns([name])?[0]),
        None => table.column(subject_name),
    };
    let (mut all, mut labels, mut record) = (Vec::new(), Vec::new(), ByteRecord::new());
    while table.next(&mut record)? {
        table.check_width(&record)?;
        let place = || table.place(table.rows() - 1, &record);
        let (file, class) = (text(&record, path), label.map(|column| text(&record, column)).unwrap_or_default());
        ensure!(!file.is_empty(), "{}, column {path_name}: empty; the path of a picture is expected", place());
        ensure!(
            !class.is_empty() || typed.is_some(),
            "{}, column {label_name}: empty; the name of a class is expected",
            place()
        );
        let part = match split.map(|column| text(&record, column)) {
            None => Split::Unassigned,
            Some(word) if word.is_empty() => Split::Unassigned,
            Some(word) => match names::split(&word) {
                Some(split) => split,
                None => {
                    bail!("{}, column {split_name}: unknown word \"{word}\"; train, val or test is expected", place())
                }
            },
        };
        let file = with_slashes(folder, file);
        let mut picture = Picture::new(folder.join(&file), 0, part, table.rows() - 1);
        picture.subject = subject.map(|column| text(&record, column)).unwrap_or_default();
        picture.name = file;
        all.push(picture);
        labels.push(class);
        if let Some(typed) = &mut typed {
            typed.add(&table, &record)?;
        }
    }
    ensure!(!all.is_empty(), "{} has a header and no rows", options.csv.display());
    let classes = assign(&mut all, &labels, options).with_context(|| options.csv.display().to_string())?;
    let want = Want::whole(options.size, options.colour, options.skip_bad, options.max_pixels).with(reading);
    let mut faces = pictures::read(all, classes.names, &want)?;
    pictures::drop_empty_classes(&mut faces);
    faces.provenance.files.insert(0, (options.csv.display().to_string(), table.sha256()));
    faces.provenance.notes.extend(classes.notes);
    faces.provenance.labelled_by.clone_from(&options.labelled_by);
    let used = [Some(path), label, split, subject];
    let targets = typed.as_ref().map(|typed| typed.places().to_vec()).unwrap_or_default();
    if let Some(typed) = typed {
        typed.finish(&mut faces)?;
    }
    let unused: Vec<&str> = table
        .header
        .iter()
        .enumerate()
        .filter(|(i, h)| !used.contains(&Some(*i)) && !targets.contains(i) && !is_index(h))
        .map(|(_, h)| h.as_str())
        .collect();
    if !unused.is_empty() {
        faces.provenance.notes.push(format!("columns of the manifest that are not used: {}", unused.join(", ")));
    }
    Ok(faces)
}

/// The classes of the rows that have one; the others are kept without, for their other targets.
fn assign(all: &mut Vec<Picture>, labels: &[String], options: &ManifestOptions) -> Result<Classes> {
    if options.targets.is_empty() {
        return labels::assign(all, labels, Kind::Cells, &options.classes);
    }
    let (mut with, without): (Vec<_>, Vec<_>) =
        std::mem::take(all).into_iter().zip(labels).partition(|(_, label)| !label.is_empty());
    let mut classes = Classes { names: Vec::new(), notes: Vec::new() };
    let named: Vec<String> = with.iter().map(|(_, label)| (*label).clone()).collect();
    let mut pictures: Vec<Picture> = with.drain(..).map(|(picture, _)| picture).collect();
    if !pictures.is_empty() {
        classes = labels::assign(&mut pictures, &named, Kind::Cells, &options.classes)?;
    }
    pictures.extend(without.into_iter().map(|(picture, _)| Picture { label: NO_LABEL, ..picture }));
    pictures.sort_by_key(|picture| picture.source_row);
    *all = pictures;
    Ok(classes)
}

/// A path as Windows writes it, `sad\\1.png`, for this system; a file may also have such a name.
fn with_slashes(folder: &Path, file: String) -> String {
    if file.contains('\\') && !folder.join(&file).exists() { file.replace('\\', "/") } else { file }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::pictures::tests::png;
    use super::*;

    fn options(csv: PathBuf) -> ManifestOptions {
        serde_json::from_value(serde_json::json!({ "csv": csv })).unwrap()
    }

    fn prepare(text: impl AsRef<[u8]>) -> Result<FaceSet> {
        prepare_with(text, |_| {})
    }

    fn prepare_with(text: impl AsRef<[u8]>, change: impl FnOnce(&mut ManifestOptions)) -> Result<FaceSet> {
        let dir = tempfile::tempdir().unwrap();
        for i in 0..3u8 {
            png(&dir.path().join(format!("p/{i}.png")), 8, 0, [i; 3]);
        }
        let csv = dir.path().join("m.csv");
        std::fs::write(&csv, text).unwrap();
        let mut options = options(csv);
        change(&mut options);
        load(&options, &Reading::default())
    }

    #[test]
    fn tables_of_other_systems_are_read() {
        let tabs = prepare("\u{feff}path\tlabel\np\\0.png\tfr\u{f6}hlich, sehr\np\\1.png\tsad\n").unwrap();
        assert_eq!(tabs.classes, ["fr\u{f6}hlich, sehr", "sad"]);
        assert_eq!(tabs.names, ["p/0.png", "p/1.png"]);
        let latin = prepare(b"path;label\r\np/0.png;fr\xf6hlich\r\np/1.png;sad\r\n").unwrap();
        assert_eq!(latin.classes, ["fr\u{f6}hlich", "sad"]);
        let text = "path,label\np/0.png,1\n";
        let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(prepare(utf16).unwrap().classes, ["1"]);
        let pandas = prepare(",path,label\n0,p/0.png,3.0\n1,p/1.png,10.0\n").unwrap();
        assert_eq!(pandas.classes, ["3", "10"]);
        assert!(pandas.provenance.notes.iter().all(|n| !n.contains("not used")), "{:?}", pandas.provenance.notes);
    }

    #[test]
    fn columns_and_classes_have_the_names_of_the_users_choice() {
        // AffectNet's own names; expressions from 8 on are no faces.
        let table = "subDirectory_filePath,expression,person\np/0.png,1,a\np/1.png,8,b\np/2.png,0,c\n";
        let choose = |o: &mut ManifestOptions| {
            o.path_column = Some("subDirectory_filePath".into());
            o.label_column = Some("expression".into());
            o.subject_column = Some("person".into());
            let names = [("0", "neutral"), ("1", "happiness"), ("8", "")];
            o.classes.0 = names.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect();
        };
        let faces = prepare_with(table, choose).unwrap();
        assert_eq!((faces.classes.len(), faces.labels.as_slice()), (2, [0, 1].as_slice()));
        assert_eq!(faces.subjects.as_deref().unwrap(), ["a", "c"]);
        let lacking = prepare_with(table, |o| {
            choose(o);
            o.split_column = Some("part".into());
        });
        assert!(lacking.unwrap_err().to_string().contains("no column \"part\""));
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
    fn typed_targets_come_from_their_columns_and_empty_cells_are_missing() {
        let table = "path,AU01,AU12,valence,label\np/0.png,1,0,0.5,sad\np/1.png,,1,-1,\np/2.png,0,,,happy\n";
        let groups = serde_json::json!({
            "au": { "kind": "labels", "columns": ["AU12", "AU01"] },
            "va": { "kind": "continuous", "columns": ["valence"], "range": [-1, 1] },
        });
        let with = |groups: serde_json::Value| {
            move |o: &mut ManifestOptions| o.targets = serde_json::from_value(groups).unwrap()
        };
        let faces = prepare_with(table, with(groups.clone())).unwrap();
        let targets = faces.targets.as_ref().unwrap();
        assert_eq!(targets.values, [0.0, 1.0, 0.5, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0]);
        assert_eq!(targets.known, [true, true, true, true, false, true, false, true, false]);
        assert_eq!((faces.labels.as_slice(), faces.classes.len()), ([1, NO_LABEL, 0].as_slice(), 2));
        assert!(faces.provenance.notes.iter().all(|n| !n.contains("not used")), "{:?}", faces.provenance.notes);
        let unlabelled = prepare_with("path,AU01,AU12,valence\np/0.png,1,0,0\n", with(groups.clone())).unwrap();
        assert_eq!((unlabelled.labels.as_slice(), unlabelled.classes.len()), ([NO_LABEL].as_slice(), 0));
        let said = |table: &str| format!("{:#}", prepare_with(table, with(groups.clone())).unwrap_err());
        let wrong = said("path,AU01,AU12,valence\np/0.png,1,0,high\n");
        assert!(wrong.contains("row 1") && wrong.contains("column valence") && wrong.contains("\"high\""), "{wrong}");
        assert!(
            said("path,AU01,AU12,valence\np/0.png,1,0,3\n")
                .contains("row 1 (the first after the header is 1; line 2 of the file): va.valence is 3; -1 to 1")
        );
        assert!(said("path,AU01,valence\np/0.png,1,3\n").contains("no column \"AU12\""));
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
