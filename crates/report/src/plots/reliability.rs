//! The reliability diagram: whether a confidence of 80 % means that 80 % are right.

use super::axes::Axes;
use super::{BLUE, Colour, Figure, GRID, MUTED, TEXT, legend, nothing, subtitle, title};
use crate::figure::{Anchor, Label};
use ferrotype_evaluation::Scores;

/// Confidence above accuracy, and below it.
const OVER: Colour = (240, 170, 165);
const UNDER: Colour = (160, 192, 250);

const HEADING: &str = "Reliability";

/// Accuracy by confidence, and below how many rows have such confidence.
pub fn reliability(scores: &Scores) -> Figure {
    let total: u64 = scores.calibration.iter().map(|b| b.count).sum();
    if total == 0 {
        return nothing(HEADING, "nothing was scored");
    }
    let mut figure = Figure::new(500.0, 640.0, HEADING);
    title(&mut figure, HEADING);
    let ece = scores.metrics.get("ece").map(|s| format!("Expected calibration error {:.2} %.", 100.0 * s.value));
    subtitle(&mut figure, &ece.unwrap_or_default());
    legend(&mut figure, (84.0, 74.0), &[("accuracy", BLUE), ("too sure", OVER), ("not sure enough", UNDER)]);
    let unit = (0.0, 100.0);
    let upper = Axes { left: 84.0, top: 90.0, width: 390.0, height: 330.0, x: unit, y: unit };
    upper.draw(&mut figure, ("", "accuracy (percent)"), |v| format!("{v:.0}"));
    let full = scores.calibration.iter().filter(|b| b.count > 0);
    for bin in full.clone() {
        let (left, top) = upper.at(100.0 * bin.lower, 100.0 * bin.accuracy);
        let (right, bottom) = upper.at(100.0 * bin.upper, 0.0);
        let (_, confidence) = upper.at(0.0, 100.0 * bin.confidence);
        let (x, w) = (left + 1.0, right - left - 2.0);
        figure.rectangle((x, top), (w, bottom - top), BLUE, 1.0);
        let gap = if confidence < top { OVER } else { UNDER };
        figure.rectangle((x, top.min(confidence)), (w, (top - confidence).abs()), gap, 1.0);
    }
    let (start, end) = (upper.at(0.0, 0.0), upper.at(100.0, 100.0));
    figure.dashed(start, end, MUTED, 1.4);
    let most = full.clone().map(|b| b.count).max().unwrap_or(1) as f64;
    let lower = Axes { left: 84.0, top: 478.0, width: 390.0, height: 96.0, x: unit, y: (0.0, most * 1.08) };
    let base = lower.top + lower.height;
    lower_frame(&mut figure, &lower);
    for bin in full {
        let (left, top) = lower.at(100.0 * bin.lower, bin.count as f64);
        let (right, _) = lower.at(100.0 * bin.upper, 0.0);
        figure.rectangle((left + 1.0, top), (right - left - 2.0, base - top), MUTED, 0.75);
    }
    figure
}

fn lower_frame(figure: &mut Figure, axes: &Axes) {
    let base = axes.top + axes.height;
    let label = Label::new(TEXT, MUTED);
    for count in super::axes::ticks(axes.y, 3).into_iter().filter(|c| c.fract() == 0.0) {
        let (x, y) = axes.at(0.0, count);
        figure.line(&[(x, y), (x + axes.width, y)], GRID, 1.0);
        figure.text((x - 8.0, y + 4.5), &format!("{count:.0}"), label.anchored(Anchor::End));
    }
    for share in [0.0, 20.0, 40.0, 60.0, 80.0, 100.0] {
        let (x, _) = axes.at(share, 0.0);
        figure.line(&[(x, base), (x, base + 5.0)], MUTED, 1.0);
        figure.text((x, base + 19.0), &format!("{share:.0}"), label.anchored(Anchor::Middle));
    }
    figure.line(&[(axes.left, base), (axes.left + axes.width, base)], MUTED, 1.2);
    let name = Label::new(TEXT, super::INK).anchored(Anchor::Middle);
    figure.text((axes.left + axes.width / 2.0, base + 42.0), "confidence (percent)", name);
    figure.text((20.0, axes.top + axes.height / 2.0), "rows", name.upright());
}
