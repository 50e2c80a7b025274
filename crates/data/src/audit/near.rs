//! Pictures that show the same photograph in another crop, size, contrast or compression.
//!
//! Candidates differ in at most eight of 64 bits that say where brightness rises from left to right (dHash); a pair is
//! reported when the pixels also correlate. Looking at FER2013's pairs, all with a correlation above 0.9 are of one
//! photograph; below 0.85 most are not.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{NearDuplicates, NearPair, across};
use crate::{FaceSet, Images};

const MOST_BITS: u32 = 8;
const LEAST_CORRELATION: f32 = 0.9;
/// The hash compares neighbours in a grid of so many rows and one column more.
const GRID: usize = 8;

/// Compares every picture with every other, equal ones and blank ones left out.
pub(super) fn find(faces: &FaceSet, first: &[u32], blank: &[u32]) -> NearDuplicates {
    let rows: Vec<u32> =
        (0..faces.len() as u32).filter(|&r| first[r as usize] == r && blank.binary_search(&r).is_err()).collect();
    let hashes: Vec<u64> = rows.par_iter().map(|&r| hash(&grey(&faces.images, r), &faces.images)).collect();
    let mut members: Vec<NearPair> = (0..rows.len())
        .into_par_iter()
        .flat_map_iter(|i| {
            let (rows, hashes) = (&rows, &hashes);
            let mut mine = None;
            (i + 1..rows.len()).filter_map(move |j| {
                if (hashes[i] ^ hashes[j]).count_ones() > MOST_BITS {
                    return None;
                }
                let mine = mine.get_or_insert_with(|| normalise(grey(&faces.images, rows[i])));
                let correlation = dot(mine, &normalise(grey(&faces.images, rows[j])));
                (correlation >= LEAST_CORRELATION).then_some(NearPair { rows: [rows[i], rows[j]], correlation })
            })
        })
        .collect();
    members.sort_by(|a, b| b.correlation.total_cmp(&a.correlation).then(a.rows.cmp(&b.rows)));
    let mut counts = BTreeMap::new();
    for [a, b] in members.iter().map(|pair| pair.rows) {
        if let Some(pair) = across(faces, a, b) {
            *counts.entry(pair).or_default() += 1;
        }
    }
    NearDuplicates { pairs: members.len(), across: counts, members }
}

/// The picture in grey, as floats.
fn grey(images: &Images, row: u32) -> Vec<f32> {
    let pixels = images.get(row as usize);
    match images.channels {
        1 => pixels.iter().map(|&p| f32::from(p)).collect(),
        _ => pixels
            .chunks_exact(3)
            .map(|p| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2]))
            .collect(),
    }
}

/// 64 bits: whether each cell of the grid is brighter than the one left of it.
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

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
