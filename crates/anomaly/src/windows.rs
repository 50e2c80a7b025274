//! Windows over the frames of a detector: batches of training, and the validation that selects the weights.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::autoencoder::Autoencoder;
use super::options::Window;
use ferrotype_data::Batch;
use ferrotype_model::Network;
use ferrotype_training::parts::{Batches, SquaredError, shuffled};

/// Windows of equal length over consecutive frames.
#[derive(Clone, Debug)]
pub struct Windows {
    /// `[frames, columns]`.
    values: Arc<Vec<f32>>,
    columns: usize,
    /// Frames per window.
    length: usize,
    /// First frame of each window.
    starts: Vec<usize>,
    batch: usize,
    seed: u64,
}

impl Windows {
    /// Windows over `values [frames, columns]`: of the given length and stride, the last one at the end; or one over
    /// all frames.
    ///
    /// # Errors
    /// When there are fewer frames than a window has.
    pub fn new(values: &[f32], columns: usize, window: Option<&Window>, batch: usize, seed: u64) -> Result<Self> {
        let frames = values.len() / columns.max(1);
        let (length, stride) = window.map_or((frames, 1), |w| (w.length, w.stride));
        ensure!(
            frames >= length && length > 0,
            "there are {frames} frames for windows of {length}: give a shorter model.lstm_autoencoder.window.length, a \
             longer video, or more frames per second"
        );
        let last = frames - length;
        let mut starts: Vec<usize> = (0..=last).step_by(stride).collect();
        if starts.last() != Some(&last) {
            starts.push(last);
        }
        Ok(Self { values: Arc::new(values.to_vec()), columns, length, starts, batch, seed })
    }

    /// Frames per window.
    pub fn length(&self) -> usize {
        self.length
    }

    fn gather(&self, windows: &[usize]) -> Batch {
        let width = self.length * self.columns;
        let mut images = Vec::with_capacity(windows.len() * width);
        for &w in windows {
            let at = self.starts[w] * self.columns;
            images.extend_from_slice(&self.values[at..at + width]);
        }
        Batch {
            targets: images.clone(),
            images,
            weights: vec![1.0; windows.len()],
            rows: windows.iter().map(|&w| self.starts[w] as u32).collect(),
            shape: [1, self.length, self.columns],
            ..Batch::default()
        }
    }

    /// All windows in order.
    pub fn in_order(&self) -> impl Iterator<Item = Batch> + '_ {
        let all: Vec<usize> = (0..self.starts.len()).collect();
        (0..self.batches()).map(move |i| self.gather(&all[i * self.batch..all.len().min((i + 1) * self.batch)]))
    }
}

impl Batches for Windows {
    fn batches(&self) -> usize {
        self.starts.len().div_ceil(self.batch)
    }

    fn examples(&self) -> usize {
        self.starts.len()
    }

    fn epoch(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = Result<Batch>> + '_> {
        let places = shuffled(self.starts.len(), self.batch, self.seed, epoch, first);
        Box::new(places.map(|windows| Ok(self.gather(&windows))))
    }
}

/// The mean squared error on the last frames.
pub struct Reconstruction<'a> {
    /// The network's form.
    pub autoencoder: &'a Autoencoder,
    /// `[frames, columns]`.
    pub values: &'a [f32],
}

impl SquaredError for Reconstruction<'_> {
    fn subject(&self) -> &'static str {
        "the validation of a reconstruction"
    }

    fn error(&self, network: &Network) -> Result<f64> {
        let errors = self.autoencoder.errors(network, self.values)?;
        ensure!(!errors.is_empty(), "there are no frames to validate on");
        Ok(errors.iter().map(|&e| f64::from(e)).sum::<f64>() / errors.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(window: Option<Window>, batch: usize) -> Windows {
        let values: Vec<f32> = (0..20).map(|i| i as f32).collect();
        Windows::new(&values, 2, window.as_ref(), batch, 1).unwrap()
    }

    #[test]
    fn windows_cover_every_frame() {
        let w = windows(Some(Window { length: 4, stride: 4 }), 2);
        assert_eq!(w.starts, [0, 4, 6]);
        assert_eq!((w.batches(), w.examples()), (2, 3));
        let batches: Vec<Batch> = w.in_order().collect();
        assert_eq!(batches[0].shape, [1, 4, 2]);
        assert_eq!(batches[1].images, (12..20).map(|i| i as f32).collect::<Vec<_>>());
        assert_eq!(batches[1].targets, batches[1].images);
        let whole = windows(None, 8);
        assert_eq!((whole.length(), whole.batches()), (10, 1));
    }

    #[test]
    fn an_epoch_can_be_entered_at_any_batch() {
        let w = windows(Some(Window { length: 3, stride: 1 }), 3);
        let all: Vec<Vec<u32>> = w.epoch(4, 0).map(|b| b.unwrap().rows).collect();
        let rest: Vec<Vec<u32>> = w.epoch(4, 1).map(|b| b.unwrap().rows).collect();
        assert_eq!(all[1..], rest[..]);
        let mut seen = all.concat();
        assert_ne!(seen, w.epoch(5, 0).flat_map(|b| b.unwrap().rows).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..8).collect::<Vec<u32>>());
    }

    #[test]
    fn fewer_frames_than_a_window_are_refused() {
        let message = Windows::new(&[0.0; 6], 2, Some(&Window { length: 4, stride: 1 }), 1, 0).unwrap_err().to_string();
        assert!(message.contains("3 frames for windows of 4"), "{message}");
    }
}
