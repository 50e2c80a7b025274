//! A folder for what the network saw.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pictures::Face;
use crate::commands::inputs::Inputs;
use crate::faces::Photo;

/// A folder with a file name for each face.
pub(in crate::commands) struct CropFolder {
    path: PathBuf,
    names: HashSet<String>,
    /// The option that named it.
    option: &'static str,
    inputs: Inputs,
}

impl CropFolder {
    /// Makes the folder, or takes it as it is. No file in it that is an input is replaced.
    pub(in crate::commands) fn make(option: &'static str, path: &Path, inputs: Inputs) -> Result<Self> {
        std::fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self { path: path.to_path_buf(), names: HashSet::new(), option, inputs })
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

    /// The face's file name without an ending; pictures of one name from several folders are numbered.
    pub(in crate::commands) fn name(&mut self, face: &Face) -> String {
        let stem = face.path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let number = face.found.as_ref().map(|f| format!("-face{}", f.number)).unwrap_or_default();
        let names = (1..).map(|k| match k {
            1 => format!("{stem}{number}"),
            _ => format!("{stem}{number}-{k}"),
        });
        let name = names.into_iter().find(|n| !self.names.contains(n)).unwrap_or_default();
        self.names.insert(name.clone());
        name
    }
}

/// Planes in 0..255 as pixels `[height, width, channels]`.
pub(in crate::commands) fn pixels(planes: &[f32], channels: usize) -> Vec<u8> {
    let n = planes.len() / channels;
    (0..planes.len()).map(|i| planes[i % channels * n + i / channels].round().clamp(0.0, 255.0) as u8).collect()
}
