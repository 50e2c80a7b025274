//! A face through a video.

use std::sync::Arc;

use super::bank::{Bank, Scores};
use super::{ActionUnits, RunningMedian, smooth};
use crate::features::{Features, GEOMETRY, HOG};

/// Tracked frames that are predicted again at the end.
const AGAIN: usize = 3000;
/// Neighbours over which intensities and classes are averaged.
const INTENSITY_WINDOW: usize = 3;
const PRESENCE_WINDOW: usize = 7;

/// What is known of a frame when the video has ended: `None` where the face was not tracked.
pub type FrameUnits = Option<ActionUnits>;

/// The action units of one face from frame to frame.
///
/// Of a frame stay 17 float32 and 18 bits (76 bytes: 8 MB for an hour at 30 frames per second), of each of the first
/// 3,000 tracked frames 35 float64 in addition (`x . w` of each predictor, 0.8 MB in all), and the histograms of the running
/// median (13.7 MB per face, twice that after 131,070 frames). No features are kept.
#[derive(Clone, Debug)]
pub struct Tracker {
    bank: Arc<Bank>,
    hog: RunningMedian,
    geometry: RunningMedian,
    /// What the median takes away from each predictor's product.
    of_median: Option<Scores>,
    /// Products of the first tracked frames.
    first: Vec<Scores>,
    /// Per frame; 0 where the face was not tracked.
    frames: Vec<Frame>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    intensities: [f32; 17],
    presences: u32,
    is_tracked: bool,
}

impl Tracker {
    pub(super) fn new(bank: Arc<Bank>) -> Self {
        Self {
            bank,
            hog: RunningMedian::new(HOG, 1000, -0.005, 1.0),
            geometry: RunningMedian::new(GEOMETRY, 10_000, -60.0, 60.0),
            of_median: None,
            first: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Takes the next frame of the video in, `None` where the face is not seen or its landmarks are not trusted, and says
    /// what can be said so far: without the person's zero and without smoothing, which need the whole video. The median
    /// counts every other frame, the first, third, and so on.
    pub fn push(&mut self, features: Option<&Features>) -> Option<ActionUnits> {
        let Some(features) = features else {
            self.frames.push(Frame::default());
            return None;
        };
        let x = features.all();
        if self.frames.len().is_multiple_of(2) {
            self.hog.push(features.hog().iter().map(|&v| f64::from(v)));
            self.geometry.push(features.geometry().iter().copied());
            self.of_median = self.median().map(|median| self.bank.dynamic_products(&median));
        }
        let products = self.bank.products(&x);
        // A face that is first seen in an even frame is its own median until the next.
        let of_median = self.of_median.unwrap_or_else(|| self.bank.dynamic_products(&x));
        if self.first.len() < AGAIN {
            self.first.push(products);
        }
        let frame = Frame::of(&self.bank, &self.bank.scores(&products, &of_median));
        let live = frame.units(frame.intensities);
        self.frames.push(frame);
        Some(live)
    }

    /// Frames so far, tracked or not.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// The running median of all features so far; `None` before the first.
    pub fn median(&self) -> Option<Vec<f64>> {
        let (hog, geometry) = (self.hog.medians()?, self.geometry.medians()?);
        Some(hog.iter().map(|v| v.max(0.0)).chain(geometry.iter().copied()).collect())
    }

    /// Ends the video. The first 3,000 tracked frames are predicted again with the last median; each dynamic intensity
    /// loses the value that counts as the person's zero; intensities are held to 0..5 and averaged over 3 frames, classes
    /// over 7 (present where at least half are). A frame without the face counts as 0 in its neighbours' means.
    pub fn finish(mut self) -> Vec<FrameUnits> {
        self.predict_again();
        for (i, cutoff) in self.bank.cutoffs().into_iter().enumerate() {
            let tracked = || self.frames.iter().filter(|f| f.is_tracked).map(|f| f.intensities[i]);
            let zero = cutoff.map_or(0.0, |cutoff| smooth::zero(tracked().collect(), cutoff));
            let held = |f: &Frame| if f.is_tracked { (f.intensities[i] - zero).clamp(0.0, 5.0) } else { 0.0 };
            let smoothed = smooth::mean(&self.frames.iter().map(held).collect::<Vec<f32>>(), INTENSITY_WINDOW);
            self.frames.iter_mut().zip(smoothed).for_each(|(frame, value)| frame.intensities[i] = value);
        }
        for bit in (0..18).map(|i| 1 << i) {
            let present: Vec<f32> = self.frames.iter().map(|f| f32::from(u8::from(f.presences & bit != 0))).collect();
            for (frame, mean) in self.frames.iter_mut().zip(smooth::mean(&present, PRESENCE_WINDOW)) {
                frame.presences = if mean >= 0.5 { frame.presences | bit } else { frame.presences & !bit };
            }
        }
        self.frames.iter().map(|f| f.is_tracked.then(|| f.units(f.intensities))).collect()
    }

    fn predict_again(&mut self) {
        let Some(of_median) = self.median().map(|median| self.bank.dynamic_products(&median)) else { return };
        let tracked = self.frames.iter_mut().filter(|f| f.is_tracked);
        for (frame, products) in tracked.zip(&self.first) {
            *frame = Frame::of(&self.bank, &self.bank.scores(products, &of_median));
        }
    }
}

impl Frame {
    fn of(bank: &Bank, scores: &Scores) -> Self {
        let presences = bank.presences(scores).iter().enumerate().map(|(i, &p)| u32::from(p) << i).sum();
        Self { intensities: Bank::intensities(scores), presences, is_tracked: true }
    }

    fn units(&self, intensities: [f32; 17]) -> ActionUnits {
        ActionUnits {
            intensities: intensities.map(|v| v.clamp(0.0, 5.0)),
            presences: std::array::from_fn(|i| self.presences >> i & 1 == 1),
        }
    }
}
