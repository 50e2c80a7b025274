//! Faces from frame to frame.

use anyhow::Result;

use crate::landmarks::Mesh;
use crate::mesh::FaceMesh;
use crate::picture::Picture;
use crate::region::Region;

/// Regions that overlap by more are of one face (MediaPipe's `min_tracking_confidence`).
const SAME: f32 = 0.5;

/// Follows faces through a video: the mesh of a frame says where the face is looked for in the next. While all faces are
/// followed, the detector does not run; it does in a frame in which one is lost, or in which there are fewer than wanted.
///
/// Against MediaPipe: a lost face is looked for in the same frame, not in the next; a face that is followed keeps its
/// region where the detector finds it, too; and points are not smoothed over time.
pub struct Tracker<'a> {
    networks: &'a FaceMesh,
    most: usize,
    /// Where the faces are looked for in the next frame.
    regions: Vec<Region>,
    detections: u64,
}

impl<'a> Tracker<'a> {
    pub(crate) fn new(networks: &'a FaceMesh, most: usize) -> Self {
        Self { networks, most, regions: Vec::new(), detections: 0 }
    }

    /// The faces of the next frame: those of the frame before in their order, then new ones.
    ///
    /// # Errors
    /// When a network cannot be run.
    pub fn step(&mut self, picture: &Picture) -> Result<Vec<Mesh>> {
        let mut found = Vec::new();
        let before = std::mem::take(&mut self.regions);
        before.iter().try_for_each(|region| self.look(picture, region, &mut found))?;
        if found.len() < self.most {
            self.detections += 1;
            for detection in self.networks.detect(picture)? {
                let region = Region::of_detection(&detection);
                if found.len() < self.most && !self.regions.iter().any(|r| r.overlap(&region) > SAME) {
                    self.look(picture, &region, &mut found)?;
                }
            }
        }
        Ok(found)
    }

    /// Frames in which the detector ran.
    pub fn detections(&self) -> u64 {
        self.detections
    }

    /// Forgets where the faces are, as after a cut.
    pub fn reset(&mut self) {
        self.regions.clear();
    }

    /// Adds the face of a region, if there is one that is not found already.
    fn look(&mut self, picture: &Picture, region: &Region, found: &mut Vec<Mesh>) -> Result<()> {
        // A region that has left every picture holds no face.
        if region.check().is_err() {
            return Ok(());
        }
        if let Some(mesh) = self.networks.present(picture, region)? {
            let next = Region::of_mesh(&mesh);
            if !self.regions.iter().any(|r| r.overlap(&next) > SAME) {
                self.regions.push(next);
                found.push(mesh);
            }
        }
        Ok(())
    }
}
