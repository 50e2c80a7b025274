//! Folders of pictures: class folders, or train/val/test folders of class folders. Classes are numbered in alphabetical
//! order, as Keras and torchvision do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::names;
use super::pictures::{self, Picture, Want, file_name};
use crate::data::options::FolderOptions;
use crate::data::picture::files::entries;
use crate::data::{FaceSet, Split};

/// Reads the folder.
pub(super) fn load(options: &FolderOptions) -> Result<FaceSet> {
    let parts = parts(&options.root)?;
    let mut classes = BTreeSet::new();
    for (_, folder) in &parts {
        for class in subfolders(folder)? {
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
    let mut all = Vec::new();
    for (split, folder) in &parts {
        add_part(&mut all, &options.root, *split, folder, &classes)?;
    }
    ensure!(!all.is_empty(), "the class folders of {} hold no files", options.root.display());
    let want =
        Want { size: options.size, colour: options.colour, skip_bad: options.skip_bad, max_pixels: options.max_pixels };
    let mut faces = pictures::read(all, classes, &want)?;
    faces.provenance.notes.insert(0, format!("folder {}", options.root.display()));
    Ok(faces)
}

/// The folders that hold class folders: the root itself, or one per part of the dataset.
fn parts(root: &Path) -> Result<Vec<(Split, PathBuf)>> {
    let folders = subfolders(root)?;
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

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|p| p.is_dir()).collect())
}

fn add_part(all: &mut Vec<Picture>, root: &Path, split: Split, folder: &Path, classes: &[String]) -> Result<()> {
    for class in subfolders(folder)? {
        let label = classes.binary_search(&file_name(&class)).unwrap_or(0) as i16;
        for path in entries(&class)? {
            ensure!(
                !path.is_dir(),
                "{} is a folder within a class folder: pictures are expected directly in it",
                path.display()
            );
            let mut picture = Picture::new(path, label, split, all.len());
            picture.name = picture.path.strip_prefix(root).unwrap_or(&picture.path).to_string_lossy().into_owned();
            all.push(picture);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::pictures::tests::png;
    use super::*;
    use crate::data::options::Colour;
    use crate::data::picture::MAX_PIXELS;

    fn options(root: &Path) -> FolderOptions {
        FolderOptions { root: root.into(), size: None, colour: None, skip_bad: false, max_pixels: MAX_PIXELS }
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
        assert!(error.contains("notes.txt") && error.contains("cut.png") && error.contains("--skip-bad"), "{error}");
        let faces = load(&FolderOptions { skip_bad: true, ..options(dir.path()) }).unwrap();
        assert_eq!(faces.len(), 1);
        assert!(faces.provenance.notes.iter().any(|n| n.contains("notes.txt")), "{:?}", faces.provenance.notes);
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
