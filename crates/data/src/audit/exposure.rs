//! Blank, dark and bright pictures.

use ferrotype_base::statistics::median;

use super::Brightness;
use super::looks::Look;

/// Modified z-scores beyond this are outliers (Iglewicz and Hoaglin 1993).
const OUTLIER: f64 = 3.5;
/// The median absolute deviation of a normal distribution is 0.6745 of its standard deviation.
const MAD_PER_SD: f64 = 0.6745;

/// Rows whose pixels all have one value.
pub(super) fn blank(looks: &[Look]) -> Vec<u32> {
    (0u32..).zip(looks).filter(|(_, look)| look.is_blank).map(|(row, _)| row).collect()
}

/// Outliers of mean brightness, by the median and the median absolute deviation.
pub(super) fn brightness(looks: &[Look]) -> Brightness {
    let means: Vec<f64> = looks.iter().map(|look| look.mean).collect();
    let middle = median(&means).unwrap_or(0.0);
    let distances: Vec<f64> = means.iter().map(|m| (m - middle).abs()).collect();
    let deviation = median(&distances).unwrap_or(0.0);
    let rows = |keep: &dyn Fn(f64) -> bool| {
        (0u32..).zip(&means).filter(|(_, m)| keep(MAD_PER_SD * (*m - middle) / deviation)).map(|(r, _)| r).collect()
    };
    Brightness { median: middle, deviation, dark: rows(&|z| z < -OUTLIER), bright: rows(&|z| z > OUTLIER) }
}
