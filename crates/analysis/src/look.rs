//! From a frame to its faces.

use anyhow::{Context, Result};
use ferrotype_action_units::align::{Order, Picture as UnitPicture};
use ferrotype_action_units::features::Features;
use ferrotype_action_units::pose::{Camera, head_pose};
use ferrotype_action_units::predict::ActionUnits;
use ferrotype_data::preprocess::Picture;
use ferrotype_expressions::Planes;
use ferrotype_face_mesh::blendshapes::NAMES;
use ferrotype_vision::faces::{Bounds, Detection, Landmarks, Photo, TEMPLATE, align_eyes};

use serde_json::{Map, Value, json};

use crate::mesh::{BLENDSHAPES, FoundMesh};
use crate::options::FaceOptions;
use crate::parts::{Head, Parts};
use crate::record::HeadPose;

/// A face in a frame, before it is known whose it is.
pub struct Found {
    /// Its box in pixels.
    pub bounds: Bounds,
    /// The detector's score, 0 to 1.
    pub score: f32,
    /// `[x, y]` of 68 landmarks, or of the detector's five points, in pixels.
    pub points: Option<Vec<[f32; 2]>>,
    /// The head's pose, by the shape model of the predictors of action units.
    pub pose: Option<HeadPose>,
    pub(crate) mesh: Option<FoundMesh>,
    /// The identity embedding, of length 1.
    pub embedding: Option<Vec<f32>>,
    /// What predictors of action units are handed; none where the landmarks are no face's.
    pub features: Option<Features>,
    /// What the heads are shown.
    pub crop: Photo,
}

impl Parts {
    /// The faces of a frame, the largest first.
    ///
    /// # Errors
    /// When a network cannot compute.
    pub fn look(&self, photo: &Photo, options: &FaceOptions) -> Result<Vec<Found>> {
        let picture = photo.picture();
        let found = self.detector.largest(&picture, options.min_size, options.most)?;
        found.iter().map(|d| self.face(photo, &picture, d, options)).collect()
    }

    /// What the mesh's blendshapes say of a face, by name, and what they are called as a head.
    pub fn blendshapes_of(&self, found: &Found) -> Option<(&'static str, Map<String, Value>)> {
        let said = found.mesh.as_ref()?.blendshapes.as_ref()?;
        Some((BLENDSHAPES, NAMES.iter().zip(said).map(|(name, v)| ((*name).to_owned(), json!(v))).collect()))
    }

    /// The action units of a face of a single picture, by the predictors that OpenFace has for those.
    pub fn units_of(&self, found: &Found) -> Option<ActionUnits> {
        Some(self.units.as_ref()?.picture(found.features.as_ref()?))
    }

    fn face(&self, photo: &Photo, picture: &Picture, d: &Detection, options: &FaceOptions) -> Result<Found> {
        let mesh = self.mesh.as_ref().map(|m| m.find(photo, d)).transpose()?.flatten();
        let landmarks = match &self.landmarker {
            Some(landmarker) => Some(landmarker.find(picture, &d.bounds)?),
            None => mesh.as_ref().filter(|_| self.mesh_gives_landmarks).map(FoundMesh::landmarks),
        };
        let eyes = d.eyes(landmarks.as_ref());
        let embedding = match (&self.embedder, eyes) {
            // Eyes at one place are none.
            (Some(embedder), Some(eyes)) => match align_eyes(picture, eyes, TEMPLATE, embedder.side()) {
                Ok(pixels) => Some(embedder.embed(&pixels)?),
                Err(_) => None,
            },
            _ => None,
        };
        let (features, pose) = landmarks.as_ref().map_or((None, None), |points| self.shape(photo, points));
        let points = landmarks.map(|points| points.to_vec()).or_else(|| d.points.map(|points| points.to_vec()));
        let crop = d.bounds.crop(photo, options.margin as f32)?;
        Ok(Found { bounds: d.bounds, score: d.score, points, pose, mesh, embedding, features, crop })
    }

    /// Features and pose by the shape model. Landmarks that are no face's give neither: the face is kept without.
    fn shape(&self, photo: &Photo, points: &Landmarks) -> (Option<Features>, Option<HeadPose>) {
        let Some(units) = &self.units else { return (None, None) };
        let (width, height) = (photo.width(), photo.height());
        let Ok(picture) = UnitPicture::new(photo.pixels(), width, height, Order::Rgb) else { return (None, None) };
        let points = points.map(|p| p.map(f64::from));
        let extractor = units.extractor();
        let Ok((features, fit)) = extractor.of_landmarks(&picture, &points, None) else { return (None, None) };
        let fitted = extractor.model().landmarks(&fit.parameters);
        let pose = head_pose(extractor.model(), &fit.parameters, &fitted, &Camera::assumed(width, height)).ok();
        let pose = pose.map(|p| HeadPose { translation: p.translation, rotation: p.rotation_to_camera });
        (Some(features), pose)
    }
}

impl Head {
    /// What it says of faces, in their order.
    ///
    /// # Errors
    /// When the network cannot compute.
    pub fn tell(&self, crops: &[&Photo]) -> Result<Vec<Vec<f64>>> {
        let planes: Vec<Planes> = crops.iter().map(|crop| self.predictor.planes(&crop.picture())).collect();
        let said = match self.heads() {
            [] => self.predictor.predict_planes(&planes).map(|all| all.into_iter().map(|p| p.probabilities).collect()),
            _ => self.predictor.predict_heads(&planes),
        };
        said.with_context(|| format!("the head {}", self.name))
    }
}
