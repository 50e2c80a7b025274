//! The files of the networks.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// File names, which are those of Ferrotype's entries of published models.
const DETECTOR: &str = "mp_face_detector.onnx";
const LANDMARKS: &str = "mp_face_landmarks_detector.onnx";
const BLENDSHAPES: &str = "mp_face_blendshapes.onnx";

/// The ONNX files of the networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshFiles {
    /// The short-range detector.
    pub detector: PathBuf,
    /// The mesh.
    pub landmarks: PathBuf,
    /// The blendshapes; they can be left out.
    pub blendshapes: Option<PathBuf>,
}

impl MeshFiles {
    /// The files of a folder: `mp_face_detector.onnx`, `mp_face_landmarks_detector.onnx` and, where it is there,
    /// `mp_face_blendshapes.onnx`.
    ///
    /// # Errors
    /// When it is no folder, or one of the first two is missing.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        ensure!(
            folder.is_dir(),
            "{} is no folder: give the one that holds {DETECTOR}, {LANDMARKS} and {BLENDSHAPES}",
            folder.display()
        );
        let needed = |name: &str| -> Result<PathBuf> {
            let path = folder.join(name);
            ensure!(path.is_file(), "the folder {} has no {name}", folder.display());
            Ok(path)
        };
        let blendshapes = folder.join(BLENDSHAPES);
        Ok(Self {
            detector: needed(DETECTOR)?,
            landmarks: needed(LANDMARKS)?,
            blendshapes: blendshapes.is_file().then_some(blendshapes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let said = || MeshFiles::in_folder(folder.path()).unwrap_err().to_string();
        assert!(said().contains("has no mp_face_detector.onnx"), "{}", said());
        std::fs::write(folder.path().join(DETECTOR), b"").unwrap();
        assert!(said().contains("has no mp_face_landmarks_detector.onnx"), "{}", said());
        std::fs::write(folder.path().join(LANDMARKS), b"").unwrap();
        let files = MeshFiles::in_folder(folder.path()).unwrap();
        assert_eq!((files.detector, files.blendshapes), (folder.path().join(DETECTOR), None));
        std::fs::write(folder.path().join(BLENDSHAPES), b"").unwrap();
        assert!(MeshFiles::in_folder(folder.path()).unwrap().blendshapes.is_some());
        let file = MeshFiles::in_folder(&folder.path().join(DETECTOR)).unwrap_err().to_string();
        assert!(file.contains("is no folder"), "{file}");
    }
}
