//! Plots of heads: labels' F1 as bars, continuous values as true against predicted.

use super::axes::{Axes, plain, ticks};
use super::{BLUE, Figure, GRID, INK, MUTED, TEXT, nothing, subtitle, title};
use crate::figure::{Anchor, Label, text_width};
use ferrotype_base::targets::TargetKind;
use ferrotype_evaluation::{HeadPredictions, HeadScores};

const BAR: f64 = 20.0;

/// F1 of each label of a head; labels without one say so.
pub fn label_scores(head: &HeadScores) -> Figure {
    let heading = format!("{}: F1 of each label", head.name);
    if head.columns.is_empty() {
        return nothing(&heading, "nothing was scored");
    }
    let names: Vec<String> =
        head.columns.iter().map(|c| format!("{} ({})", c.column, c.positives.unwrap_or_default())).collect();
    let widest = names.iter().map(|n| text_width(n, TEXT, false)).fold(0.0, f64::max);
    let (left, top, width) = ((widest + 30.0).max(84.0), 62.0, 480.0);
    let height = (BAR + 6.0) * names.len() as f64;
    let mut figure = Figure::new((left + width + 70.0).ceil(), (top + height + 50.0).ceil(), &heading);
    title(&mut figure, &heading);
    subtitle(&mut figure, "in brackets the test rows that have the label");
    for percent in [0.0, 20.0, 40.0, 60.0, 80.0, 100.0] {
        let x = left + width * percent / 100.0;
        figure.line(&[(x, top), (x, top + height)], GRID, 1.0);
        let label = Label::new(TEXT, MUTED).anchored(Anchor::Middle);
        figure.text((x, top + height + 18.0), &format!("{percent:.0}"), label);
    }
    for (i, (column, name)) in head.columns.iter().zip(&names).enumerate() {
        let y = top + i as f64 * (BAR + 6.0) + 3.0;
        figure.text((left - 10.0, y + BAR - 5.5), name, Label::new(TEXT, INK).anchored(Anchor::End));
        let (length, text) = match column.metrics.get("f1") {
            Some(f1) => (width * f1, format!("{:.1}", 100.0 * f1)),
            None => (0.0, "undefined".to_owned()),
        };
        figure.rectangle((left, y), (length, BAR), BLUE, 0.9);
        figure.text((left + length + 5.0, y + BAR - 5.5), &text, Label::new(11.0, INK));
    }
    figure.line(&[(left, top), (left, top + height)], MUTED, 1.2);
    let name = Label::new(TEXT, INK).anchored(Anchor::Middle);
    figure.text((left + width / 2.0, top + height + 38.0), "percent", name);
    figure
}

/// Panels per row.
const ACROSS: usize = 3;
const PANEL: f64 = 170.0;
/// More points than this cannot be told apart in a panel.
const MOST_POINTS: usize = 500;

/// True against predicted values of each column of a head, with the line where they are equal.
pub fn scatter(table: &HeadPredictions, scores: &HeadScores) -> Figure {
    let heading = format!("{}: predicted against true values", table.head.name);
    let TargetKind::Continuous { units, range: [low, high] } = &table.head.kind else {
        return nothing(&heading, "these are no values");
    };
    let columns = &table.head.columns;
    let rows = columns.len().div_ceil(ACROSS);
    let across = columns.len().clamp(2, ACROSS);
    let size = (40.0 + across as f64 * (PANEL + 60.0), 60.0 + rows as f64 * (PANEL + 80.0));
    let mut figure = Figure::new(size.0, size.1, &heading);
    title(&mut figure, &heading);
    let units = if units.is_empty() { String::new() } else { format!(", in {units}") };
    subtitle(&mut figure, &format!("across: true, upwards: predicted{units}"));
    let margin = 0.05 * (high - low);
    let limits = (f64::from(low - margin), f64::from(high + margin));
    for (i, column) in columns.iter().enumerate() {
        let (left, top) = (60.0 + (i % ACROSS) as f64 * (PANEL + 60.0), 90.0 + (i / ACROSS) as f64 * (PANEL + 80.0));
        let axes = Axes { left, top, width: PANEL, height: PANEL, x: limits, y: limits };
        panel(&mut figure, &axes, &points(table, i));
        let ccc = scores.columns.get(i).and_then(|c| c.metrics.get("ccc"));
        let ccc = ccc.map_or_else(|| "CCC undefined".to_owned(), |v| format!("CCC {v:.3}"));
        figure.text((left, top - 8.0), column, Label::new(TEXT, INK).bold());
        figure.text((left + PANEL, top - 8.0), &ccc, Label::new(TEXT, MUTED).anchored(Anchor::End));
    }
    figure
}

fn points(table: &HeadPredictions, column: usize) -> Vec<(f64, f64)> {
    let pairs = table.pairs(column);
    let known: Vec<(f64, f64)> = pairs.truth.into_iter().zip(pairs.predicted).collect();
    let step = known.len().div_ceil(MOST_POINTS).max(1);
    known.into_iter().step_by(step).collect()
}

fn panel(figure: &mut Figure, axes: &Axes, points: &[(f64, f64)]) {
    let (bottom, right) = (axes.top + axes.height, axes.left + axes.width);
    let marks = ticks(axes.x, 5);
    let step = if marks.len() > 1 { marks[1] - marks[0] } else { 1.0 };
    for mark in marks {
        let (x, y) = axes.at(mark, mark);
        figure.line(&[(axes.left, y), (right, y)], GRID, 1.0);
        figure.line(&[(x, axes.top), (x, bottom)], GRID, 1.0);
        let small = Label::new(11.0, MUTED);
        figure.text((axes.left - 6.0, y + 4.0), &plain(mark, step), small.anchored(Anchor::End));
        figure.text((x, bottom + 16.0), &plain(mark, step), small.anchored(Anchor::Middle));
    }
    figure.dashed(axes.at(axes.x.0, axes.x.0), axes.at(axes.x.1, axes.x.1), MUTED, 1.2);
    for &(truth, value) in points {
        figure.dot(axes.at(truth, value), 1.7, BLUE);
    }
}
