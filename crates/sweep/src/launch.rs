//! What a worker needs to know of a trial's runs: how they are begun, how they stand, how they end.

use std::path::PathBuf;

use anyhow::Result;

use crate::curve::Point;
use crate::space::Values;

/// One seed of one trial.
#[derive(Clone, Debug)]
pub struct Job {
    /// The trial.
    pub trial: usize,
    /// The seed; none for the experiment's own.
    pub seed: Option<u64>,
    /// The trial's values by key.
    pub values: Values,
    /// The run's folder: what is in it already is gone on with.
    pub folder: PathBuf,
}

/// How runs are begun.
pub trait Launcher: Sync {
    /// The epochs that a trial with these values is trained for.
    ///
    /// # Errors
    /// When the values make no experiment: the trial fails with this message.
    fn epochs(&self, values: &Values) -> Result<u64>;

    /// Begins a run, or goes on with what its folder holds.
    ///
    /// # Errors
    /// When it cannot be begun at all, through no fault of its values.
    fn launch(&self, job: &Job) -> Result<Launched>;
}

/// What came of a launch.
pub enum Launched {
    /// It goes.
    Running(Box<dyn Run>),
    /// Another process still works in its folder.
    Busy,
}

/// A run that was begun. Dropped, it ends by itself.
pub trait Run {
    /// How it stands; does not wait.
    ///
    /// # Errors
    /// When the system does not tell.
    fn poll(&mut self) -> Result<RunState>;

    /// All evaluations so far.
    ///
    /// # Errors
    /// When they cannot be read.
    fn points(&mut self) -> Result<Vec<Point>>;

    /// Asks it to save and end.
    fn ask_to_stop(&mut self);

    /// Ends it at once.
    fn kill(&mut self);
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq)]
pub enum RunState {
    /// It goes on.
    Running,
    /// Trained to its end.
    Done,
    /// It saved and ended before its end.
    Interrupted,
    /// It failed.
    Failed {
        /// Why.
        reason: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
}
