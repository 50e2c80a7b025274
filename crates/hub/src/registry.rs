//! All entries: those of this crate, and those that a user keeps.

use std::fs;
use std::path::Path;

use ferrotype_base::problems::nearest;
use ferrotype_base::text::listed;

use super::{Entry, Error, ErrorKind, Result};

macro_rules! models {
    ($($name:literal,)*) => {
        /// Names and texts of the files in `models/`.
        const MODELS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../models/", $name, ".yaml"))),)*];
    };
}

// One line per file of `models/`.
models! {
    "emopy",
    "ferronet",
    "mediapipe_blendshapes",
    "mediapipe_face_detector",
    "mediapipe_face_landmarker",
    "mediapipe_face_mesh",
    "micro_exp_net",
    "mini_xception",
    "mini_xception_onnx",
    "mobilefacenet",
    "mobilenet_v2_0.35",
    "mobilenet_v2_1.0",
    "pfld68",
    "ststnet",
    "ultraface",
    "yunet",
}

/// Files that are part of the program, by the name of their model.
const FILES: &[(&str, &[u8])] = &[("ferronet", include_bytes!("../models/ferronet.safetensors"))];

/// The file of a model that is part of the program.
pub(crate) fn file(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(of, _)| *of == name).map(|(_, bytes)| *bytes)
}

/// Entries in the order of their names, no name twice.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: Vec<Entry>,
}

impl Registry {
    /// The entries that come with this crate.
    ///
    /// # Errors
    /// When one is not well formed, which the tests of this crate would have found.
    pub fn shipped() -> Result<Self> {
        let mut registry = Self::default();
        for (name, text) in MODELS {
            registry.add(named(Entry::from_yaml(&format!("{name}.yaml"), text)?, name)?)?;
        }
        Ok(registry)
    }

    /// Adds the entries of a folder's `*.yaml` files; a folder that is not there has none.
    ///
    /// # Errors
    /// When the folder or a file cannot be read, an entry is not well formed, or a name is taken.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let unreadable = |path: &Path, e| Error::new(ErrorKind::Disk, format!("cannot read {}: {e}", path.display()));
        if !folder.is_dir() {
            return Ok(());
        }
        let mut paths = Vec::new();
        for item in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
            paths.push(item.map_err(|e| unreadable(folder, e))?.path());
        }
        paths.retain(|p| p.extension().is_some_and(|e| e == "yaml"));
        paths.sort();
        for path in paths {
            let text = fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
            let entry = Entry::from_yaml(&path.display().to_string(), &text)?;
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            self.add(named(entry, &stem)?)?;
        }
        Ok(())
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// When its name is taken: nothing takes the place of a published model.
    pub fn add(&mut self, entry: Entry) -> Result<()> {
        match self.entries.binary_search_by(|e| e.name.cmp(&entry.name)) {
            Ok(_) => Err(Error::new(
                ErrorKind::Entry,
                format!("there is a model `{}` already: give the new one another name", entry.name),
            )),
            Err(at) => {
                self.entries.insert(at, entry);
                Ok(())
            }
        }
    }

    /// Puts an entry in the place of the one of its name, or adds it.
    pub(crate) fn replace(&mut self, entry: Entry) {
        self.entries.retain(|e| e.name != entry.name);
        let at = self.entries.partition_point(|e| e.name < entry.name);
        self.entries.insert(at, entry);
    }

    /// All, in the order of their names.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that name, if there is one.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.binary_search_by(|e| e.name.as_str().cmp(name)).ok().map(|at| &self.entries[at])
    }

    /// The entry of that name.
    ///
    /// # Errors
    /// When there is none, with the name that was probably meant, or all names.
    pub fn find(&self, name: &str) -> Result<&Entry> {
        self.get(name).ok_or_else(|| {
            Error::new(ErrorKind::Unknown, format!("no published model is called `{name}`{}", self.hint(name)))
        })
    }

    /// The end of a sentence about a name that is not there.
    pub(crate) fn hint(&self, name: &str) -> String {
        match self.nearest(name) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None => {
                let names: Vec<&str> = self.entries.iter().map(|e| e.name.as_str()).collect();
                format!("; there are {}", listed(&names, 40))
            }
        }
    }

    /// The name that was probably meant, also by a file's name such as `yunet.onnx`.
    fn nearest(&self, name: &str) -> Option<&str> {
        let names = || self.entries.iter().map(|e| e.name.as_str());
        let of_file = self.entries.iter().find(|e| e.file == name).map(|e| e.name.as_str());
        let stem = || name.rsplit_once('.').and_then(|(stem, _)| nearest(stem, names()));
        of_file.or_else(|| nearest(name, names())).or_else(stem)
    }

    /// The entry whose file has that sha256.
    pub(crate) fn of_digest(&self, sha256: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.sha256 == sha256)
    }
}

/// Holds an entry's name against its file's.
fn named(entry: Entry, stem: &str) -> Result<Entry> {
    if entry.name == stem {
        return Ok(entry);
    }
    let message = format!("{stem}.yaml is the entry of `{}`: file and name must agree", entry.name);
    Err(Error::new(ErrorKind::Entry, message))
}

#[cfg(test)]
mod tests;
