//! From a picture to the faces in it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::commands::models::hub::of_option;
use ferrotype_data::picture::MAX_PIXELS;
use ferrotype_data::preprocess::Picture;
use ferrotype_data::template::FaceTemplate;
use ferrotype_run::RunFolder;
use ferrotype_vision::faces::{Bounds, Detector, Photo};

/// Margin around a found face unless said otherwise. Detectors' boxes end at the hairline, face datasets show a bit more.
pub(super) const MARGIN: f32 = 0.1;

/// The options that say how faces come out of pictures.
#[derive(Debug, Args)]
pub(in crate::commands) struct CutArgs {
    /// Find the faces in the pictures with this network: an ONNX file of UltraFace or YuNet, or a published model by its
    /// name: yunet, ultraface.
    #[arg(long, value_name = "ONNX")]
    detector: Option<PathBuf>,
    /// Smallest score of a face, 0 to 1 [default: 0.6].
    #[arg(long, value_name = "SCORE", requires = "detector")]
    min_score: Option<f32>,
    /// What is added to a found face at each edge, as a part of its longer side, -0.4 to 4 [default: 0.1].
    #[arg(long, value_name = "PART", requires = "detector", allow_negative_numbers = true)]
    margin: Option<f32>,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded
    /// [default: 100000000].
    #[arg(long, value_name = "NUMBER")]
    max_pixels: Option<u64>,
}

impl CutArgs {
    /// Puts the file of a published model in the place of its name.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(in crate::commands) fn resolve(&mut self) -> Result<()> {
        of_option("--detector", &mut self.detector)
    }

    /// Whether nothing was asked for.
    pub(in crate::commands) fn is_plain(&self) -> bool {
        self.detector.is_none() && self.min_score.is_none() && self.margin.is_none() && self.max_pixels.is_none()
    }

    /// Whether nothing but a detector was asked for.
    pub(in crate::commands) fn is_detector_alone(&self) -> bool {
        self.min_score.is_none() && self.margin.is_none() && self.max_pixels.is_none()
    }

    /// The most pixels that a picture may have.
    pub(in crate::commands) fn max_pixels(&self) -> u64 {
        self.max_pixels.unwrap_or(MAX_PIXELS)
    }

    /// The detector's file, if there is one.
    pub(in crate::commands) fn file(&self) -> Option<&PathBuf> {
        self.detector.as_ref()
    }

    /// The detector, if there is one, with its margin.
    pub(in crate::commands) fn detector(&self) -> Result<Option<(Box<Detector>, f32)>> {
        let margin = self.margin.unwrap_or(MARGIN);
        ensure!((-0.4..=4.0).contains(&margin), "--margin is {margin}: it must be from -0.4 to 4");
        let Some(path) = &self.detector else { return Ok(None) };
        let detector = Detector::open(path)?;
        let detector = match self.min_score {
            Some(score) => detector.with_min_score(score)?,
            None => detector,
        };
        Ok(Some((Box::new(detector), margin)))
    }
}

/// Where a face was found.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::commands) struct FaceBox {
    /// Counted from 1 within the picture, largest first.
    pub(in crate::commands) number: usize,
    /// In pixels of the picture, right way up.
    pub(in crate::commands) bounds: Bounds,
    /// The detector's score.
    pub(in crate::commands) score: f32,
}

/// A face to be predicted.
pub(in crate::commands) struct Face {
    pub(in crate::commands) path: PathBuf,
    pub(in crate::commands) found: Option<FaceBox>,
    pub(in crate::commands) crop: Photo,
}

/// What became of a picture.
#[derive(Default)]
pub(in crate::commands) struct Cut {
    pub(in crate::commands) faces: Vec<Face>,
    pub(in crate::commands) warnings: Vec<String>,
    /// Whether it does not look like a face crop.
    pub(in crate::commands) odd: bool,
}

/// How faces come out of pictures.
pub(in crate::commands) enum Cutter {
    /// A picture is a face crop, and should look like one.
    Whole { template: Option<FaceTemplate> },
    /// They are found.
    Detector { detector: Box<Detector>, margin: f32 },
}

impl Cutter {
    /// Finds faces with a detector; without one, compares pictures with the faces that the run was trained on.
    pub(in crate::commands) fn new(detector: Option<(Box<Detector>, f32)>, run: &RunFolder) -> Result<Self> {
        Ok(match detector {
            Some((detector, margin)) => Self::Detector { detector, margin },
            None => Self::Whole { template: FaceTemplate::load(&run.template())? },
        })
    }

    /// Whether faces are found, not given.
    pub(in crate::commands) fn finds(&self) -> bool {
        matches!(self, Self::Detector { .. })
    }

    /// The faces of a picture.
    pub(in crate::commands) fn cut(&self, path: &Path, photo: Photo) -> Result<Cut> {
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
pub(crate) fn doubt(picture: &Picture, template: Option<&FaceTemplate>) -> Option<String> {
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
    let detections = detector.largest(&photo.picture(), f64::NEG_INFINITY, usize::MAX)?;
    let mut cut = Cut::default();
    for (i, d) in detections.into_iter().enumerate() {
        let crop = d.bounds.crop(photo, margin)?;
        let found = FaceBox { number: i + 1, bounds: d.bounds, score: d.score };
        cut.faces.push(Face { path: path.to_path_buf(), found: Some(found), crop });
    }
    if cut.faces.is_empty() {
        cut.warnings.push(format!("no face was found in {}", path.display()));
    }
    Ok(cut)
}
