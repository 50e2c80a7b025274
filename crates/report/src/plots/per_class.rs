//! Recall, precision and F1 of each class.

use super::{BLUE, Colour, Figure, GRID, INK, MUTED, ORANGE, TEAL, TEXT, legend, nothing, title};
use crate::figure::{Anchor, Label, text_width};
use ferrotype_evaluation::{ClassScores, Scores};

const HEADING: &str = "Scores by class";
const BAR: f64 = 13.0;
const GROUP: f64 = 3.0 * BAR + 17.0;

/// What is drawn of a class, in order.
/// Name, colour and value of a bar.
type Bar = (&'static str, Colour, fn(&ClassScores) -> f64);

const BARS: [Bar; 3] = [("recall", BLUE, |c| c.recall), ("precision", ORANGE, |c| c.precision), ("F1", TEAL, |c| c.f1)];

/// Three bars per class.
pub fn per_class(scores: &Scores) -> Figure {
    if scores.per_class.is_empty() {
        return nothing(HEADING, "nothing was scored");
    }
    let names: Vec<String> = scores.per_class.iter().map(|c| format!("{} ({})", c.class, c.support)).collect();
    let widest = names.iter().map(|n| text_width(n, TEXT, false)).fold(0.0, f64::max);
    let (left, top) = ((widest + 30.0).max(84.0), 74.0);
    let width = 500.0;
    let height = GROUP * names.len() as f64;
    let mut figure = Figure::new((left + width + 60.0).ceil(), (top + height + 50.0).ceil(), HEADING);
    title(&mut figure, HEADING);
    legend(&mut figure, (left, 54.0), &BARS.map(|(name, colour, _)| (name, colour)));
    for percent in [0.0, 20.0, 40.0, 60.0, 80.0, 100.0] {
        let x = left + width * percent / 100.0;
        figure.line(&[(x, top), (x, top + height)], GRID, 1.0);
        let label = Label::new(TEXT, MUTED).anchored(Anchor::Middle);
        figure.text((x, top + height + 18.0), &format!("{percent:.0}"), label);
    }
    for (i, (class, name)) in scores.per_class.iter().zip(&names).enumerate() {
        let y = top + i as f64 * GROUP + (GROUP - 3.0 * BAR) / 2.0;
        figure.text((left - 10.0, y + 1.5 * BAR + 4.5), name, Label::new(TEXT, INK).anchored(Anchor::End));
        for (j, (_, colour, value)) in BARS.iter().enumerate() {
            let (y, length) = (y + j as f64 * BAR, width * value(class));
            figure.rectangle((left, y + 0.5), (length, BAR - 1.5), *colour, 0.9);
            let text = format!("{:.1}", 100.0 * value(class));
            figure.text((left + length + 5.0, y + BAR - 2.5), &text, Label::new(11.0, INK));
        }
    }
    figure.line(&[(left, top), (left, top + height)], MUTED, 1.2);
    let name = Label::new(TEXT, INK).anchored(Anchor::Middle);
    figure.text((left + width / 2.0, top + height + 38.0), "percent", name);
    figure
}
