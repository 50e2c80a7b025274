//! The plots of a report.

mod affect_path;
mod axes;
mod confusion;
mod curves;
mod faces;
mod heads;
mod heat_map;
mod per_class;
mod reliability;
mod robustness;
mod sweep;
mod timeline;
mod unit_face;

pub use affect_path::affect_path;
pub use confusion::confusion_matrix;
pub use curves::{accuracy_curves, learning_rate, loss_curves, score_curves};
pub use faces::mistakes;
pub use heads::{label_scores, scatter};
pub use heat_map::heat_map;
pub use per_class::per_class;
pub use reliability::reliability;
pub use robustness::{ExampleView, adversarial_examples, explanation, robust_accuracy};
pub use sweep::{importance, learning_curves, parallel_coordinates, slices};
pub use timeline::timeline;
pub use unit_face::unit_face;

use super::figure::{Anchor, Colour, Figure, Label};

const INK: Colour = (31, 41, 55);
const MUTED: Colour = (91, 103, 122);
const GRID: Colour = (226, 230, 236);
const BLUE: Colour = (37, 99, 235);
const ORANGE: Colour = (217, 119, 6);
const TEAL: Colour = (13, 148, 136);
const RED: Colour = (200, 40, 40);

/// Size of titles and of everything else (em, in CSS pixels).
const TITLE: f64 = 16.0;
const TEXT: f64 = 13.5;

/// Writes the title at the top left.
fn title(figure: &mut Figure, text: &str) {
    figure.text((16.0, 28.0), text, Label::new(TITLE, INK).bold());
}

/// Writes a line below the title.
fn subtitle(figure: &mut Figure, text: &str) {
    figure.text((16.0, 48.0), text, Label::new(TEXT, MUTED));
}

/// A row of coloured marks with their names, from `left` on.
fn legend(figure: &mut Figure, (left, y): (f64, f64), entries: &[(&str, Colour)]) {
    let mut x = left;
    for (name, colour) in entries {
        figure.rectangle((x, y - 9.0), (14.0, 9.0), *colour, 1.0);
        figure.text((x + 20.0, y), name, Label::new(TEXT, INK));
        x += 20.0 + super::figure::text_width(name, TEXT, false) + 22.0;
    }
}

/// A colour on the way from one to another.
fn blend(a: Colour, b: Colour, share: f64) -> Colour {
    let mix = |a: u8, b: u8| (f64::from(a) + share * (f64::from(b) - f64::from(a))).round() as u8;
    (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

/// A message where there is nothing to draw.
fn nothing(heading: &str, why: &str) -> Figure {
    let mut figure = Figure::new(640.0, 120.0, heading);
    title(&mut figure, heading);
    figure.text((320.0, 78.0), why, Label::new(TEXT, MUTED).anchored(Anchor::Middle));
    figure
}
