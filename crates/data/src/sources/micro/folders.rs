//! Folders of frames: which is whose, and which file is which frame.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::{Coded, Form};
use crate::listing;
use crate::options::MicroOptions;
use crate::picture::ENDINGS;

/// The folder with the subjects' folders.
pub(super) fn root_of_frames(form: &Form, options: &MicroOptions) -> Result<PathBuf> {
    let root = &options.root;
    if let Some(frames) = &options.frames {
        ensure!(frames.is_dir(), "{} is not a folder of frames", frames.display());
        return Ok(frames.clone());
    }
    let names = if options.cropped { form.crops } else { form.raw };
    // Archives unpack into a folder of their own name within one of that name.
    let nested = |name: &str| [root.join(name).join(name), root.join(name)];
    let candidates: Vec<PathBuf> = names.iter().flat_map(|name| nested(name)).chain([root.clone()]).collect();
    for candidate in &candidates {
        let is_it = |path: &PathBuf| (form.subject)(&name_of(path)).is_some();
        if candidate.is_dir() && listing::folders(candidate)?.iter().any(is_it) {
            return Ok(candidate.clone());
        }
    }
    let crops = if options.cropped { " of face crops" } else { "" };
    bail!(
        "{} has no folder of frames{crops} as {} has them ({}): name it with --frames (frames: FOLDER)",
        root.display(),
        form.title,
        if names.is_empty() { "none is known".to_owned() } else { names.join(", ") }
    )
}

/// The subjects' folders.
pub(super) struct Subjects {
    root: PathBuf,
    /// Of each subject its folders: one, but for datasets with a folder a clip.
    folders: BTreeMap<String, Vec<PathBuf>>,
    /// Whether folders are those of clips, with the subject in front of their names.
    by_clip: bool,
}

impl Subjects {
    /// Finds them.
    ///
    /// # Errors
    /// When the folder cannot be read, or one subject has two folders in two spellings.
    pub(super) fn find(form: &Form, root: &Path) -> Result<Self> {
        let mut folders: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        let mut by_clip = false;
        for folder in listing::folders(root)? {
            let name = name_of(&folder);
            let Some(subject) = (form.subject)(&name) else { continue };
            by_clip |= name.contains('_');
            folders.entry(subject).or_default().push(folder);
        }
        if let Some((subject, two)) = folders.iter().find(|(_, f)| !by_clip && f.len() > 1) {
            bail!(
                "{} and {} are both folders of the subject {subject}: put its clips into one, as leaving one out would leave the \
                 other in",
                two[0].display(),
                two[1].display()
            );
        }
        Ok(Self { root: root.to_path_buf(), folders, by_clip })
    }

    /// Each subject with its folder.
    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &PathBuf)> {
        self.folders.iter().filter_map(|(subject, folders)| Some((subject, folders.first()?)))
    }

    /// The folder of a clip: its path in any case.
    ///
    /// # Errors
    /// Says what is not there.
    pub(super) fn clip(&self, form: &Form, clip: &Coded) -> Result<PathBuf> {
        let Some(own) = self.folders.get(&clip.subject) else {
            bail!("{} has no folder of the subject {}", self.root.display(), clip.subject)
        };
        let wanted = (form.clip_folders)(clip);
        if self.by_clip {
            let name = |folder: &PathBuf| (form.subject)(&name_of(folder)).map(|s| spelt(&s, &name_of(folder)));
            let found = own.iter().find(|f| name(f).is_some_and(|n| wanted.contains(&n.to_lowercase())));
            let Some(found) = found else { bail!("{} has no folder {}", self.root.display(), wanted[0]) };
            return Ok(found.clone());
        }
        let found = wanted.iter().find_map(|path| below(&own[0], path));
        found.ok_or_else(|| anyhow::anyhow!("{} has no folder {}", own[0].display(), wanted.join(" or ")))
    }
}

/// The name of a clip's folder with its subject in one spelling.
fn spelt(subject: &str, name: &str) -> String {
    match name.split_once('_') {
        Some((_, rest)) => format!("{subject}_{rest}"),
        None => subject.to_owned(),
    }
}

/// A folder by its path in lower case, whatever the case of its names.
fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut at = folder.to_path_buf();
    for part in path.split('/') {
        let exact = at.join(part);
        at = match exact.is_dir() {
            true => exact,
            false => listing::folders(&at).ok()?.into_iter().find(|f| name_of(f).to_lowercase() == part)?,
        };
    }
    Some(at)
}

/// The last part of a path.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The frames in a folder by their numbers: the last digits of the file's name, as in `img46.jpg`, `reg_img46.jpg`,
/// `006_05562.jpg` and `355.jpg`.
///
/// # Errors
/// When the folder cannot be read, or two pictures have one number.
pub fn frames_in(folder: &Path) -> Result<BTreeMap<u32, PathBuf>> {
    let mut frames = BTreeMap::new();
    for path in listing::entries(folder)? {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if !path.is_file() || !ENDINGS.contains(&ending.as_str()) {
            continue;
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let digits = stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let Ok(number) = stem[digits..].parse::<u32>() else { continue };
        if let Some(other) = frames.insert(number, path.clone()) {
            bail!("{} and {} are both frame {number}", other.display(), path.display());
        }
    }
    Ok(frames)
}
