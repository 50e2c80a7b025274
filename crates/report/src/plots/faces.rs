//! The most confident mistakes with their faces.

use anyhow::Result;

use super::{Figure, GRID, INK, MUTED, RED, nothing, subtitle, title};
use crate::figure::{Anchor, Label, text_width};
use crate::view::Mistake;

const HEADING: &str = "Worst mistakes";
const COLUMNS: usize = 6;
const TILE: (f64, f64) = (128.0, 178.0);
const FACE: f64 = 112.0;

/// A grid of faces, each with its truth, prediction and confidence.
///
/// # Errors
/// When a picture's pixels do not fit its size.
pub fn mistakes(all: &[Mistake]) -> Result<Figure> {
    if all.is_empty() {
        return Ok(nothing(HEADING, "there are no mistakes to show"));
    }
    let columns = all.len().clamp(4, COLUMNS);
    let rows = all.len().div_ceil(columns);
    let size = (16.0 + TILE.0 * columns as f64, 76.0 + TILE.1 * rows as f64);
    let mut figure = Figure::new(size.0, size.1, HEADING);
    title(&mut figure, HEADING);
    subtitle(&mut figure, "Wrong predictions on the test set, the most confident first.");
    for (i, mistake) in all.iter().enumerate() {
        let corner = (16.0 + TILE.0 * (i % columns) as f64, 66.0 + TILE.1 * (i / columns) as f64);
        tile(&mut figure, corner, mistake)?;
    }
    Ok(figure)
}

fn tile(figure: &mut Figure, (x, y): (f64, f64), mistake: &Mistake) -> Result<()> {
    let middle = x + FACE / 2.0;
    match &mistake.face {
        Some(face) => figure.picture((x, y), fitted(face.width, face.height), face)?,
        None => {
            figure.rectangle((x, y), (FACE, FACE), GRID, 1.0);
            figure.text((middle, y + FACE / 2.0), "no picture", Label::new(11.0, MUTED).anchored(Anchor::Middle));
        }
    }
    let lines = [
        (format!("true: {}", mistake.truth), INK, false),
        (format!("said: {}", mistake.prediction), RED, true),
        (format!("{:.1} %, row {}", 100.0 * mistake.confidence, mistake.row), MUTED, false),
    ];
    for (i, (text, colour, bold)) in lines.iter().enumerate() {
        let mut label = Label { bold: *bold, ..Label::new(11.5, *colour) }.anchored(Anchor::Middle);
        // A long class name is set smaller rather than into its neighbour.
        label.size *= ((TILE.0 - 6.0) / text_width(text, label.size, *bold)).min(1.0);
        figure.text((middle, y + FACE + 16.0 + 15.0 * i as f64), text, label);
    }
    Ok(())
}

/// The largest size within the tile that keeps the picture's proportions.
fn fitted(width: usize, height: usize) -> (f64, f64) {
    let scale = FACE / width.max(height).max(1) as f64;
    (width as f64 * scale, height as f64 * scale)
}
