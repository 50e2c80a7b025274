//! From a picture to the faces in it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::data::preprocess::Picture;
use crate::data::template::FaceTemplate;
use crate::faces::{Bounds, Detector, Photo};

/// Where a face was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// Counted from 1 within the picture, largest first.
    pub(super) number: usize,
    /// In pixels of the picture, right way up.
    pub(super) bounds: Bounds,
    /// The detector's score.
    pub(super) score: f32,
}

/// A face to be predicted.
pub(super) struct Face {
    pub(super) path: PathBuf,
    pub(super) found: Option<Found>,
    pub(super) crop: Photo,
}

/// What became of a picture.
#[derive(Default)]
pub(super) struct Cut {
    pub(super) faces: Vec<Face>,
    pub(super) warnings: Vec<String>,
    /// Whether it does not look like a face crop.
    pub(super) odd: bool,
}

/// How faces come out of pictures.
pub(super) enum Cutter {
    /// A picture is a face crop, and should look like one.
    Whole { template: Option<FaceTemplate> },
    /// They are found.
    Detector { detector: Box<Detector>, margin: f32 },
}

impl Cutter {
    /// Whether faces are found, not given.
    pub(super) fn finds(&self) -> bool {
        matches!(self, Self::Detector { .. })
    }

    /// The faces of a picture.
    pub(super) fn cut(&self, path: &Path, photo: Photo) -> Result<Cut> {
        match self {
            Self::Whole { template } => {
                let doubt = doubt(&photo.picture(), template.as_ref());
                let odd = doubt.is_some();
                let warnings = doubt.map(|d| format!("{} {d}", path.display())).into_iter().collect();
                let face = Face { path: path.to_path_buf(), found: None, crop: photo };
                Ok(Cut { faces: vec![face], warnings, odd })
            }
            Self::Detector { detector, margin } => {
                found(path, &photo, detector, *margin).with_context(|| path.display().to_string())
            }
        }
    }
}

/// What speaks against a picture being a face crop.
pub(super) fn doubt(picture: &Picture, template: Option<&FaceTemplate>) -> Option<String> {
    let (width, height) = (picture.width, picture.height);
    if width > 2 * height || height > 2 * width {
        return Some(format!("is {width} x {height}: a face crop is about square"));
    }
    let template = template?;
    match template.likeness(picture) {
        None => Some("is all of one grey".into()),
        Some(l) if l < template.limit() => Some(format!(
            "does not look like a face crop (likeness {l:.2}, of training faces at least {:.2})",
            template.limit()
        )),
        Some(_) => None,
    }
}

fn found(path: &Path, photo: &Photo, detector: &Detector, margin: f32) -> Result<Cut> {
    let mut detections = detector.detect(&photo.picture())?;
    // Stable: of two of one size, the better score stays first.
    detections.sort_by(|a, b| b.bounds.area().total_cmp(&a.bounds.area()));
    let mut cut = Cut::default();
    for (i, d) in detections.into_iter().enumerate() {
        let crop = photo.crop(&d.bounds, margin)?;
        let found = Found { number: i + 1, bounds: d.bounds, score: d.score };
        cut.faces.push(Face { path: path.to_path_buf(), found: Some(found), crop });
    }
    if cut.faces.is_empty() {
        cut.warnings.push(format!("no face was found in {}", path.display()));
    }
    Ok(cut)
}
