//! Maps as pictures.

use super::Map;

/// Colours from nothing to the most: black, purple, red, orange, yellow, almost white (the ends and quarters of matplotlib's
/// `inferno`, between which colours are mixed).
const HEAT: [[f32; 3]; 5] =
    [[0.0, 0.0, 4.0], [87.0, 16.0, 110.0], [188.0, 55.0, 84.0], [249.0, 142.0, 9.0], [252.0, 255.0, 164.0]];

/// The part of an overlay that is the map, where the map is at its most.
const STRENGTH: f32 = 0.65;

/// A non-negative map of one channel in colours, `[height, width, 3]`; its largest value has the brightest.
pub fn heat(map: &Map) -> Vec<u8> {
    let scale = scale(map);
    map.values.iter().flat_map(|v| colour(v * scale).map(|c| c.round() as u8)).collect()
}

/// A non-negative map of one channel laid over a picture `[channels, height, width]` in 0..255 of the same size:
/// `[height, width, 3]`. The picture shows through, most where the map is 0.
pub fn overlay(map: &Map, picture: &[f32]) -> Vec<u8> {
    let (scale, n) = (scale(map), map.height * map.width);
    let channel = |i: usize, c: usize| picture[if picture.len() == n { i } else { c * n + i }];
    (0..n)
        .flat_map(|i| {
            let level = map.values[i] * scale;
            let (part, hot) = (STRENGTH * level.sqrt(), colour(level));
            std::array::from_fn::<u8, 3, _>(|c| ((1.0 - part) * channel(i, c) + part * hot[c]).round() as u8)
        })
        .collect()
}

/// A signed map around middle grey, `[height, width, channels]`; the value furthest from 0 becomes black or white.
pub fn signed(map: &Map) -> Vec<u8> {
    let (scale, n) = (127.0 * scale(map), map.height * map.width);
    let pixels = (0..n).flat_map(|i| (0..map.channels).map(move |c| c * n + i));
    pixels.map(|at| (128.0 + map.values[at] * scale).round().clamp(0.0, 255.0) as u8).collect()
}

/// What brings the largest absolute value to 1; 0 for a map of zeros.
fn scale(map: &Map) -> f32 {
    let largest = map.values.iter().fold(0f32, |m, v| m.max(v.abs()));
    if largest > 0.0 { 1.0 / largest } else { 0.0 }
}

/// The colour of a level from 0 to 1.
fn colour(level: f32) -> [f32; 3] {
    let at = level.clamp(0.0, 1.0) * (HEAT.len() - 1) as f32;
    let first = (at as usize).min(HEAT.len() - 2);
    let part = at - first as f32;
    std::array::from_fn(|c| HEAT[first][c] * (1.0 - part) + HEAT[first + 1][c] * part)
}
