//! The first lines of a run.

use super::{Data, Session};
use ferrotype_base::targets::Head;

use crate::config::SelectOn;
use crate::systems::engine::Workbench;

impl Session<'_> {
    /// Says what is about to be trained, and what deserves a warning.
    pub(super) fn first_lines(&self, data: &Data, work: &mut Workbench<'_>) {
        let device = work.device_line();
        let (progress, f) = (work.progress.as_mut(), &data.task.facts);
        let drawn = if f.synthetic { " (synthetic faces)" } else { "" };
        progress.note(&format!("run      {}", self.job.run.path().display()));
        let targets = match data.task.heads() {
            [] => format!("{} classes", f.classes.len()),
            heads => {
                let head = |h: &Head| format!("{} ({} of {})", h.name, h.columns.len(), h.kind.describe());
                format!("heads {}", heads.iter().map(head).collect::<Vec<_>>().join(", "))
            }
        };
        let [train, validation, test] = f.sizes;
        progress.note(&format!(
            "data     {}{drawn}: {train} training, {validation} validation, {test} test; {targets}",
            f.path
        ));
        let count: usize = data.network.parameters.iter().map(|p| p.shape.iter().product::<usize>()).sum();
        progress.note(&format!("model    {}, {count} parameters", self.experiment.model.name()));
        progress.note(&device);
        if let Some(c) = &data.checkpoint {
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
        if self.experiment.evaluate.select_on == SelectOn::Test || data.task.is_validation_test() {
            progress.warn("the weights are selected on the test set, as this recipe did: the score is optimistic");
        }
    }
}
