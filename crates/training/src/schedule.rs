//! Learning-rate schedules. A rate is a function of the step alone, but for reduce-on-plateau, whose memory is saved.
//!
//! A new schedule is one file with a [`Schedule`], one variant of `ScheduleOptions` and one line in [`build`].

mod cosine;
mod cosine_restarts;
mod inverse_time;
mod one_cycle;
mod plateau;
mod steps;

use serde::{Deserialize, Serialize};

use super::options::ScheduleOptions;

/// Where training stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Optimizer steps done before this one.
    pub step: u64,
    /// Optimizer steps per epoch.
    pub per_epoch: u64,
    /// Optimizer steps in all.
    pub total: u64,
}

impl Place {
    /// Epochs done, as a fraction.
    pub fn epochs(self) -> f64 {
        self.step as f64 / self.per_epoch.max(1) as f64
    }
}

/// How the learning rate changes.
pub trait Schedule: Send {
    /// The factor on the base learning rate at a place.
    fn factor(&self, place: Place) -> f64;

    /// Is told the watched metric after each evaluation, and whether higher is better.
    fn observe(&mut self, _value: f64, _higher_is_better: bool) {}

    /// The metric that is watched, if any.
    fn watches(&self) -> Option<&str> {
        None
    }

    /// What must be saved to resume.
    fn memory(&self) -> Memory {
        Memory::default()
    }

    /// Takes back what [`Schedule::memory`] gave.
    fn restore(&mut self, _memory: &Memory) {}
}

/// What a schedule remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The factor reached.
    pub factor: Option<f64>,
    /// Best value seen.
    pub best: Option<f64>,
    /// Evaluations since.
    pub waited: usize,
}

/// The schedule with these options. `base_lr` is needed where a smallest rate is given in absolute terms.
pub fn build(options: &ScheduleOptions, base_lr: f64) -> Box<dyn Schedule> {
    match options {
        ScheduleOptions::Constant => Box::new(steps::Constant),
        ScheduleOptions::Step(o) => Box::new(steps::Step(o.clone())),
        ScheduleOptions::MultiStep(o) => Box::new(steps::MultiStep(o.clone())),
        ScheduleOptions::Cosine(o) => Box::new(cosine::Cosine(o.clone())),
        ScheduleOptions::CosineRestarts(o) => Box::new(cosine_restarts::CosineRestarts(o.clone())),
        ScheduleOptions::OneCycle(o) => Box::new(one_cycle::OneCycle(o.clone())),
        ScheduleOptions::InverseTime(o) => Box::new(inverse_time::InverseTime(o.clone())),
        ScheduleOptions::ReduceOnPlateau(o) => Box::new(plateau::Plateau::new(o.clone(), base_lr)),
    }
}

#[cfg(test)]
pub(crate) fn place(step: u64, per_epoch: u64, total: u64) -> Place {
    Place { step, per_epoch, total }
}
