//! The loader alone: random pictures, or those of a prepared file, through resizing and augmentation.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;

use ferrotype_base::random::Stream;
use ferrotype_data::augment::Augmentation;
use ferrotype_data::loader::{Loader, Training};
use ferrotype_data::options::{Augment, Colour, Preprocess, Resize, Sampler};
use ferrotype_data::preprocess::Pipeline;
use ferrotype_data::{FaceSet, Images, Labelled, store};

/// Pixels per side of the pictures before they are resized, as in FER2013.
const SOURCE: usize = 48;

/// What the loader is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loading<'a> {
    /// Pixels per side of what it hands out.
    pub size: usize,
    /// Pictures per batch.
    pub batch: usize,
    /// Batches.
    pub count: usize,
    /// Whether pictures are mirrored, turned, shifted and scaled at random.
    pub augments: bool,
    /// The prepared file; without, random pictures of 48 x 48 pixels in memory.
    pub file: Option<&'a Path>,
}

/// The milliseconds that a batch takes: the mean over so many batches of an epoch in shuffled order, since workers prepare
/// batches ahead. Pictures of a file keep their channels.
///
/// # Errors
/// When the file cannot be read, or a batch cannot be made.
pub fn loader_ms(what: &Loading, workers: usize) -> Result<f64> {
    let set = match what.file {
        Some(file) => store::read(file)?,
        None => noise(what.count * what.batch),
    };
    let loader = loader(set, what, workers)?;
    let began = Instant::now();
    let mut count = 0;
    for item in loader.epoch(0, 0).take(what.count) {
        item?;
        count += 1;
    }
    Ok(began.elapsed().as_secs_f64() * 1e3 / f64::from(count.max(1)))
}

fn noise(rows: usize) -> FaceSet {
    let mut stream = Stream::new(3);
    let pixels = (0..rows * SOURCE * SOURCE).map(|_| stream.bits() as u8).collect();
    let images = Images { pixels, height: SOURCE, width: SOURCE, channels: 1 };
    FaceSet { images, labels: vec![0; rows], ..FaceSet::default() }
}

fn loader(set: FaceSet, what: &Loading, workers: usize) -> Result<Loader> {
    let rows = set.len();
    let all: Vec<u32> = (0..rows as u32).collect();
    let labelled =
        Labelled { classes: vec!["face".into()], rows: all.clone(), targets: vec![1.0; rows], ..Labelled::default() };
    let colour = if set.images.channels == 3 { Colour::Rgb } else { Colour::Grey };
    let preprocess = Preprocess::new(what.size, Resize::default(), colour, Default::default());
    let changes =
        Augment { flip: Some(0.5), rotate: Some(10.0), shift: Some(0.1), scale: Some(0.1), ..Augment::default() };
    let augmentation = what.augments.then(|| Augmentation::new(&changes)).transpose()?;
    let training = Training { sampler: Sampler::Shuffle, augmentation, seed: 1, views: None };
    let pipeline = Pipeline::new(&preprocess)?;
    Loader::new(Arc::new(set), Arc::new(labelled), all, pipeline, Some(training), what.batch, workers)
}
