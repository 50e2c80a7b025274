//! The three networks together.

use anyhow::Result;

use crate::blendshapes::{self, Blendshapes};
use crate::detector::{Detection, Detector};
use crate::files::MeshFiles;
use crate::landmarks::{Landmarks, Mesh};
use crate::picture::Picture;
use crate::region::Region;
use crate::track::Tracker;

/// Detector, mesh and blendshapes. One can be used by several threads at the same time.
pub struct FaceMesh {
    detector: Detector,
    landmarks: Landmarks,
    blendshapes: Option<Blendshapes>,
}

impl FaceMesh {
    /// Loads the files.
    ///
    /// # Errors
    /// When one cannot be used or is another network.
    pub fn open(files: &MeshFiles) -> Result<Self> {
        Ok(Self {
            detector: Detector::open(&files.detector)?,
            landmarks: Landmarks::open(&files.landmarks)?,
            blendshapes: files.blendshapes.as_deref().map(Blendshapes::open).transpose()?,
        })
    }

    /// The faces of a picture that has nothing to do with another one, the best score of the detector first, at most
    /// `most`; none where there are none, or only small ones.
    ///
    /// # Errors
    /// When a network cannot be run.
    pub fn faces(&self, picture: &Picture, most: usize) -> Result<Vec<Mesh>> {
        let mut found = Vec::new();
        for detection in self.detect(picture)?.iter().take(most) {
            found.extend(self.present(picture, &Region::of_detection(detection))?);
        }
        Ok(found)
    }

    /// The mesh of a face that another detector found: its box (left, top, right, bottom in pixels) and, where they are known,
    /// its eyes, the left one in the picture first. In a window of twice the longer side MediaPipe's detector looks for the
    /// face nearest to the middle, and the mesh is that one's. Where it finds none, the mesh lies about the box, and is looked
    /// for again where it came out. None where that is no face.
    ///
    /// # Errors
    /// When the box is no place in a picture, or a network cannot be run.
    pub fn face_in(&self, picture: &Picture, bounds: [f32; 4], eyes: Option<[[f32; 2]; 2]>) -> Result<Option<Mesh>> {
        let [left, top, right, bottom] = bounds;
        let centre = [(left + right) / 2.0, (top + bottom) / 2.0];
        let around = Region { centre, size: [WINDOW * (right - left).max(bottom - top); 2], rotation: 0.0 };
        let far = |d: &Detection| {
            let [a, b, c, d] = d.bounds;
            ((a + c) / 2.0 - centre[0]).hypot((b + d) / 2.0 - centre[1])
        };
        let found = self.detector.find_in(picture, &around)?;
        if let Some(nearest) = found.iter().min_by(|a, b| far(a).total_cmp(&far(b)))
            && let Some(mesh) = self.present(picture, &Region::of_detection(nearest))?
        {
            return Ok(Some(mesh));
        }
        match self.present(picture, &Region::of_box(bounds, eyes))? {
            Some(first) => self.present(picture, &Region::of_mesh(&first)),
            None => Ok(None),
        }
    }

    /// The faces that the detector finds, the best score first.
    ///
    /// # Errors
    /// When the network cannot be run.
    pub fn detect(&self, picture: &Picture) -> Result<Vec<Detection>> {
        self.detector.find(picture)
    }

    /// The mesh of the face in a region; None where there is no face.
    ///
    /// # Errors
    /// When the region is no place in a picture or the network cannot be run.
    pub fn present(&self, picture: &Picture, region: &Region) -> Result<Option<Mesh>> {
        Ok(Some(self.landmarks.find(picture, region)?).filter(Mesh::is_present))
    }

    /// The blendshapes of a face in the order of [`blendshapes::NAMES`]; None where their network was not given.
    ///
    /// # Errors
    /// When the network cannot be run.
    pub fn blendshapes(&self, mesh: &Mesh) -> Result<Option<[f32; blendshapes::COUNT]>> {
        self.blendshapes.as_ref().map(|network| network.of(mesh)).transpose()
    }

    /// Whether it tells blendshapes.
    pub fn has_blendshapes(&self) -> bool {
        self.blendshapes.is_some()
    }

    /// Follows at most `most` faces through a video.
    pub fn tracker(&self, most: usize) -> Tracker<'_> {
        Tracker::new(self, most)
    }
}

/// Side of the window around a face of another detector, in longer sides of its box: the short-range detector is made for
/// faces that fill a part of the picture.
const WINDOW: f32 = 2.0;
