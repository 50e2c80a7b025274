//! Folders of pictures: class folders, or train/val/test folders of class folders. Classes are numbered in alphabetical
//! order, as Keras and torchvision do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::labels::{self, Kind};
use super::names;
use super::pictures::{self, Picture, Reading, Want, file_name};
use crate::listing::{entries, folders};
use crate::options::FolderOptions;
use crate::picture::files::{Sorted, sort};
use crate::{FaceSet, Split};

/// Reads the folder.
pub(super) fn load(options: &FolderOptions, reading: &Reading) -> Result<FaceSet> {
    let parts = parts(&options.root)?;
    let mut classes = BTreeSet::new();
    for (_, folder) in &parts {
        for class in folders(folder)? {
            classes.insert(file_name(&class));
        }
    }
    ensure!(
        !classes.is_empty(),
        "{} has no class folders: pictures are expected in folders named after their class, or in train/val/test \
         folders of such folders",
        options.root.display()
    );
    let classes: Vec<String> = classes.into_iter().collect();
    let (mut all, mut others, mut notes) = (Vec::new(), Vec::new(), vec![format!("folder {}", options.root.display())]);
    for (split, folder) in &parts {
        let before = all.len();
        others.extend(add_part(&mut all, &options.root, *split, folder, &classes)?);
        if parts.len() > 1 {
            let empty = without_pictures(&all[before..], &classes);
            notes.extend(
                (!empty.is_empty()).then(|| format!("no pictures in {}: {}", folder.display(), empty.join(", "))),
            );
        }
    }
    notes.extend(Sorted { pictures: Vec::new(), others }.note());
    ensure!(!all.is_empty(), "the class folders of {} hold no pictures", options.root.display());
    if let Some(end) = &options.subject_before {
        all.iter_mut().try_for_each(|picture| name_subject(picture, end))?;
    }
    let empty = without_pictures(&all, &classes);
    ensure!(
        empty.is_empty() || options.skip_bad,
        "no pictures in the class folders {} of {}: fill or remove them, or pass --skip-bad (in an experiment file: \
         skip_bad: true) to leave these classes out",
        empty.join(", "),
        options.root.display()
    );
    let labels: Vec<String> = all.iter().map(|p| classes[p.label as usize].clone()).collect();
    let classes = labels::assign(&mut all, &labels, Kind::Folders, &options.classes)
        .with_context(|| options.root.display().to_string())?;
    notes.extend((!empty.is_empty()).then(|| format!("class folders without pictures: {}", empty.join(", "))));
    let want = Want::whole(options.size, options.colour, options.skip_bad, options.max_pixels).with(reading);
    let mut faces = pictures::read(all, classes.names, &want)?;
    pictures::drop_empty_classes(&mut faces);
    faces.provenance.notes.splice(0..0, notes.into_iter().chain(classes.notes));
    Ok(faces)
}

/// The subject of a picture: what its file's name begins with.
fn name_subject(picture: &mut Picture, end: &str) -> Result<()> {
    let name = file_name(&picture.path);
    match name.split_once(end) {
        Some((subject, _)) if !subject.is_empty() && !end.is_empty() => picture.subject = subject.to_owned(),
        _ => bail!(
            "{}: its name does not begin with a subject and `{end}` (subject_before): rename it, or list the pictures in a table \
             with a column subject (data prepare manifest)",
            picture.path.display()
        ),
    }
    Ok(())
}

/// The folders that hold class folders: the root itself, or one per part of the dataset.
fn parts(root: &Path) -> Result<Vec<(Split, PathBuf)>> {
    let folders = folders(root)?;
    let splits: Vec<Option<Split>> = folders.iter().map(|f| names::split(&file_name(f))).collect();
    if splits.iter().all(Option::is_none) {
        return Ok(vec![(Split::Unassigned, root.into())]);
    }
    if let Some(i) = splits.iter().position(Option::is_none) {
        bail!(
            "{} has both folders of parts (train, val, valid, validation, test) and \"{}\": it must have either parts or \
             classes",
            root.display(),
            file_name(&folders[i])
        );
    }
    let parts: Vec<_> = splits.into_iter().flatten().zip(folders).collect();
    for split in [Split::Train, Split::Validation, Split::Test] {
        let same: Vec<String> = parts.iter().filter(|(s, _)| *s == split).map(|(_, f)| file_name(f)).collect();
        ensure!(same.len() < 2, "{}: the folders {} mean the same part; keep one", root.display(), same.join(" and "));
    }
    Ok(parts)
}

/// Classes that none of these pictures is of.
fn without_pictures(pictures: &[Picture], classes: &[String]) -> Vec<String> {
    let is_empty = |class: usize| pictures.iter().all(|p| usize::try_from(p.label) != Ok(class));
    classes.iter().enumerate().filter(|&(i, _)| is_empty(i)).map(|(_, name)| name.clone()).collect()
}

/// Adds the pictures of a folder of class folders; gives the files in them that are none.
fn add_part(
    all: &mut Vec<Picture>,
    root: &Path,
    split: Split,
    folder: &Path,
    classes: &[String],
) -> Result<Vec<PathBuf>> {
    let mut others = Vec::new();
    for class in folders(folder)? {
        let label = classes.binary_search(&file_name(&class)).unwrap_or(0) as i16;
        let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries(&class)?.into_iter().partition(|p| p.is_dir());
        if let Some(nested) = folders.first() {
            bail!(
                "{0} is a folder within the folder {1}, which stands in the place of a class: pictures are expected directly \
                 in it. If {1} is no class but holds the class folders, give {1} as the root; if the folders in it are \
                 persons or recordings, list the pictures in a table instead (data prepare manifest, columns path, label \
                 and subject)",
                nested.display(),
                class.display()
            );
        }
        let sorted = sort(files);
        others.extend(sorted.others);
        for path in sorted.pictures {
            let mut picture = Picture::new(path, label, split, all.len());
            picture.name = picture.path.strip_prefix(root).unwrap_or(&picture.path).to_string_lossy().into_owned();
            all.push(picture);
        }
    }
    Ok(others)
}

#[cfg(test)]
mod tests {
    use super::super::pictures::tests::png;
    use super::*;
    use crate::options::{ClassNames, Colour};
    use crate::picture::MAX_PIXELS;

    fn load(options: &FolderOptions) -> Result<FaceSet> {
        super::load(options, &Reading::default())
    }

    fn options(root: &Path) -> FolderOptions {
        FolderOptions {
            root: root.into(),
            size: None,
            colour: None,
            skip_bad: false,
            max_pixels: MAX_PIXELS,
            subject_before: None,
            classes: ClassNames::default(),
        }
    }

    #[test]
    fn class_folders() {
        let dir = tempfile::tempdir().unwrap();
        png(&dir.path().join("sad/1.png"), 8, 0, [3, 3, 3]);
        png(&dir.path().join("happy/2.png"), 8, 0, [2, 2, 2]);
        png(&dir.path().join("happy/1.png"), 8, 0, [1, 1, 1]);
        let faces = load(&options(dir.path())).unwrap();
        assert_eq!(faces.classes, ["happy", "sad"]);
        assert_eq!(faces.labels, [0, 0, 1]);
        assert_eq!(faces.names, ["happy/1.png", "happy/2.png", "sad/1.png"]);
        assert_eq!((0..3).map(|i| faces.images.get(i)[0]).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(faces.splits.iter().all(|&s| s == Split::Unassigned));
        assert_eq!(faces.images.channels, 1);
    }

    #[test]
    fn names_of_files_say_who_it_is() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["sad/S10_1.png", "happy/S2_003_1.png", "happy/S10_7.png"] {
            png(&dir.path().join(name), 8, 0, [1, 1, 1]);
        }
        let named = |end: &str| FolderOptions { subject_before: Some(end.into()), ..options(dir.path()) };
        assert_eq!(load(&named("_")).unwrap().subjects.unwrap(), ["S10", "S2", "S10"]);
        assert!(load(&options(dir.path())).unwrap().subjects.is_none());
        for end in ["-", "S", ""] {
            let error = load(&named(end)).unwrap_err().to_string();
            assert!(error.contains("S10_7.png") && error.contains("subject_before"), "{error}");
        }
    }

    #[test]
    fn numbered_folders_are_named_and_merged() {
        let dir = tempfile::tempdir().unwrap();
        for (folder, value) in [("1", 1), ("2", 2), ("10", 10), ("Fear", 4)] {
            png(&dir.path().join(format!("train/{folder}/1.png")), 8, 0, [value; 3]);
        }
        let named = [("1", "surprise"), ("2", "fear"), ("Fear", "fear"), ("10", "")];
        let classes = ClassNames(named.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect());
        let faces = load(&FolderOptions { classes, ..options(dir.path()) }).unwrap();
        assert_eq!(faces.classes, ["fear", "surprise"]);
        assert_eq!(faces.names, ["train/1/1.png", "train/2/1.png", "train/Fear/1.png"]);
        assert_eq!(faces.labels, [1, 0, 0]);
        let plain = load(&options(dir.path())).unwrap();
        assert_eq!(plain.classes, ["1", "10", "2", "Fear"]);
    }

    #[test]
    fn parts_of_class_folders_in_different_sizes() {
        let dir = tempfile::tempdir().unwrap();
        png(&dir.path().join("train/b/1.png"), 20, 4, [1, 2, 3]);
        png(&dir.path().join("valid/a/1.png"), 9, 0, [1, 1, 1]);
        png(&dir.path().join("test/b/1.png"), 9, 0, [1, 1, 1]);
        let error = load(&options(dir.path())).unwrap_err().to_string();
        assert!(error.contains("--size") && error.contains("20 x 24"), "{error}");
        let faces = load(&FolderOptions { size: Some(16), colour: Some(Colour::Rgb), ..options(dir.path()) }).unwrap();
        assert_eq!(faces.splits, [Split::Test, Split::Train, Split::Validation]);
        assert_eq!(faces.labels, [1, 1, 0]);
        assert_eq!((faces.images.height, faces.images.width, faces.images.channels), (16, 16, 3));
        assert_eq!(faces.images.get(1)[..3], [1, 2, 3]);
    }

    #[test]
    fn files_that_are_no_pictures_are_named_or_skipped() {
        let dir = tempfile::tempdir().unwrap();
        png(&dir.path().join("a/1.png"), 8, 0, [1, 1, 1]);
        std::fs::write(dir.path().join("a/notes.txt"), "hello").unwrap();
        let whole = std::fs::read(dir.path().join("a/1.png")).unwrap();
        std::fs::write(dir.path().join("a/cut.png"), &whole[..whole.len() / 2]).unwrap();
        let error = load(&options(dir.path())).unwrap_err().to_string();
        assert!(error.contains("cut.png") && error.contains("--skip-bad"), "{error}");
        let faces = load(&FolderOptions { skip_bad: true, ..options(dir.path()) }).unwrap();
        assert_eq!(faces.len(), 1);
        assert!(faces.provenance.notes.iter().any(|n| n.contains("notes.txt")), "{:?}", faces.provenance.notes);
    }

    #[test]
    fn junk_and_lying_names() {
        let dir = tempfile::tempdir().unwrap();
        png(&dir.path().join("a/1.png"), 8, 0, [1, 1, 1]);
        png(&dir.path().join("b/1.png"), 8, 0, [2, 2, 2]);
        std::fs::rename(dir.path().join("b/1.png"), dir.path().join("b/2.jpe")).unwrap();
        std::fs::create_dir_all(dir.path().join("__MACOSX/a")).unwrap();
        for junk in ["Thumbs.db", "a/Thumbs.db", "a/desktop.ini", "a/._1.png", "b/.DS_Store", "__MACOSX/a/1.png"] {
            std::fs::write(dir.path().join(junk), "junk").unwrap();
        }
        let faces = load(&options(dir.path())).unwrap();
        assert_eq!(
            (faces.names, faces.classes),
            (vec!["a/1.png".into(), "b/2.jpe".into()], vec!["a".into(), "b".into()])
        );
        assert_eq!(faces.provenance.notes.len(), 1, "{:?}", faces.provenance.notes);
    }

    #[test]
    fn a_class_without_pictures_is_an_error_or_left_out() {
        let dir = tempfile::tempdir().unwrap();
        png(&dir.path().join("a/1.png"), 8, 0, [1, 1, 1]);
        png(&dir.path().join("c/1.png"), 8, 0, [3, 3, 3]);
        std::fs::create_dir_all(dir.path().join("b")).unwrap();
        let error = load(&options(dir.path())).unwrap_err().to_string();
        assert!(error.contains("class folders b of") && error.contains("--skip-bad"), "{error}");
        // A class whose pictures are all bad is one without pictures, too.
        std::fs::write(dir.path().join("b/1.png"), "").unwrap();
        let faces = load(&FolderOptions { skip_bad: true, ..options(dir.path()) }).unwrap();
        assert_eq!((faces.labels, faces.classes), (vec![0, 1], vec!["a".into(), "c".into()]));
        assert!(faces.provenance.notes.iter().any(|n| n.contains("left out: b")), "{:?}", faces.provenance.notes);
    }

    #[test]
    fn nested_class_folders_are_explained() {
        let dir = tempfile::tempdir().unwrap();
        png(&dir.path().join("faces/happy/1.png"), 8, 0, [1, 1, 1]);
        let error = load(&options(dir.path())).unwrap_err().to_string();
        assert!(error.contains("as the root") && error.contains("subject"), "{error}");
        assert_eq!(load(&options(&dir.path().join("faces"))).unwrap().classes, ["happy"]);
    }

    #[test]
    fn impossible_folders() {
        let dir = tempfile::tempdir().unwrap();
        assert!(load(&options(dir.path())).unwrap_err().to_string().contains("no class folders"));
        assert!(load(&options(&dir.path().join("no"))).unwrap_err().to_string().contains("cannot read the folder"));
        png(&dir.path().join("train/a/1.png"), 8, 0, [0; 3]);
        png(&dir.path().join("happy/1.png"), 8, 0, [0; 3]);
        assert!(load(&options(dir.path())).unwrap_err().to_string().contains("\"happy\""));
    }
}
