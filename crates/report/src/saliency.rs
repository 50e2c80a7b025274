//! What a report shows of where the network looks.

use serde::{Deserialize, Serialize};

use super::view::Face;

/// Explained predictions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SaliencyView {
    /// The layer whose maps Grad-CAM weighs, with their size.
    pub layer: String,
    /// Why there are no maps, or what else is to be said.
    pub note: String,
    /// The predictions.
    pub tiles: Vec<SaliencyTile>,
}

/// An explained prediction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SaliencyTile {
    /// Row in the dataset.
    pub row: u32,
    /// True class.
    pub truth: String,
    /// Predicted class.
    pub prediction: String,
    /// Probability of the predicted class.
    pub confidence: f64,
    /// Its pictures, from left to right.
    pub maps: Vec<MapView>,
}

/// One picture of an explained prediction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MapView {
    /// What it is.
    pub title: String,
    /// The picture, in which the face can be recognised.
    pub with_face: Option<Face>,
    /// The map without the face, where that can be shown.
    pub alone: Option<Face>,
}
