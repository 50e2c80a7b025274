//! Facial action units (FACS; Ekman and Friesen 1978) with the predictors of OpenFace 2.2.0 (Baltrusaitis, Mahmoud and
//! Robinson 2015, "Cross-dataset learning and person-specific normalisation for automatic Action Unit detection";
//! Baltrusaitis, Zadeh, Lim and Morency 2018, "OpenFace 2.0: Facial Behavior Analysis Toolkit"). The weights are not
//! here: they are licensed for research alone, and are read from the user's own copy of OpenFace ([`import`]).
//!
//! From a face to its action units:
//!
//! 1. [`pdm`]: 68 landmarks of any detector to the parameters of a shape model.
//! 2. [`align`]: the face turned upright, 112 x 112 pixels, all but the face black.
//! 3. [`hog`]: histograms of its gradients, 4,464 numbers.
//! 4. [`predict`]: these and the shape, minus what is usual for the person, times weights; at the end of a video a second
//!    pass with what is known then.
//!
//! [`formats`] reads and writes OpenFace's files, [`pose`] gives the head's place in space, [`csv`] writes OpenFace's
//! columns. Everything is deterministic and runs on the calling thread.

pub mod align;
pub mod csv;
mod dot;
#[doc(hidden)]
pub mod example;
pub mod features;
pub mod formats;
pub mod hog;
pub mod import;
pub mod pdm;
pub mod pose;
pub mod predict;
#[cfg(test)]
mod reference;

/// Landmarks of a face, in the order of iBUG's 300-W: jaw 0..17, brows 17..27, nose 27..36, eyes 36..48, mouth 48..68.
pub const POINTS: usize = 68;
/// Modes of the shape model.
pub const MODES: usize = 34;

/// The 68 landmarks as (x, y) in pixels of the picture: x to the right, y down, whole numbers at the centres of pixels.
pub type Landmarks = [[f64; 2]; POINTS];

/// The action units with an intensity, in the order of OpenFace's columns.
pub const INTENSITIES: [u8; 17] = [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45];
/// The action units of which presence is told, in the order of OpenFace's columns.
pub const PRESENCES: [u8; 18] = [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45];
