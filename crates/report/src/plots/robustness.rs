//! Accuracy under attack.

use super::axes::Axes;
use super::{BLUE, Figure, INK, ORANGE, RED, TEXT, legend, nothing, subtitle, title};
use crate::attack::AttackView;
use crate::figure::{Anchor, Label, text_width};
use crate::view::Face;

/// Accuracy (with its 95 % interval) and UAR by the strength of the attack.
pub fn robust_accuracy(attack: &AttackView) -> Figure {
    let heading = format!("Accuracy under attack: {}", attack.title());
    let mut points: Vec<_> = attack.points.iter().collect();
    points.sort_by(|a, b| a.eps.total_cmp(&b.eps));
    let Some(last) = points.last() else { return nothing(&heading, "nothing was attacked") };
    let mut figure = Figure::new(580.0, 400.0, &heading);
    title(&mut figure, &heading);
    subtitle(&mut figure, &format!("{} rows. Bars: 95 % intervals of accuracy.", last.n));
    legend(&mut figure, (84.0, 74.0), &[("accuracy", BLUE), ("UAR", ORANGE)]);
    let end = f64::from(last.eps).max(1.0);
    let axes = Axes { left: 84.0, top: 90.0, width: 472.0, height: 250.0, x: (0.0, end * 1.02), y: (0.0, 100.0) };
    axes.draw(&mut figure, ("eps (grey levels of 0..255)", "percent"), |v| format!("{v:.0}"));
    let uar: Vec<_> = points.iter().map(|p| axes.at(f64::from(p.eps), 100.0 * p.uar)).collect();
    figure.line(&uar, ORANGE, 2.0);
    uar.iter().for_each(|&at| figure.dot(at, 2.6, ORANGE));
    let accuracy: Vec<_> = points.iter().map(|p| axes.at(f64::from(p.eps), 100.0 * p.accuracy)).collect();
    figure.line(&accuracy, BLUE, 2.2);
    for (point, &(x, y)) in points.iter().zip(&accuracy) {
        let [low, high] = point.interval.map(|v| axes.at(f64::from(point.eps), 100.0 * v).1);
        figure.line(&[(x, low), (x, high)], BLUE, 1.4);
        for end in [low, high] {
            figure.line(&[(x - 4.0, end), (x + 4.0, end)], BLUE, 1.4);
        }
        figure.dot((x, y), 3.4, BLUE);
    }
    figure
}

/// A picture before and after an attack.
#[derive(Clone, Debug)]
pub struct ExampleView {
    /// Row in the dataset.
    pub row: u32,
    /// True class.
    pub truth: String,
    /// The picture, what was said of it, and how surely.
    pub clean: (Face, String, f64),
    /// The change, amplified.
    pub change: Face,
    /// The changed picture, what was said of it, and how surely.
    pub adversarial: (Face, String, f64),
}

const FACE: f64 = 112.0;
const GAP: f64 = 14.0;
const BLOCK: f64 = 3.0 * (FACE + GAP) + 26.0;
const ROW: f64 = 176.0;

/// A grid of examples, two side by side, with a line below the title.
///
/// # Errors
/// When a picture's pixels do not fit its size.
pub fn adversarial_examples(heading: &str, line: &str, all: &[ExampleView]) -> anyhow::Result<Figure> {
    if all.is_empty() {
        return Ok(nothing(heading, "there are no examples to show"));
    }
    let rows = all.len().div_ceil(2);
    let mut figure = Figure::new(16.0 + 2.0 * BLOCK, 80.0 + ROW * rows as f64, heading);
    title(&mut figure, heading);
    subtitle(&mut figure, line);
    for (i, example) in all.iter().enumerate() {
        let corner = (16.0 + BLOCK * (i % 2) as f64, 66.0 + ROW * (i / 2) as f64);
        block(&mut figure, corner, example)?;
    }
    Ok(figure)
}

fn block(figure: &mut Figure, (x, y): (f64, f64), example: &ExampleView) -> anyhow::Result<()> {
    let said = |text: &str, confidence: f64| format!("{text} {:.0} %", 100.0 * confidence);
    let colour = |text: &str| if text == example.truth { INK } else { RED };
    let columns = [
        (&example.clean.0, "clean".to_owned(), said(&example.clean.1, example.clean.2), colour(&example.clean.1)),
        (&example.change, "change".to_owned(), format!("row {}", example.row), INK),
        (
            &example.adversarial.0,
            "adversarial".to_owned(),
            said(&example.adversarial.1, example.adversarial.2),
            colour(&example.adversarial.1),
        ),
    ];
    for (i, (face, name, text, colour)) in columns.into_iter().enumerate() {
        let left = x + (FACE + GAP) * i as f64;
        figure.picture((left, y), (FACE, FACE), face)?;
        centred(figure, (left + FACE / 2.0, y + FACE + 15.0), &name, Label::new(11.0, super::MUTED));
        centred(figure, (left + FACE / 2.0, y + FACE + 30.0), &text, Label::new(11.5, colour).bold());
    }
    let truth = format!("true: {}", example.truth);
    figure.text((x, y + FACE + 45.0), &truth, Label::new(11.5, INK));
    Ok(())
}

/// A text around its middle, smaller where it would reach into its neighbour.
pub(super) fn centred(figure: &mut Figure, at: (f64, f64), text: &str, mut label: Label) {
    label.size *= ((FACE + GAP - 4.0) / text_width(text, label.size, label.bold)).min(1.0);
    figure.text(at, text, label.anchored(Anchor::Middle));
}

/// Pictures side by side, each with its name, below a title and a line: an explained prediction.
///
/// # Errors
/// When a picture's pixels do not fit its size.
pub fn explanation(heading: &str, line: &str, pictures: &[(&str, &Face)]) -> anyhow::Result<Figure> {
    const SIDE: f64 = 224.0;
    let needed = text_width(line, TEXT, false).max(text_width(heading, super::TITLE, true)) + 32.0;
    let width = (16.0 + (SIDE + 16.0) * pictures.len() as f64).max(needed);
    let mut figure = Figure::new(width.ceil(), 66.0 + SIDE + 34.0, heading);
    title(&mut figure, heading);
    subtitle(&mut figure, line);
    for (i, (name, face)) in pictures.iter().enumerate() {
        let left = 16.0 + (SIDE + 16.0) * i as f64;
        figure.picture((left, 64.0), (SIDE, SIDE), face)?;
        let label = Label::new(TEXT, INK).anchored(Anchor::Middle);
        figure.text((left + SIDE / 2.0, 64.0 + SIDE + 20.0), name, label);
    }
    Ok(figure)
}
