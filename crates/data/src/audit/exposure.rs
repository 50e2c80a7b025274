//! Blank, dark and bright pictures.

use ferrotype_base::statistics::median;
use rayon::prelude::*;

use super::Brightness;
use crate::{FaceSet, Images};

/// Modified z-scores beyond this are outliers (Iglewicz and Hoaglin 1993).
const OUTLIER: f64 = 3.5;
/// The median absolute deviation of a normal distribution is 0.6745 of its standard deviation.
const MAD_PER_SD: f64 = 0.6745;

/// Rows whose pixels all have one value.
pub(super) fn blank(faces: &FaceSet) -> Vec<u32> {
    let images = &faces.images;
    let constant = |row: usize| {
        let pixels = images.get(row);
        pixels.chunks_exact(images.channels).all(|p| p == &pixels[..images.channels])
    };
    (0..faces.len() as u32).into_par_iter().filter(|&r| constant(r as usize)).collect()
}

/// Outliers of mean brightness, by the median and the median absolute deviation.
pub(super) fn brightness(faces: &FaceSet) -> Brightness {
    let means: Vec<f64> = (0..faces.len()).into_par_iter().map(|r| mean(&faces.images, r)).collect();
    let middle = median(&means).unwrap_or(0.0);
    let distances: Vec<f64> = means.iter().map(|m| (m - middle).abs()).collect();
    let deviation = median(&distances).unwrap_or(0.0);
    let rows = |keep: &dyn Fn(f64) -> bool| {
        (0u32..).zip(&means).filter(|(_, m)| keep(MAD_PER_SD * (*m - middle) / deviation)).map(|(r, _)| r).collect()
    };
    Brightness { median: middle, deviation, dark: rows(&|z| z < -OUTLIER), bright: rows(&|z| z > OUTLIER) }
}

fn mean(images: &Images, row: usize) -> f64 {
    let pixels = images.get(row);
    pixels.iter().map(|&p| u64::from(p)).sum::<u64>() as f64 / pixels.len() as f64
}
