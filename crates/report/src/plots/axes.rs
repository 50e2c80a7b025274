//! Axes: a range of numbers on each side of a rectangle, with round ticks.

use super::{GRID, INK, MUTED, TEXT};
use crate::figure::{Anchor, Figure, Label};

/// A rectangle in the figure and the numbers along its sides.
#[derive(Clone, Debug)]
pub struct Axes {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    pub x: (f64, f64),
    pub y: (f64, f64),
}

impl Axes {
    /// Where the point (x, y) lies.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let across = (x - self.x.0) / (self.x.1 - self.x.0);
        let up = (y - self.y.0) / (self.y.1 - self.y.0);
        (self.left + across * self.width, self.top + (1.0 - up) * self.height)
    }

    /// Grid lines, tick labels and axis names.
    pub fn draw(&self, figure: &mut Figure, names: (&str, &str), label_y: impl Fn(f64) -> String) {
        let (bottom, right) = (self.top + self.height, self.left + self.width);
        for y in ticks(self.y, 7) {
            let (_, at) = self.at(self.x.0, y);
            figure.line(&[(self.left, at), (right, at)], GRID, 1.0);
            figure.text((self.left - 8.0, at + 4.5), &label_y(y), Label::new(TEXT, MUTED).anchored(Anchor::End));
        }
        let mut xs = ticks(self.x, 9);
        // Half an epoch between two labels says nothing.
        if self.x.1 - self.x.0 >= 2.0 {
            xs.retain(|x| x.fract() == 0.0);
        }
        let step = if xs.len() > 1 { xs[1] - xs[0] } else { 1.0 };
        for x in &xs {
            let (at, _) = self.at(*x, self.y.0);
            figure.line(&[(at, bottom), (at, bottom + 5.0)], MUTED, 1.0);
            let label = Label::new(TEXT, MUTED).anchored(Anchor::Middle);
            figure.text((at, bottom + 19.0), &plain(*x, step), label);
        }
        figure.line(&[(self.left, bottom), (right, bottom)], MUTED, 1.2);
        let name = Label::new(TEXT, INK).anchored(Anchor::Middle);
        figure.text((self.left + self.width / 2.0, bottom + 40.0), names.0, name);
        figure.text((20.0, self.top + self.height / 2.0), names.1, name.upright());
    }
}

/// A number with the decimals that steps of `step` need.
pub fn plain(value: f64, step: f64) -> String {
    if value != 0.0 && (step < 1e-3 || value.abs() >= 1e6) {
        return format!("{value:.1e}");
    }
    let decimals = (0..=4).find(|&d| ((step * 10f64.powi(d)).round() - step * 10f64.powi(d)).abs() < 1e-6);
    format!("{value:.*}", decimals.unwrap_or(4) as usize)
}

/// Round numbers within a range, about `count` of them.
pub fn ticks((low, high): (f64, f64), count: usize) -> Vec<f64> {
    let rough = (high - low) / count as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= rough * 0.999).unwrap_or(power);
    let first = (low / step - 1e-6).ceil() as i64;
    let last = (high / step + 1e-6).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// The range of the numbers, widened a little so that nothing lies on the edge. Numbers that are not finite do not count.
pub fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let margin = if high > low { 0.05 * (high - low) } else { 0.05 * high.abs().max(0.1) };
    (low <= high).then_some((low - margin, high + margin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks((0.0, 1.0), 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks((0.0, 12.0), 9), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        assert!(ticks((1.0, 1.0), 5).is_empty() && ticks((0.0, f64::NAN), 5).is_empty());
    }

    #[test]
    fn numbers_have_the_decimals_they_need() {
        assert_eq!(plain(0.6000000000000001, 0.2), "0.6");
        assert_eq!(plain(40.0, 20.0), "40");
        assert_eq!(plain(0.25, 0.25), "0.25");
        assert_eq!(plain(0.0005, 0.0001), "5.0e-4");
    }

    #[test]
    fn a_range_leaves_out_what_is_not_a_number() {
        let (low, high) = range([1.0, f64::NAN, 2.0].into_iter()).unwrap();
        assert!(low < 1.0 && high > 2.0);
        assert!(range([f64::INFINITY].into_iter()).is_none());
        let (low, high) = range([3.0].into_iter()).unwrap();
        assert!(low < 3.0 && high > 3.0);
    }
}
