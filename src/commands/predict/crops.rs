//! A folder for what the network saw.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pictures::Face;
use crate::commands::inputs::Inputs;
use ferrotype_data::foreign::short_names;
use ferrotype_data::preprocess::pixels;
use ferrotype_vision::faces::Photo;

/// A folder with a file name for each face.
pub(in crate::commands) struct CropFolder {
    path: PathBuf,
    /// What each picture is called: its name, or as much of its path as tells it from the others.
    called: HashMap<PathBuf, String>,
    names: HashSet<String>,
    /// The option that named it.
    option: &'static str,
    inputs: Inputs,
}

impl CropFolder {
    /// Makes the folder, or takes it as it is, for the faces of these pictures. No file in it that is an input is replaced.
    pub(in crate::commands) fn make(
        option: &'static str,
        path: &Path,
        pictures: &[PathBuf],
        inputs: Inputs,
    ) -> Result<Self> {
        std::fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let called = pictures.iter().cloned().zip(names(pictures)).collect();
        Ok(Self { path: path.to_path_buf(), called, names: HashSet::new(), option, inputs })
    }

    /// The folder.
    pub(in crate::commands) fn path(&self) -> &Path {
        &self.path
    }

    /// Faces named so far.
    pub(in crate::commands) fn len(&self) -> usize {
        self.names.len()
    }

    /// Saves planes in 0..255 under the picture's name.
    pub(in crate::commands) fn save(&mut self, face: &Face, planes: &[f32], shape: [usize; 3]) -> Result<()> {
        let [channels, height, width] = shape;
        let photo = Photo::new(pixels(planes, channels), height, width, channels)?;
        let name = self.name(face);
        photo.save_png(&self.file(&format!("{name}.png"))?)
    }

    /// A file to be written into the folder.
    ///
    /// # Errors
    /// When it is one of those that the command reads.
    pub(in crate::commands) fn file(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        self.inputs.spare_file(self.option, &path)?;
        Ok(path)
    }

    /// The face's file name without an extension. A picture that is given twice has a number the second time.
    pub(in crate::commands) fn name(&mut self, face: &Face) -> String {
        let stem = self.called.get(&face.path).cloned().unwrap_or_default();
        let number = face.found.as_ref().map(|f| format!("-face{}", f.number)).unwrap_or_default();
        let names = (1..).map(|k| match k {
            1 => format!("{stem}{number}"),
            _ => format!("{stem}{number}-{k}"),
        });
        let name = names.into_iter().find(|n| !self.names.contains(&n.to_lowercase())).unwrap_or_default();
        self.names.insert(name.to_lowercase());
        name
    }
}

/// A name for each picture: `001`, or of several with that name `happy_001` and `sad_001`, whatever their order.
fn names(pictures: &[PathBuf]) -> Vec<String> {
    let different: BTreeSet<String> = pictures.iter().map(|p| p.to_string_lossy().replace('\\', "/")).collect();
    let paths: Vec<String> = different.into_iter().collect();
    let short = short_names(&paths);
    // What all long names begin with tells nothing.
    let folders = |name: &str| name.rsplit_once('/').map(|(folder, _)| folder.split('/').map(str::to_owned).collect());
    let long: Vec<Vec<String>> = short.iter().filter_map(|name| folders(name)).collect();
    let common = (0..long.iter().map(Vec::len).min().unwrap_or(0))
        .take_while(|&i| long.iter().all(|folder| folder[i] == long[0][i]))
        .count();
    let file_name = |name: &str| match name.contains('/') {
        true => name.split('/').skip(common).collect::<Vec<_>>().join("_"),
        false => name.to_owned(),
    };
    let by_path: HashMap<&String, String> = paths.iter().zip(short.iter().map(|name| file_name(name))).collect();
    pictures.iter().map(|p| by_path[&p.to_string_lossy().replace('\\', "/")].clone()).collect()
}
