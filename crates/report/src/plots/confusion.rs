//! The confusion matrix.

use super::{Figure, INK, MUTED, TEXT, nothing, subtitle, title};
use crate::figure::{Anchor, Colour, Label, text_width};
use ferrotype_evaluation::Scores;

const HEADING: &str = "Confusion matrix";

/// Counts and shares of each true class's rows, coloured by share.
pub fn confusion_matrix(scores: &Scores) -> Figure {
    let classes = scores.classes();
    let k = classes.len();
    if k == 0 || scores.confusion.len() != k || scores.confusion.iter().any(|row| row.len() != k) {
        return nothing(HEADING, "nothing was scored");
    }
    let cell = (624.0 / k as f64).clamp(30.0, 84.0);
    let widest = classes.iter().map(|c| text_width(c, TEXT, false)).fold(0.0, f64::max);
    let upright = widest > cell - 6.0;
    let (left, top) = (54.0 + widest, 70.0);
    let names = if upright { widest + 14.0 } else { 24.0 };
    let support = 80.0;
    let width = (left + cell * k as f64 + support).max(500.0);
    let mut figure = Figure::new(width.ceil(), (top + cell * k as f64 + names + 34.0).ceil(), HEADING);
    title(&mut figure, HEADING);
    subtitle(&mut figure, "Counts, and percent of the true class (colour).");
    for (truth, row) in scores.confusion.iter().enumerate() {
        let total = row.iter().sum::<u64>();
        for (predicted, &count) in row.iter().enumerate() {
            let corner = (left + predicted as f64 * cell, top + truth as f64 * cell);
            draw_cell(&mut figure, corner, cell, count, total);
        }
        let middle = top + (truth as f64 + 0.5) * cell + 4.5;
        figure.text((left - 10.0, middle), classes[truth], Label::new(TEXT, INK).anchored(Anchor::End));
        figure.text((left + k as f64 * cell + 10.0, middle), &format!("n = {total}"), Label::new(12.0, MUTED));
    }
    let bottom = top + k as f64 * cell;
    for (predicted, class) in classes.iter().enumerate() {
        let middle = left + (predicted as f64 + 0.5) * cell;
        if upright {
            let label = Label::new(TEXT, INK).anchored(Anchor::End).upright();
            figure.text((middle + 4.5, bottom + 10.0), class, label);
        } else {
            figure.text((middle, bottom + 20.0), class, Label::new(TEXT, INK).anchored(Anchor::Middle));
        }
    }
    let name = Label::new(TEXT, INK).anchored(Anchor::Middle).bold();
    figure.text((left + cell * k as f64 / 2.0, bottom + names + 20.0), "predicted", name);
    figure.text((24.0, top + cell * k as f64 / 2.0), "true", name.upright());
    figure
}

fn draw_cell(figure: &mut Figure, (x, y): (f64, f64), cell: f64, count: u64, total: u64) {
    let share = if total == 0 { 0.0 } else { count as f64 / total as f64 };
    figure.rectangle((x + 0.75, y + 0.75), (cell - 1.5, cell - 1.5), blues(share), 1.0);
    let colour = if share > 0.5 { (255, 255, 255) } else { INK };
    let middle = x + cell / 2.0;
    let size = if cell >= 56.0 { 14.0 } else { 11.0 };
    let label = Label::new(size, colour).anchored(Anchor::Middle);
    let fits = |text: &str| text_width(text, size, true) < cell - 4.0;
    let count = count.to_string();
    if cell >= 44.0 && fits(&count) {
        figure.text((middle, y + cell / 2.0 - 1.0), &count, label.bold());
        let percent = Label::new(size - 2.5, colour).anchored(Anchor::Middle);
        figure.text((middle, y + cell / 2.0 + size), &format!("{:.1} %", 100.0 * share), percent);
    } else {
        figure.text((middle, y + cell / 2.0 + 4.0), &format!("{:.0}", 100.0 * share), label);
    }
}

/// From nearly white to dark blue; each step of share is a like step of lightness.
fn blues(share: f64) -> Colour {
    const STOPS: [(f64, f64, f64); 4] =
        [(244.0, 247.0, 252.0), (158.0, 196.0, 236.0), (62.0, 125.0, 204.0), (16.0, 58.0, 122.0)];
    let at = share.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let i = (at as usize).min(STOPS.len() - 2);
    let (a, b, t) = (STOPS[i], STOPS[i + 1], at - i as f64);
    let mix = |a: f64, b: f64| (a + (b - a) * t).round() as u8;
    (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}
