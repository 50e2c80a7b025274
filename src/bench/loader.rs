//! The loader alone: random pictures through resizing and augmentation.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;

use ferrotype_base::random::Stream;
use ferrotype_data::augment::Augmentation;
use ferrotype_data::loader::{Loader, Training};
use ferrotype_data::options::{Augment, Preprocess, Resize, Sampler};
use ferrotype_data::preprocess::Pipeline;
use ferrotype_data::{FaceSet, Images, Labelled};

/// Pixels per side of the pictures before they are resized, as in FER2013.
const SOURCE: usize = 48;

/// The milliseconds that a batch of `batch` pictures of `size` pixels per side takes, mirrored, turned, shifted and scaled:
/// the mean over an epoch of `count` batches, since workers prepare batches ahead.
///
/// # Errors
/// When a batch cannot be made.
pub fn loader_ms(size: usize, batch: usize, count: usize, workers: usize) -> Result<f64> {
    let loader = loader(size, batch, count * batch, workers)?;
    let began = Instant::now();
    for item in loader.epoch(0, 0) {
        item?;
    }
    Ok(began.elapsed().as_secs_f64() * 1e3 / count.max(1) as f64)
}

fn loader(size: usize, batch: usize, rows: usize, workers: usize) -> Result<Loader> {
    let mut stream = Stream::new(3);
    let pixels = (0..rows * SOURCE * SOURCE).map(|_| stream.bits() as u8).collect();
    let images = Images { pixels, height: SOURCE, width: SOURCE, channels: 1 };
    let set = FaceSet { images, labels: vec![0; rows], classes: vec!["face".into()], ..FaceSet::default() };
    let all: Vec<u32> = (0..rows as u32).collect();
    let labelled =
        Labelled { classes: set.classes.clone(), rows: all.clone(), targets: vec![1.0; rows], ..Labelled::default() };
    let preprocess =
        Preprocess { size, resize: Resize::default(), colour: Default::default(), scale: Default::default() };
    let augment =
        Augment { flip: Some(0.5), rotate: Some(10.0), shift: Some(0.1), scale: Some(0.1), ..Augment::default() };
    let training =
        Training { sampler: Sampler::Shuffle, augmentation: Some(Augmentation::new(&augment)?), seed: 1, views: None };
    let pipeline = Pipeline::new(&preprocess)?;
    Loader::new(Arc::new(set), Arc::new(labelled), all, pipeline, Some(training), batch, workers)
}
