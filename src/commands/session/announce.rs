//! The first lines of a run.

use super::{Session, compute_name};
use crate::config::SelectOn;
use ferrotype_data::task::Task;
use ferrotype_model::Network;
use ferrotype_model::device::Opened;
use ferrotype_ops::Compute;
use ferrotype_training::checkpoint::Checkpoint;
use ferrotype_training::progress::Progress;

impl Session<'_> {
    /// Says what is about to be trained, and what deserves a warning.
    pub(super) fn announce(
        &self,
        task: &Task,
        network: &Network,
        device: &Opened,
        compute: Compute,
        checkpoint: Option<&Checkpoint>,
        progress: &mut dyn Progress,
    ) {
        let f = &task.facts;
        let drawn = if f.synthetic { " (synthetic: drawn faces)" } else { "" };
        progress.note(&format!("run      {}", self.run.path().display()));
        progress.note(&format!(
            "data     {}{drawn}: {} training, {} validation, {} test; {} classes",
            f.path,
            f.sizes[0],
            f.sizes[1],
            f.sizes[2],
            f.classes.len()
        ));
        let count: usize = network.parameters.iter().map(|p| p.shape.iter().product::<usize>()).sum();
        progress.note(&format!("model    {}, {count} parameters", self.experiment.model.name()));
        progress.note(&format!("device   {}, {} kernels", device.name, compute_name(compute)));
        if let Some(c) = checkpoint {
            let (epoch, batch) = (c.meta.epoch + 1, c.meta.batch);
            progress.note(&format!("resumed  at step {} (epoch {epoch}, batch {batch})", c.meta.step));
        }
        if f.dropped > 0 {
            progress.note(&format!("leaks    {} training rows dropped: their pictures are held out", f.dropped));
        } else if f.test_leaks + f.validation_leaks > 0 {
            progress.warn(&format!(
                "{} validation and {} test pictures also stand in training (data.drop_leaks: true removes them there)",
                f.validation_leaks, f.test_leaks
            ));
        }
        if f.test_seen_before > 0 {
            progress.warn(&format!(
                "the weights or teachers that training builds on have seen {} of the {} test pictures: the score is optimistic",
                f.test_seen_before, f.sizes[2]
            ));
        }
        if !f.unknown_origins.is_empty() {
            let names = f.unknown_origins.join(", ");
            progress
                .note(&format!("origins  what {names} was trained on is not known: the test pictures may be among it"));
        }
        if let Some([shared, all]) = f.shared_clips.filter(|[shared, _]| *shared > 0) {
            progress.warn(&format!(
                "{shared} of {all} clips of the test set also stand in training, by other segments: the score is optimistic"
            ));
        }
        if let Some(limit) = self.experiment.data.limit {
            progress.warn(&format!("each set is cut to {limit} rows (data.limit): this is a trial, not a result"));
        }
        if self.experiment.evaluate.select_on == SelectOn::Test || task.is_validation_test() {
            progress.warn("the weights are selected on the test set, as this recipe did: the score is optimistic");
        }
    }
}
