//! The plots of a sweep.

use super::axes::{Axes, plain, range, ticks};
use super::{BLUE, Colour, Figure, GRID, INK, MUTED, ORANGE, RED, TEXT, blend, legend, nothing, title};
use crate::figure::{Anchor, Label, text_width};
use crate::sweep::{SweepState, SweepTrial, SweepView};
use ferrotype_evaluation::metrics::{Metric, Unit};

/// The best and the worst colour of finished trials.
const BEST: Colour = (13, 100, 160);
const WORST: Colour = (240, 190, 110);
const GREY: Colour = (176, 184, 196);

/// A value as axes show it.
fn scaled(metric: &dyn Metric, value: f64) -> f64 {
    if metric.unit() == Unit::Share { 100.0 * value } else { value }
}

fn axis_name(metric: &dyn Metric) -> String {
    let unit = if metric.unit() == Unit::Share { ", %" } else { "" };
    format!("validation {}{unit}", metric.name())
}

/// A finished trial's colour by its rank.
fn colour(trial: &SweepTrial, finished: usize) -> Colour {
    let Some(rank) = trial.rank else { return GREY };
    let t = rank as f64 / (finished.max(2) - 1) as f64;
    blend(BEST, WORST, t)
}

fn finished(view: &SweepView) -> usize {
    view.trials.iter().filter(|t| t.rank.is_some()).count()
}

/// The last trial to draw is the best one, so that it lies on top.
fn worst_first(view: &SweepView) -> Vec<&SweepTrial> {
    let mut all: Vec<&SweepTrial> = view.trials.iter().filter(|t| t.value.is_some()).collect();
    all.sort_by_key(|t| std::cmp::Reverse(t.rank.map_or(usize::MAX, |r| r)));
    all
}

/// The range of the trials' values; none without any.
fn value_range(view: &SweepView, metric: &dyn Metric) -> Option<(f64, f64)> {
    range(view.trials.iter().filter_map(|t| Some(scaled(metric, t.value?))))
}

/// A name cut to a width.
fn fitted(text: &str, width: f64) -> String {
    let fits = |t: &str| text_width(t, TEXT, false) <= width;
    if fits(text) {
        return text.to_owned();
    }
    let short = text.rsplit('.').next().unwrap_or(text);
    if fits(short) {
        return short.to_owned();
    }
    let mut kept: Vec<char> = short.chars().collect();
    while kept.len() > 1 && !fits(&format!("{}…", kept.iter().collect::<String>())) {
        kept.pop();
    }
    kept.into_iter().chain(['…']).collect()
}

/// One line per trial over one upright axis per key, and the score at the right.
pub fn parallel_coordinates(view: &SweepView, metric: &dyn Metric) -> Figure {
    let heading = "Settings and score of every trial";
    let Some((low, high)) = value_range(view, metric) else { return nothing(heading, "no trial has a score yet") };
    let count = view.axes.len() + 1;
    let (left, top, bottom) = (90.0, 84.0, 400.0);
    let apart = (820.0 / (count - 1) as f64).clamp(110.0, 320.0);
    let mut figure = Figure::new(left + apart * (count - 1) as f64 + 90.0, bottom + 30.0, heading);
    title(&mut figure, heading);
    let x = |i: usize| left + apart * i as f64;
    let y = |u: f64| bottom - u * (bottom - top);
    for (i, axis) in view.axes.iter().enumerate() {
        figure.line(&[(x(i), top), (x(i), bottom)], MUTED, 1.2);
        let name = Label::new(TEXT, INK).anchored(Anchor::Middle);
        figure.text((x(i), top - 18.0), &fitted(&axis.key, apart - 8.0), name);
    }
    figure.line(&[(x(count - 1), top), (x(count - 1), bottom)], INK, 1.6);
    figure.text((x(count - 1), top - 18.0), metric.name(), Label::new(TEXT, INK).anchored(Anchor::Middle).bold());
    let n = finished(view);
    for trial in worst_first(view) {
        let value = (scaled(metric, trial.value.unwrap_or(f64::NAN)) - low) / (high - low);
        if !value.is_finite() {
            continue;
        }
        // A key that was not searched leaves its axis out.
        let places = trial.units.iter().enumerate().filter_map(|(i, u)| Some((x(i), y((*u)?))));
        let points: Vec<(f64, f64)> = places.chain([(x(count - 1), y(value))]).collect();
        let (width, opacity) = match trial.rank {
            Some(0) => (3.2, 1.0),
            Some(_) => (1.6, 0.75),
            None => (1.1, 0.6),
        };
        figure.faint_line(&points, colour(trial, n), width, opacity);
    }
    // Above the lines, so that they can be read.
    for (i, axis) in view.axes.iter().enumerate() {
        axis.ticks.iter().for_each(|(u, text)| tick(&mut figure, (x(i), y(*u)), &fitted(text, apart - 24.0)));
    }
    let step = ticks((low, high), 6);
    let size = if step.len() > 1 { step[1] - step[0] } else { 1.0 };
    for v in step {
        tick(&mut figure, (x(count - 1), y((v - low) / (high - low))), &plain(v, size));
    }
    figure
}

/// A mark with its text on a white ground.
fn tick(figure: &mut Figure, (x, y): (f64, f64), text: &str) {
    figure.line(&[(x - 4.0, y), (x + 4.0, y)], INK, 1.2);
    let width = text_width(text, 11.5, false);
    figure.rectangle((x + 6.0, y - 7.0), (width + 4.0, 14.0), (255, 255, 255), 0.8);
    figure.text((x + 8.0, y + 4.0), text, Label::new(11.5, MUTED));
}

/// A small plot per key: its value across, the score upwards.
pub fn slices(view: &SweepView, metric: &dyn Metric) -> Figure {
    let heading = "Score by each setting";
    let Some(y) = value_range(view, metric) else { return nothing(heading, "no trial has a score yet") };
    let columns = view.axes.len().clamp(1, 3);
    let rows = view.axes.len().div_ceil(columns);
    let (width, height) = (310.0, 250.0);
    let mut figure = Figure::new(50.0 + width * columns as f64, 50.0 + height * rows as f64, heading);
    title(&mut figure, heading);
    let n = finished(view);
    for (i, axis) in view.axes.iter().enumerate() {
        let left = 74.0 + width * (i % columns) as f64;
        let top = 62.0 + height * (i / columns) as f64;
        let axes = Axes { left, top, width: width - 62.0, height: height - 76.0, x: (0.0, 1.0), y };
        frame(&mut figure, &axes, &axis.ticks);
        figure.text((left, top - 8.0), &fitted(&axis.key, width - 62.0), Label::new(TEXT, INK).bold());
        for trial in worst_first(view) {
            let (Some(u), Some(value)) = (trial.units[i], trial.value) else { continue };
            // Choices spread a little, always the same way, so that equal ones can be told apart.
            let spread = if axis.is_choice { (trial.number as f64 * 0.618_034).fract() - 0.5 } else { 0.0 };
            let at =
                axes.at((u + spread * 0.35 / axis.ticks.len().max(1) as f64).clamp(0.0, 1.0), scaled(metric, value));
            figure.dot(at, 4.2, if trial.rank.is_some() { colour(trial, n) } else { GREY });
            if trial.rank.is_none() {
                figure.dot(at, 2.6, (255, 255, 255));
            }
        }
    }
    figure
}

fn frame(figure: &mut Figure, axes: &Axes, x_ticks: &[(f64, String)]) {
    let (bottom, right) = (axes.top + axes.height, axes.left + axes.width);
    let marks = ticks(axes.y, 5);
    let step = if marks.len() > 1 { marks[1] - marks[0] } else { 1.0 };
    for v in marks {
        let (_, at) = axes.at(0.0, v);
        figure.line(&[(axes.left, at), (right, at)], GRID, 1.0);
        figure.text((axes.left - 6.0, at + 4.0), &plain(v, step), Label::new(11.5, MUTED).anchored(Anchor::End));
    }
    figure.line(&[(axes.left, bottom), (right, bottom)], MUTED, 1.2);
    let mut free = f64::NEG_INFINITY;
    for (u, text) in x_ticks {
        let (x, _) = axes.at(*u, axes.y.0);
        figure.line(&[(x, bottom), (x, bottom + 4.0)], MUTED, 1.0);
        let half = text_width(text, 11.5, false) / 2.0;
        if x - half > free {
            figure.text((x, bottom + 17.0), text, Label::new(11.5, MUTED).anchored(Anchor::Middle));
            free = x + half + 6.0;
        }
    }
}

/// Each key's share of the score's variance.
pub fn importance(view: &SweepView) -> Figure {
    let heading = "Share of the score's variance";
    if view.shares.is_empty() {
        return nothing(heading, "too few finished trials to say");
    }
    let names = view.shares.iter().map(|s| text_width(&s.key, TEXT, false)).fold(80.0, f64::max).min(320.0);
    let (left, width, row) = (names + 30.0, 420.0, 30.0);
    let mut figure = Figure::new(left + width + 90.0, 60.0 + row * view.shares.len() as f64, heading);
    title(&mut figure, heading);
    let most = view.shares.iter().map(|s| s.share + s.sd).fold(0.05, f64::max).min(1.0);
    for (i, s) in view.shares.iter().enumerate() {
        let y = 48.0 + row * i as f64;
        let end = |share: f64| left + width * (share / most).clamp(0.0, 1.0);
        figure.text((left - 10.0, y + 14.0), &fitted(&s.key, names), Label::new(TEXT, INK).anchored(Anchor::End));
        figure.rectangle((left, y), ((end(s.share) - left).max(1.0), 18.0), BLUE, 0.85);
        figure.line(&[(end(s.share - s.sd), y + 9.0), (end(s.share + s.sd), y + 9.0)], INK, 1.2);
        let text = format!("{:.0} %", 100.0 * s.share);
        figure.text((end(s.share + s.sd) + 8.0, y + 14.0), &text, Label::new(TEXT, MUTED));
    }
    figure
}

/// The score by epoch of every trial.
pub fn learning_curves(view: &SweepView, metric: &dyn Metric) -> Figure {
    let heading = "Learning curves";
    let points = || view.trials.iter().flat_map(|t| &t.curve);
    let last = points().map(|p| p.0).fold(0.0, f64::max);
    let Some(y) = range(points().map(|p| scaled(metric, p.1))).filter(|_| last > 0.0) else {
        return nothing(heading, "nothing was recorded");
    };
    let mut figure = Figure::new(880.0, 440.0, heading);
    title(&mut figure, heading);
    let axes = Axes { left: 84.0, top: 74.0, width: 770.0, height: 310.0, x: (0.0, last.max(1.0)), y };
    let marks = ticks(y, 7);
    let step = if marks.len() > 1 { marks[1] - marks[0] } else { 1.0 };
    axes.draw(&mut figure, ("epoch", &axis_name(metric)), |v| plain(v, step));
    let mut order: Vec<&SweepTrial> = view.trials.iter().filter(|t| !t.curve.is_empty()).collect();
    order.sort_by_key(|t| std::cmp::Reverse(t.rank.unwrap_or(usize::MAX)));
    let n = finished(view);
    for trial in order {
        let line: Vec<(f64, f64)> = trial.curve.iter().map(|p| axes.at(p.0, scaled(metric, p.1))).collect();
        let width = if trial.rank == Some(0) { 3.2 } else { 1.5 };
        figure.faint_line(&line, colour(trial, n), width, if trial.rank.is_some() { 0.9 } else { 0.7 });
        let Some(&end) = line.last() else { continue };
        match trial.state {
            SweepState::Pruned => cross(&mut figure, end, RED),
            SweepState::Failed => cross(&mut figure, end, INK),
            SweepState::Open => figure.dot(end, 3.0, ORANGE),
            SweepState::Finished if line.len() == 1 => figure.dot(end, 3.0, colour(trial, n)),
            SweepState::Finished => {}
        }
    }
    let entries =
        [("best", BEST), ("worst finished", WORST), ("x: ended early", RED), ("x: failed", INK), ("open", ORANGE)];
    legend(&mut figure, (84.0, 56.0), &entries);
    figure
}

fn cross(figure: &mut Figure, (x, y): (f64, f64), colour: Colour) {
    let r = 4.0;
    figure.line(&[(x - r, y - r), (x + r, y + r)], colour, 1.6);
    figure.line(&[(x - r, y + r), (x + r, y - r)], colour, 1.6);
}
