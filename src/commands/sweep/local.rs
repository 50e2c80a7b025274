//! A sweep on this machine: some workers in threads, each with one trial's process at a time.

use anyhow::Result;
use ferrotype_sweep::slots::ThisMachine;
use ferrotype_sweep::study::{State, Study};

use super::crew::Crew;
use super::live::Live;
use super::{How, page, show};
use crate::config;
use crate::runner::on_gpus;
use crate::systems;
use crate::systems::pool::cores;
use ferrotype_training::interrupt::{Interrupt, Interrupted};

/// Trains the trials that nobody else has, then writes the report.
///
/// # Errors
/// When it is interrupted, the study cannot be written or shared, or trial after trial fails.
pub fn run(study: &Study, jobs: usize, how: &How, interrupt: &Interrupt) -> Result<()> {
    let crew = Crew::new(study, jobs, cores(), how.devices.as_deref(), &ThisMachine)?;
    prepare_data(study)?;
    let gpus = on_gpus(crew.slots());
    if !how.quiet && !gpus.is_empty() {
        eprintln!("{jobs} trials at a time{gpus}");
    }
    let mut live = Live::new(how.quiet);
    live.skip_ended(&study.snapshot()?);
    crew.work(&|| interrupt.is_asked(), || live.tick(study))?;
    let snapshot = study.snapshot()?;
    live.end(study, &snapshot);
    if interrupt.is_asked() && snapshot.trials.iter().any(|t| t.state == State::Waiting) {
        let folder = study.folder().display();
        return Err(Interrupted(format!(
            "interrupted; every trial is saved. Go on with\n  ferrotype sweep resume {folder}"
        ))
        .into());
    }
    page::write(study, &snapshot)?;
    show::result(study, &snapshot)
}

/// Makes the data file once, rather than in each of the first trials.
///
/// # Errors
/// When its source cannot be read, or it cannot be written.
pub fn prepare_data(study: &Study) -> Result<()> {
    let experiment = config::trial_experiment(study.frozen(), &Default::default())?;
    systems::of(&experiment).prepare_data()
}
