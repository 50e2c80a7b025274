//! AffectNet: `train_set` and `val_set`, each with `images/N.jpg` and `annotations/N_exp.npy`. Its validation set is the
//! one that results are published on (the test set was never released), so it becomes the test set.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::npy;
use rayon::prelude::*;

use super::names::{AFFECTNET, owned};
use super::pictures::{self, Picture, Want, file_name};
use crate::listing::entries;
use crate::options::AffectnetOptions;
use crate::picture::files::sort;
use crate::{FaceSet, Split};

const CONTEMPT: i64 = 7;

/// Reads both sets.
pub(super) fn load(options: &AffectnetOptions) -> Result<FaceSet> {
    let kept = if options.seven_classes { &AFFECTNET[..7] } else { &AFFECTNET[..] };
    let (mut all, mut dropped, mut unlabelled) = (Vec::new(), 0, Vec::new());
    for (split, set) in [(Split::Train, "train_set"), (Split::Test, "val_set")] {
        let folder = options.root.join(set);
        ensure!(
            folder.join("images").is_dir() && folder.join("annotations").is_dir(),
            "{} needs the folders images and annotations: AffectNet's official form has train_set and val_set, each with \
             both",
            folder.display()
        );
        let files = numbered(&sort(entries(&folder.join("images"))?).pictures);
        let labels: Vec<Result<i64>> = files.par_iter().map(|path| label(&folder, path)).collect();
        for (path, label) in files.into_iter().zip(labels) {
            match label {
                Ok(CONTEMPT) if options.seven_classes => dropped += 1,
                Ok(label) => {
                    let mut picture = Picture::new(path, label as i16, split, all.len() + dropped);
                    picture.name = format!("{set}/images/{}", file_name(&picture.path));
                    all.push(picture);
                }
                Err(problem) if options.skip_bad => unlabelled.push(format!("{}: {problem:#}", path.display())),
                Err(problem) => bail!("{}: {problem:#}; pass --skip-bad to leave such pictures out", path.display()),
            }
        }
    }
    ensure!(!all.is_empty(), "{} holds no labelled pictures", options.root.display());
    let want = Want { size: options.size, colour: None, skip_bad: options.skip_bad, max_pixels: options.max_pixels };
    let mut faces = pictures::read(all, owned(kept), &want)?;
    add_notes(&mut faces.provenance.notes, dropped, unlabelled);
    Ok(faces)
}

fn add_notes(notes: &mut Vec<String>, dropped: usize, unlabelled: Vec<String>) {
    notes.push("AffectNet's val_set is the test set here; valence and arousal are not stored".into());
    if dropped > 0 {
        notes.push(format!("{dropped} pictures of contempt were left out (seven_classes)"));
    }
    if !unlabelled.is_empty() {
        notes.push(format!("{} pictures without a usable label were left out (skip_bad):", unlabelled.len()));
        notes.extend(unlabelled.into_iter().take(20));
    }
}

/// Files in the order of their numbers: 2.jpg before 10.jpg.
fn numbered(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = files.to_vec();
    files.sort_by_key(|p| {
        let number = p.file_stem().and_then(|s| s.to_string_lossy().parse::<u64>().ok());
        (number.unwrap_or(u64::MAX), p.clone())
    });
    files
}

fn label(set: &Path, image: &Path) -> Result<i64> {
    let stem = image.file_stem().unwrap_or_default().to_string_lossy();
    let path = set.join("annotations").join(format!("{stem}_exp.npy"));
    let bytes = fs::read(&path).with_context(|| format!("its label {} cannot be read", path.display()))?;
    let label = ferrotype_base::lfs::refuse(&bytes).and_then(|()| npy::integer(&bytes));
    let label = label.with_context(|| format!("its label {} is not usable", path.display()))?;
    ensure!(
        (0..AFFECTNET.len() as i64).contains(&label),
        "its label {} is {label}; 0 to 7 is expected",
        path.display()
    );
    Ok(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::MAX_PIXELS;
    use ferrotype_run::numpy::Array;

    fn add(root: &Path, set: &str, number: usize, label: &[u8]) {
        let folder = root.join(set);
        fs::create_dir_all(folder.join("images")).unwrap();
        fs::create_dir_all(folder.join("annotations")).unwrap();
        image::RgbImage::new(224, 224).save(folder.join(format!("images/{number}.jpg"))).unwrap();
        fs::write(folder.join(format!("annotations/{number}_exp.npy")), label).unwrap();
        fs::write(folder.join(format!("annotations/{number}_val.npy")), Array::text(&["0.125".into()]).npy()).unwrap();
        fs::write(folder.join(format!("annotations/{number}_aro.npy")), Array::text(&["0.125".into()]).npy()).unwrap();
    }

    fn options(root: &Path) -> AffectnetOptions {
        AffectnetOptions {
            root: root.into(),
            size: Some(32),
            seven_classes: false,
            skip_bad: false,
            max_pixels: MAX_PIXELS,
        }
    }

    #[test]
    fn reads_the_official_form() {
        let dir = tempfile::tempdir().unwrap();
        add(dir.path(), "train_set", 10, &Array::text(&["7".into()]).npy());
        add(dir.path(), "train_set", 2, &Array::text(&["1".into()]).npy());
        add(dir.path(), "val_set", 0, &Array::i64(&[], [4]).npy());
        let faces = load(&options(dir.path())).unwrap();
        assert_eq!(faces.labels, [1, 7, 4]);
        assert_eq!(faces.names, ["train_set/images/2.jpg", "train_set/images/10.jpg", "val_set/images/0.jpg"]);
        assert_eq!(faces.splits, [Split::Train, Split::Train, Split::Test]);
        assert_eq!((faces.classes.len(), faces.images.height), (8, 32));
        let seven = load(&AffectnetOptions { seven_classes: true, ..options(dir.path()) }).unwrap();
        assert_eq!((seven.labels, seven.classes.len()), (vec![1, 4], 7));
    }

    #[test]
    fn bad_labels_are_named_or_skipped() {
        let dir = tempfile::tempdir().unwrap();
        add(dir.path(), "train_set", 1, &Array::i64(&[], [1]).npy());
        add(dir.path(), "train_set", 2, &Array::i64(&[], [9]).npy());
        assert!(load(&options(dir.path())).unwrap_err().to_string().contains("2_exp.npy"));
        add(dir.path(), "val_set", 1, b"rubbish");
        let faces = load(&AffectnetOptions { skip_bad: true, ..options(dir.path()) }).unwrap();
        assert_eq!(faces.labels, [1]);
        assert!(faces.provenance.notes.iter().any(|n| n.contains("val_set")), "{:?}", faces.provenance.notes);
        assert!(load(&options(&dir.path().join("train_set"))).unwrap_err().to_string().contains("annotations"));
    }
}
