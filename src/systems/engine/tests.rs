//! What the account of a run says it took.

use std::time::Duration;

use super::*;
use crate::config::{Experiment, from_yaml_str};
use ferrotype_run::process::processor_seconds;

/// Processor seconds that the data take.
const WORK: f64 = 0.2;
/// The least that each part trains.
const TRAINING: Duration = Duration::from_millis(50);

const EXPERIMENT: &str = "name: slow
device: flex
data: {path: none.h5, source: {synthetic: {count: 40, seed: 1, size: 24}}, split: own, preprocess: {size: 24}}
model: tiny_xception
train: {epochs: 1, batch_size: 8, lr: 1e-3}
";

/// A system whose steps take known times, interrupted after its training or not.
struct Slow {
    experiment: Experiment,
    is_interrupted: bool,
}

impl Training for Slow {
    type Data = ();
    type Fitted = ();
    type Experiment = Experiment;

    fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    fn prepare(&self, _: &mut Workbench<'_>) -> Result<((), Ingredients)> {
        // Work and no waiting, which takes no processor time.
        let before = processor_seconds().unwrap_or_default();
        while processor_seconds().is_some_and(|now| now - before < WORK) {}
        Ok(((), Ingredients::default()))
    }

    fn announce(&self, _: &(), _: &mut Workbench<'_>) {}

    fn fit(&self, _: &mut (), _: &mut Workbench<'_>) -> Result<((), Effort)> {
        std::thread::sleep(TRAINING);
        Ok(((), Effort::default()))
    }

    fn finish(&self, _: (), _: (), work: &mut Workbench<'_>, account: &mut Account<'_>) -> Result<Summary> {
        if self.is_interrupted {
            return Err(work.interrupted("before the results were written"));
        }
        account.close()?;
        Ok(Summary { text: String::new(), json: serde_json::Value::Null })
    }
}

/// What the provenance says after a part of a run.
fn part(run: &RunFolder, is_interrupted: bool) -> Provenance {
    let system = Slow { experiment: from_yaml_str("slow.yaml", EXPERIMENT).unwrap(), is_interrupted };
    let interrupt = Interrupt::default();
    let job = Job {
        run,
        interrupt: &interrupt,
        style: Style::Quiet,
        watcher: None,
        other_kernels: false,
        scope: RunScope::Whole,
        threads: Some(1),
    };
    assert_eq!(train(&system, &job).is_err(), is_interrupted);
    Provenance::load(run)
}

#[test]
fn what_the_data_took_and_what_an_interrupted_part_trained_are_counted() {
    let place = tempfile::tempdir().unwrap();
    let run = RunFolder::create_at(place.path()).unwrap();
    let first = part(&run, true);
    assert!(first.resumed == 0 && first.training_seconds >= TRAINING.as_secs_f64(), "{first:?}");
    let all = part(&run, false);
    assert!(all.resumed == 1 && all.training_seconds >= 2.0 * TRAINING.as_secs_f64(), "{all:?}");
    assert!(all.processor_seconds.is_none_or(|seconds| seconds >= WORK), "{all:?}");
    assert_eq!(all.started, first.started);
}
