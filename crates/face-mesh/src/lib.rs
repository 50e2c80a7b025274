//! MediaPipe's face mesh: 478 points in three dimensions, tracked from frame to frame, and 52 blendshapes under their own
//! names, from ONNX files of its Face Landmarker (Apache-2.0). The files are the user's: this project ships no weights.
//!
//! - BlazeFace, the short-range detector (Bazarevsky et al., arXiv:1907.05047): [`detector`]
//! - the mesh with irises (Kartynnik et al., arXiv:1907.06724; Grishchenko et al., arXiv:2006.10962): [`landmarks`]
//! - blendshapes (Grishchenko et al., arXiv:2309.05782): [`blendshapes`]
//!
//! ```no_run
//! use ferrotype_face_mesh::{FaceMesh, MeshFiles, Picture};
//! # fn main() -> anyhow::Result<()> {
//! # let frames: Vec<Vec<u8>> = Vec::new();
//! let networks = FaceMesh::open(&MeshFiles::in_folder("mediapipe".as_ref())?)?;
//! let mut tracker = networks.tracker(1); // at most one face
//! for rgb in frames {
//!     let picture = Picture::new(&rgb, 640, 360)?;
//!     for mesh in tracker.step(&picture)? {
//!         let blendshapes = networks.blendshapes(&mesh)?;
//!         let landmarks = ferrotype_face_mesh::ibug::landmarks(&mesh); // 68 points
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Coordinates are pixels of the picture, where 0 is the edge of the first pixel as MediaPipe has it: x to the right, y
//! down, z away from the camera, from the middle of the head and in the unit of x.

mod anchors;
pub mod blendshapes;
mod crop;
pub mod detector;
mod files;
#[cfg(test)]
mod golden_tests;
pub mod ibug;
pub mod landmarks;
mod mesh;
mod network;
mod picture;
#[cfg(test)]
mod reference;
mod region;
mod suppress;
mod track;

pub use detector::Detection;
pub use files::MeshFiles;
pub use landmarks::Mesh;
pub use mesh::FaceMesh;
pub use picture::Picture;
pub use region::Region;
pub use track::Tracker;
