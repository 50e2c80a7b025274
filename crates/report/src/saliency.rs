//! What a network looks at in a few of a run's predictions: a folder of pictures that the run keeps and its report shows.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::view::Face;
use ferrotype_run::files::{explain, write_atomic, write_json};

/// The file that names the pictures.
const INDEX: &str = "saliency.json";

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
    /// The name of its file.
    pub file: String,
    /// The picture, as a PNG file.
    #[serde(skip)]
    pub png: Vec<u8>,
}

impl MapView {
    /// A picture with the name of its file.
    ///
    /// # Errors
    /// When the number of pixels does not fit the size.
    pub fn new(title: String, file: String, picture: &Face) -> Result<Self> {
        Ok(Self { title, file, png: picture.png()? })
    }
}

impl SaliencyView {
    /// Writes the pictures into a folder, and last the file that names them.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
        for map in self.tiles.iter().flat_map(|tile| &tile.maps) {
            write_atomic(folder.join(&map.file), &map.png)?;
        }
        write_json(folder.join(INDEX), self)
    }

    /// What a folder holds; nothing where [`SaliencyView::write`] has not been.
    ///
    /// # Errors
    /// When a file is missing or damaged.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(INDEX);
        if !path.is_file() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(|e| explain(&path, &e))?;
        let mut view: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged: remove the folder, and it is made anew", path.display()))?;
        for map in view.tiles.iter_mut().flat_map(|tile| &mut tile.maps) {
            let path = folder.join(&map.file);
            map.png = fs::read(&path).map_err(|e| explain(&path, &e))?;
        }
        Ok(Some(view))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(SaliencyView::read(folder.path()).unwrap(), None);
        let face = Face { width: 2, height: 1, channels: 1, pixels: vec![0, 255] };
        let maps = vec![MapView::new("seen".into(), "7_seen.png".into(), &face).unwrap()];
        let tile = SaliencyTile { row: 7, truth: "a".into(), prediction: "b".into(), confidence: 0.75, maps };
        let view = SaliencyView { layer: "the layer x".into(), note: String::new(), tiles: vec![tile] };
        view.write(folder.path()).unwrap();
        assert_eq!(SaliencyView::read(folder.path()).unwrap(), Some(view));
        assert_eq!(image::open(folder.path().join("7_seen.png")).unwrap().to_luma8().as_raw(), &[0, 255]);
        fs::write(folder.path().join(INDEX), "{").unwrap();
        assert!(format!("{:#}", SaliencyView::read(folder.path()).unwrap_err()).contains("remove the folder"));
    }
}
