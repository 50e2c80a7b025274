//! MediaPipe's blendshapes: how strongly each of 52 movements is shown, 0 to 1, under the names of Apple's ARKit.

use std::path::Path;

use anyhow::Result;

use crate::landmarks::Mesh;
use crate::network::{Form, Network};

/// How many there are.
pub const COUNT: usize = 52;

/// Their names, in the order of the network's output. `_neutral` says nothing. Left and right are those of the person.
pub const NAMES: [&str; COUNT] = [
    "_neutral",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
];

/// The points of the mesh that the network is shown (MediaPipe's `face_blendshapes_graph.cc`).
#[rustfmt::skip]
const INPUTS: [usize; 146] = [
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
];

const FORM: Form = Form {
    what: "blendshape network",
    whose: "MediaPipe's (`mediapipe_blendshapes`)",
    input: &[1, INPUTS.len(), 2],
    outputs: &[&[COUNT]],
};

/// The network that tells them from a mesh.
pub struct Blendshapes {
    network: Network,
}

impl Blendshapes {
    /// Loads its ONNX file.
    ///
    /// # Errors
    /// When it cannot be used or is another network.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { network: Network::open(path, &FORM)? })
    }

    /// The blendshapes of a face, in the order of [`NAMES`].
    ///
    /// # Errors
    /// When the network cannot be run.
    pub fn of(&self, mesh: &Mesh) -> Result<[f32; COUNT]> {
        let values = self.network.run(inputs(mesh))?;
        let mut scores = [0.0; COUNT];
        scores.iter_mut().zip(&values[0]).for_each(|(score, value)| *score = *value);
        Ok(scores)
    }
}

/// x and y of the points that are shown, in pixels.
fn inputs(mesh: &Mesh) -> Vec<f32> {
    INPUTS.iter().flat_map(|&i| [mesh.points[i][0], mesh.points[i][1]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_handed_over_in_their_order() {
        let points = std::array::from_fn(|i| [i as f32, 1000.0 + i as f32, -1.0]);
        let values = inputs(&Mesh { points, presence: 1.0 });
        assert_eq!(values.len(), 292);
        assert_eq!(values[..6], [0.0, 1000.0, 1.0, 1001.0, 4.0, 1004.0]);
        assert_eq!(values[290..], [477.0, 1477.0]);
        assert!(INPUTS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn names_are_those_of_the_outputs() {
        assert_eq!(
            (NAMES[0], NAMES[25], NAMES[44], NAMES[51]),
            ("_neutral", "jawOpen", "mouthSmileLeft", "noseSneerRight")
        );
    }
}
