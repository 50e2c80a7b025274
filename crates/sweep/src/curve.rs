//! A trial's validation scores, epoch by epoch.

use serde::{Deserialize, Serialize};

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// More is better.
    Maximise,
    /// Less is better.
    Minimise,
}

impl Goal {
    /// Whether `a` is better than `b`. What is not a number is never better.
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            Self::Maximise => a > b,
            Self::Minimise => a < b,
        }
    }

    /// The value as a loss: less is better, whatever the metric.
    pub fn loss(self, value: f64) -> f64 {
        match self {
            Self::Maximise => -value,
            Self::Minimise => value,
        }
    }
}

/// What a study ranks its trials by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// The validation metric of a trial's value.
    pub metric: String,
    /// Which way it is better.
    pub goal: Goal,
    /// The validation metric that selects a run's weights.
    pub select_by: String,
    /// Which way that one is better.
    pub select_goal: Goal,
}

/// One evaluation on the validation set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Epochs trained.
    pub epoch: u64,
    /// The study's metric.
    pub metric: f64,
    /// The metric that selects the run's weights.
    pub select: f64,
}

/// The evaluations of one seed of a trial, in order of their epochs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// One point per epoch.
    pub points: Vec<Point>,
}

impl Curve {
    /// Adds a point, or replaces the one of its epoch: a trial that was cut off repeats some.
    pub fn add(&mut self, point: Point) {
        match self.points.binary_search_by_key(&point.epoch, |p| p.epoch) {
            Ok(at) => self.points[at] = point,
            Err(at) => self.points.insert(at, point),
        }
    }

    /// The last epoch.
    pub fn epochs(&self) -> u64 {
        self.points.last().map_or(0, |p| p.epoch)
    }

    /// The metric of the weights that would be selected if training ended at `epoch` (at the first evaluation not
    /// before it). None where the trial has not come so far.
    pub fn value_at(&self, epoch: u64, objective: &Objective) -> Option<f64> {
        let end = self.points.iter().position(|p| p.epoch >= epoch)?;
        self.selected(end + 1, objective)
    }

    /// The metric of the weights selected so far.
    pub fn value(&self, objective: &Objective) -> Option<f64> {
        self.selected(self.points.len(), objective)
    }

    /// As training selects: of equal values the first stays.
    fn selected(&self, count: usize, objective: &Objective) -> Option<f64> {
        let mut best: Option<Point> = None;
        for point in self.points[..count].iter().filter(|p| p.metric.is_finite() && p.select.is_finite()) {
            if best.is_none_or(|b| objective.select_goal.better(point.select, b.select)) {
                best = Some(*point);
            }
        }
        best.map(|b| b.metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_that_of_the_selected_epoch() {
        let objective = Objective {
            metric: "uar".into(),
            goal: Goal::Maximise,
            select_by: "loss".into(),
            select_goal: Goal::Minimise,
        };
        let mut curve = Curve::default();
        for (epoch, metric, select) in [(4, 0.9, 0.7), (2, 0.5, 0.6), (6, 0.4, 0.6), (8, f64::NAN, 0.1)] {
            curve.add(Point { epoch, metric, select });
        }
        assert_eq!(curve.value(&objective), Some(0.5));
        assert_eq!(curve.value_at(3, &objective), Some(0.5));
        assert_eq!(curve.value_at(9, &objective), None);
        curve.add(Point { epoch: 6, metric: 0.4, select: 0.5 });
        assert_eq!((curve.value(&objective), curve.points.len()), (Some(0.4), 4));
    }
}
