//! One look at every picture: all that the audit needs of each, in a kilobyte.

use anyhow::Result;
use rayon::prelude::*;

use crate::{FaceSet, Images};

/// The hash compares neighbours in a grid of so many rows and one column more.
const GRID: usize = 8;
/// Blocks per side of a sketch.
const BLOCKS: usize = 16;

/// What one look at a picture tells.
pub(super) struct Look {
    /// Whether all pixels have one value.
    pub is_blank: bool,
    /// Mean of all values.
    pub mean: f64,
    /// 64 bits: whether each cell of a grid is brighter than the one left of it (dHash).
    pub hash: u64,
    pub sketch: Sketch,
}

/// A normalised picture projected onto pictures that are constant within blocks, and the length of what that leaves out.
pub(super) struct Sketch {
    blocks: Vec<f32>,
    rest: f32,
}

impl Sketch {
    /// A number that the correlation of the two pictures does not exceed: the product of the projections, and at most (by
    /// Cauchy and Schwarz) the product of the lengths of what is orthogonal to them.
    pub fn most(&self, other: &Self) -> f32 {
        dot(&self.blocks, &other.blocks) + self.rest * other.rest
    }
}

/// Looks at all pictures, on all cores.
///
/// # Errors
/// When one cannot be read.
pub(super) fn take(faces: &FaceSet) -> Result<Vec<Look>> {
    let images = &faces.images;
    (0..faces.len()).into_par_iter().map(|row| Ok(look(&faces.picture(row)?, images))).collect()
}

fn look(pixels: &[u8], images: &Images) -> Look {
    let grey = grey(pixels, images.channels);
    Look {
        is_blank: pixels.chunks_exact(images.channels).all(|p| p == &pixels[..images.channels]),
        mean: pixels.iter().map(|&p| u64::from(p)).sum::<u64>() as f64 / pixels.len() as f64,
        hash: hash(&grey, images),
        sketch: sketch(&normalise(grey), images),
    }
}

/// A picture in grey with mean 0 and length 1, so that the dot product of two is their correlation.
///
/// # Errors
/// When it cannot be read.
pub(super) fn normalised(faces: &FaceSet, row: u32) -> Result<Vec<f32>> {
    Ok(normalise(grey(&faces.picture(row as usize)?, faces.images.channels)))
}

/// The picture in grey, as floats.
fn grey(pixels: &[u8], channels: usize) -> Vec<f32> {
    match channels {
        1 => pixels.iter().map(|&p| f32::from(p)).collect(),
        _ => pixels
            .chunks_exact(3)
            .map(|p| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2]))
            .collect(),
    }
}

fn sketch(normalised: &[f32], images: &Images) -> Sketch {
    let (height, width) = (images.height, images.width);
    let (rows, columns) = (BLOCKS.min(height), BLOCKS.min(width));
    let mut sums = vec![0.0f32; rows * columns];
    let mut counts = vec![0.0f32; rows * columns];
    for (y, line) in normalised.chunks_exact(width).enumerate() {
        let row = y * rows / height * columns;
        for column in 0..columns {
            let part = (column * width).div_ceil(columns)..((column + 1) * width).div_ceil(columns);
            counts[row + column] += part.len() as f32;
            sums[row + column] += line[part].iter().sum::<f32>();
        }
    }
    let blocks: Vec<f32> = sums.iter().zip(&counts).map(|(sum, count)| sum / count.sqrt()).collect();
    let rest = (1.0 - dot(&blocks, &blocks)).max(0.0).sqrt();
    Sketch { blocks, rest }
}

fn hash(grey: &[f32], images: &Images) -> u64 {
    let cells = means(grey, images.height, images.width);
    let mut bits = 0;
    for row in cells.chunks_exact(GRID + 1) {
        for pair in row.windows(2) {
            bits = bits << 1 | u64::from(pair[1] > pair[0]);
        }
    }
    bits
}

/// Means over a grid of `GRID` rows and `GRID + 1` columns; a pixel on a border counts for both cells by its share.
fn means(grey: &[f32], height: usize, width: usize) -> Vec<f32> {
    let narrow: Vec<f32> = grey.chunks_exact(width).flat_map(|row| shrink(row, 1, width, GRID + 1)).collect();
    let mut cells = vec![0.0; GRID * (GRID + 1)];
    for x in 0..=GRID {
        for (y, mean) in shrink(&narrow[x..], GRID + 1, height, GRID).into_iter().enumerate() {
            cells[y * (GRID + 1) + x] = mean;
        }
    }
    cells
}

/// Area means of `from` values, `step` apart, in `to` cells.
fn shrink(values: &[f32], step: usize, from: usize, to: usize) -> Vec<f32> {
    let scale = from as f32 / to as f32;
    (0..to)
        .map(|cell| {
            let (start, end) = (cell as f32 * scale, (cell + 1) as f32 * scale);
            let pixels = start as usize..(end.ceil() as usize).min(from);
            let share = |i: usize| ((i + 1) as f32).min(end) - (i as f32).max(start);
            pixels.map(|i| values[i * step] * share(i)).sum::<f32>() / scale
        })
        .collect()
}

/// Mean 0 and length 1, so that the dot product is the correlation.
fn normalise(mut values: Vec<f32>) -> Vec<f32> {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter_mut().for_each(|v| *v -= mean);
    let length = dot(&values, &values).sqrt().max(1e-6);
    values.iter_mut().for_each(|v| *v /= length);
    values
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_base::random::Stream;

    /// A smooth picture with noise, and another that resembles it more or less.
    fn pair(stream: &mut Stream, height: usize, width: usize) -> [Vec<u8>; 2] {
        let likeness = stream.unit();
        let noise = 60.0 * stream.unit();
        let mut picture = |phase: f64| -> Vec<u8> {
            let value = |i: usize| {
                let (x, y) = ((i % width) as f64 / width as f64, (i / width) as f64 / height as f64);
                let wave = (9.0 * x + 5.0 * y + phase).sin() + (4.0 * y - 7.0 * x * x + phase).cos();
                128.0 + 40.0 * wave
            };
            (0..height * width).map(|i| (value(i) + noise * stream.normal()).clamp(0.0, 255.0) as u8).collect()
        };
        [picture(0.0), picture(likeness)]
    }

    #[test]
    fn no_correlation_exceeds_what_sketches_allow() {
        let mut stream = Stream::new(5);
        let mut tight = 0;
        for (height, width) in [(48, 48), (50, 37), (16, 16), (9, 30), (5, 4), (100, 101)] {
            let images = Images { pixels: Vec::new(), height, width, channels: 1 };
            for _ in 0..60 {
                let [a, b] = pair(&mut stream, height, width);
                let (most, [a, b]) =
                    (look(&a, &images).sketch.most(&look(&b, &images).sketch), [a, b].map(|p| normalise(grey(&p, 1))));
                let correlation = dot(&a, &b);
                assert!(most >= correlation - 1e-4, "{height} x {width}: {most} and {correlation}");
                tight += usize::from(most < correlation + 0.1);
            }
        }
        assert!(tight > 150, "{tight}");
    }
}
