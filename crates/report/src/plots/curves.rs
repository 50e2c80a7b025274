//! What happened while training: loss, scores and learning rate by epoch.

use super::axes::{Axes, plain, range, ticks};
use super::{BLUE, Colour, Figure, MUTED, ORANGE, RED, TEAL, TEXT, legend, nothing, title};
use crate::figure::{Anchor, Label};
use ferrotype_run::history::History;

/// More points than this cannot be told apart in the plot; more only make the file large.
const MOST_POINTS: usize = 600;

struct Curve<'a> {
    name: &'a str,
    colour: Colour,
    points: Vec<(f64, f64)>,
}

/// Loss of training (each step faintly, each epoch's mean) and validation.
pub fn loss_curves(history: &History) -> Figure {
    let steps: Vec<(f64, f64)> = history.steps.iter().map(|s| (s.epoch, s.loss)).collect();
    let train = history.epochs.iter().map(|e| (e.epoch as f64, e.train_loss)).collect();
    let validation = history.epochs.iter().filter_map(|e| Some((e.epoch as f64, e.validation_loss?))).collect();
    let curves = [
        Curve { name: "training", colour: BLUE, points: train },
        Curve { name: "validation", colour: ORANGE, points: validation },
    ];
    plot("Loss", ("epoch", "loss"), &thin(&steps), &curves, None, None)
}

/// Accuracy and UAR on the validation set, and accuracy in training where it was counted. `best` is the epoch whose
/// weights were selected.
pub fn accuracy_curves(history: &History, best: Option<u64>) -> Figure {
    let metric = |name: &str| {
        let value =
            |e: &ferrotype_run::history::EpochRecord| e.validation.get(name).map(|v| (e.epoch as f64, 100.0 * v));
        history.epochs.iter().filter_map(value).collect()
    };
    let train = history.epochs.iter().filter_map(|e| Some((e.epoch as f64, 100.0 * e.train_accuracy?))).collect();
    let curves = [
        Curve { name: "training accuracy", colour: BLUE, points: train },
        Curve { name: "validation accuracy", colour: ORANGE, points: metric("accuracy") },
        Curve { name: "validation UAR", colour: TEAL, points: metric("uar") },
    ];
    plot("Accuracy", ("epoch", "percent"), &[], &curves, best.map(|e| e as f64), None)
}

/// These metrics on the validation set, epoch by epoch. `best` is the epoch whose weights were selected.
pub fn score_curves(history: &History, names: &[String], best: Option<u64>) -> Figure {
    const COLOURS: [Colour; 4] = [BLUE, ORANGE, TEAL, RED];
    let curve = |(name, colour): (&'_ String, Colour)| {
        let value = |e: &ferrotype_run::history::EpochRecord| e.validation.get(name).map(|v| (e.epoch as f64, *v));
        (name.clone(), colour, history.epochs.iter().filter_map(value).collect::<Vec<_>>())
    };
    let values: Vec<_> = names.iter().zip(COLOURS.into_iter().cycle()).map(curve).collect();
    let curves: Vec<Curve> =
        values.iter().map(|(name, colour, points)| Curve { name, colour: *colour, points: points.clone() }).collect();
    let heading = match names {
        [name] => format!("{name} on the validation set"),
        _ => "Scores on the validation set".to_owned(),
    };
    plot(&heading, ("epoch", "score"), &[], &curves, best.map(|e| e as f64), None)
}

/// The learning rate by step.
pub fn learning_rate(history: &History) -> Figure {
    let mut points: Vec<(f64, f64)> = history.steps.iter().map(|s| (s.epoch, s.lr)).collect();
    if points.is_empty() {
        points = history.epochs.iter().map(|e| (e.epoch as f64, e.lr)).collect();
    }
    let curves = [Curve { name: "learning rate", colour: BLUE, points: thin(&points) }];
    plot("Learning rate", ("epoch", "learning rate"), &[], &curves, None, Some(0.0))
}

/// At most [`MOST_POINTS`] of the points: means of equal groups, so that noise thins out with them.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let group = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |g: &[(f64, f64)]| {
        let n = g.len() as f64;
        (g.iter().map(|p| p.0).sum::<f64>() / n, g.iter().map(|p| p.1).sum::<f64>() / n)
    };
    points.chunks(group).map(mean).collect()
}

fn plot(
    heading: &str,
    names: (&str, &str),
    background: &[(f64, f64)],
    curves: &[Curve],
    mark: Option<f64>,
    floor: Option<f64>,
) -> Figure {
    let shown: Vec<&Curve> = curves.iter().filter(|c| !c.points.is_empty()).collect();
    let everything = || shown.iter().flat_map(|c| c.points.iter()).chain(background).copied();
    let ys = range(everything().map(|p| p.1));
    let xs = everything().map(|p| p.0).filter(|x| x.is_finite()).fold(None, |limits: Option<(f64, f64)>, x| {
        Some(limits.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
    });
    let (Some(y), Some((first, last))) = (ys, xs) else { return nothing(heading, "nothing was recorded") };
    let mut figure = Figure::new(580.0, 380.0, heading);
    title(&mut figure, heading);
    let y = (floor.unwrap_or(y.0), y.1);
    // A loss or a share has no room below zero, whatever the margin says.
    let y = (if everything().all(|p| p.1.is_nan() || p.1 >= 0.0) { y.0.max(0.0) } else { y.0 }, y.1);
    let x = if last > first { (if first <= 1.0 { 0.0 } else { first }, last) } else { (first - 1.0, first + 1.0) };
    let top = if shown.len() > 1 { 70.0 } else { 48.0 };
    let axes = Axes { left: 84.0, top, width: 472.0, height: 320.0 - top, x, y };
    let marks = ticks(y, 7);
    let step = if marks.len() > 1 { marks[1] - marks[0] } else { 1.0 };
    axes.draw(&mut figure, names, |v| plain(v, step));
    if let Some(at) = mark.filter(|m| (x.0..=x.1).contains(m)) {
        draw_mark(&mut figure, &axes, at);
    }
    pieces(&axes, background).iter().for_each(|p| figure.faint_line(p, BLUE, 1.0, 0.3));
    for curve in &shown {
        draw_curve(&mut figure, &axes, curve);
    }
    if shown.len() > 1 {
        let entries: Vec<(&str, Colour)> = shown.iter().map(|c| (c.name, c.colour)).collect();
        legend(&mut figure, (84.0, 54.0), &entries);
    }
    figure
}

fn draw_mark(figure: &mut Figure, axes: &Axes, epoch: f64) {
    let (x, bottom) = axes.at(epoch, axes.y.0);
    figure.dashed((x, axes.top), (x, bottom), MUTED, 1.2);
    let late = epoch > (axes.x.0 + axes.x.1) / 2.0;
    let (at, anchor) = if late { (x - 6.0, Anchor::End) } else { (x + 6.0, Anchor::Start) };
    figure.text((at, bottom - 8.0), &format!("selected: epoch {epoch}"), Label::new(TEXT, MUTED).anchored(anchor));
}

fn draw_curve(figure: &mut Figure, axes: &Axes, curve: &Curve) {
    for piece in pieces(axes, &curve.points) {
        figure.line(&piece, curve.colour, 2.2);
        if curve.points.len() <= 40 {
            piece.iter().for_each(|&p| figure.dot(p, 3.0, curve.colour));
        }
    }
}

/// The points in the figure, broken where one is not a number.
fn pieces(axes: &Axes, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let finite = |p: &(f64, f64)| p.0.is_finite() && p.1.is_finite();
    points
        .split(|p| !finite(p))
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.iter().map(|p| axes.at(p.0, p.1)).collect())
        .collect()
}
