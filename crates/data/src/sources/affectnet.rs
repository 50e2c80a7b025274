//! AffectNet in its two forms. With eight expressions: `train_set` and `val_set`, each with `images/N.jpg` and
//! `annotations/N_exp.npy`, `N_val.npy`, `N_aro.npy`. As first released: the lists `training.csv` and `validation.csv` with
//! `Manually_Annotated_Images` (`lists`). Its validation set is the one that results are published on (the test set was never
//! released), so it becomes the test set.

mod lists;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::npy;
use rayon::prelude::*;

use super::annotated::Annotated;
use super::facial::valence_arousal;
use super::names::{AFFECTNET, owned};
use super::pictures::{self, Picture, Reading, Want, file_name};
use crate::listing::entries;
use crate::options::AffectnetOptions;
use crate::picture::files::sort;
use crate::{FaceSet, Split};

const CONTEMPT: i64 = 7;
/// What stands for valence and arousal that are not known.
const NO_VALUE: f64 = -2.0;

/// Reads both sets.
pub(super) fn load(options: &AffectnetOptions, reading: &Reading) -> Result<FaceSet> {
    if let Some(lists) = lists::find(&options.root) {
        return lists::load(options, &lists, reading);
    }
    ensure!(
        !options.crop,
        "`crop` needs the boxes of the form with lists; the pictures of {} are cut out already",
        options.root.display()
    );
    let mut all = Gathered::new(options, reading);
    for (split, set) in [(Split::Train, "train_set"), (Split::Test, "val_set")] {
        let folder = options.root.join(set);
        ensure!(
            folder.join("images").is_dir() && folder.join("annotations").is_dir(),
            "{} needs the folders images and annotations: AffectNet's official form has train_set and val_set, each with \
             both; the older one has training.csv and validation.csv beside Manually_Annotated_Images",
            folder.display()
        );
        let files = numbered(&sort(entries(&folder.join("images"))?).pictures);
        let labels: Vec<Result<Annotation>> =
            files.par_iter().map(|path| annotation(&folder, path, options.targets)).collect();
        for (path, label) in files.into_iter().zip(labels) {
            match label {
                Ok(annotation) => {
                    let mut picture = Picture::new(path, 0, split, all.seen());
                    picture.name = format!("{set}/images/{}", file_name(&picture.path));
                    all.add(picture, annotation)?;
                }
                Err(problem) if options.skip_bad => all.bad.push(format!("{}: {problem:#}", path.display())),
                Err(problem) => bail!("{}: {problem:#}; pass --skip-bad to leave such pictures out", path.display()),
            }
        }
    }
    all.read(Vec::new())
}

/// What is known of a picture.
struct Annotation {
    /// Class number, where it is one of the eight.
    class: Option<i64>,
    /// Valence and arousal, each where it is known.
    values: [Option<f32>; 2],
}

/// The pictures that are stored, and why others are not.
struct Gathered<'a> {
    options: &'a AffectnetOptions,
    reading: Reading<'a>,
    kept: Kept,
    dropped: usize,
    unknown: usize,
    bad: Vec<String>,
}

/// Pictures with their classes alone, or with their values, too.
enum Kept {
    Classes(Vec<Picture>),
    Typed(Annotated),
}

impl<'a> Gathered<'a> {
    fn new(options: &'a AffectnetOptions, reading: &Reading<'a>) -> Self {
        let kept = match options.targets {
            true => Kept::Typed(Annotated::new(vec![valence_arousal()])),
            false => Kept::Classes(Vec::new()),
        };
        Self { options, reading: *reading, kept, dropped: 0, unknown: 0, bad: Vec::new() }
    }

    fn len(&self) -> usize {
        match &self.kept {
            Kept::Classes(pictures) => pictures.len(),
            Kept::Typed(set) => set.len(),
        }
    }

    /// Pictures that were looked at so far, but for bad ones.
    fn seen(&self) -> usize {
        self.len() + self.dropped + self.unknown
    }

    fn add(&mut self, mut picture: Picture, annotation: Annotation) -> Result<()> {
        if annotation.class == Some(CONTEMPT) && self.options.seven_classes {
            self.dropped += 1;
            return Ok(());
        }
        picture.label = annotation.class.map_or(crate::NO_LABEL, |class| class as i16);
        let has_values = self.options.targets && annotation.values.iter().any(Option::is_some);
        match &mut self.kept {
            _ if annotation.class.is_none() && !has_values => self.unknown += 1,
            Kept::Classes(pictures) => pictures.push(picture),
            Kept::Typed(set) => set.push(picture, annotation.values.to_vec())?,
        }
        Ok(())
    }

    fn read(self, files: Vec<(String, String)>) -> Result<FaceSet> {
        let options = self.options;
        ensure!(self.len() > 0, "{} holds no labelled pictures", options.root.display());
        let kept = if options.seven_classes { &AFFECTNET[..7] } else { &AFFECTNET[..] };
        let want = Want::whole(options.size, None, options.skip_bad, options.max_pixels).with(&self.reading);
        let mut faces = match self.kept {
            Kept::Classes(pictures) => pictures::read(pictures, owned(kept), &want)?,
            Kept::Typed(set) => set.read(owned(kept), &want)?,
        };
        faces.provenance.files.splice(0..0, files);
        let notes = &mut faces.provenance.notes;
        let values = if options.targets { "" } else { "; valence and arousal are not stored (targets)" };
        notes.push(format!("AffectNet's validation set is the test set here{values}"));
        if self.dropped > 0 {
            notes.push(format!("{} pictures of contempt were left out (seven_classes)", self.dropped));
        }
        if self.unknown > 0 {
            let what = if options.targets { "neither a class nor valence and arousal" } else { "none of the classes" };
            notes.push(format!("{} pictures of {what} were left out", self.unknown));
        }
        if !self.bad.is_empty() {
            notes.push(format!("{} pictures without usable labels were left out (skip_bad):", self.bad.len()));
            notes.extend(self.bad.into_iter().take(20));
        }
        Ok(faces)
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

/// What the `.npy` files of a picture say.
fn annotation(set: &Path, image: &Path, with_values: bool) -> Result<Annotation> {
    let stem = image.file_stem().unwrap_or_default().to_string_lossy();
    let read = |kind: &str| -> Result<(PathBuf, f64)> {
        let path = set.join("annotations").join(format!("{stem}_{kind}.npy"));
        let bytes = fs::read(&path).with_context(|| format!("its label {} cannot be read", path.display()))?;
        let number = ferrotype_base::lfs::refuse(&bytes).and_then(|()| npy::number(&bytes));
        let number = number.with_context(|| format!("its label {} is not usable", path.display()))?;
        Ok((path, number))
    };
    let (path, class) = read("exp")?;
    ensure!(
        class.fract() == 0.0 && (0.0..AFFECTNET.len() as f64).contains(&class),
        "its label {} is {class}; 0 to 7 is expected",
        path.display()
    );
    let value = |kind: &str| -> Result<Option<f32>> {
        let (path, value) = read(kind)?;
        checked(value).with_context(|| format!("its label {}", path.display()))
    };
    let values = if with_values { [value("val")?, value("aro")?] } else { [None; 2] };
    Ok(Annotation { class: Some(class as i64), values })
}

/// A value of valence or arousal; none where the code says that there is none.
fn checked(value: f64) -> Result<Option<f32>> {
    if value == NO_VALUE {
        return Ok(None);
    }
    ensure!((-1.0..=1.0).contains(&value), "{value} is no valence or arousal; -1 to 1 is expected, or -2 for none");
    Ok(Some(value as f32))
}
