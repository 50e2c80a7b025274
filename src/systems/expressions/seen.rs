//! What the weights of a run see, written down before training begins.

use anyhow::Result;

use super::Session;
use super::exposure;
use ferrotype_data::task::{DatasetSummary, Task};

impl Session<'_> {
    /// Writes down what the run's weights will have seen, and counts the test rows that were seen before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write_seen(&self, task: &mut Task, is_resumed: bool) -> Result<()> {
        if is_resumed && self.job.run.seen().is_file() {
            // The weights that training began with may be gone by now: what was found then holds.
            let before: DatasetSummary = self.job.run.read_json(&self.job.run.facts())?;
            task.facts.test_seen_before = before.test_seen_before;
            task.facts.unknown_origins = before.unknown_origins;
            return Ok(());
        }
        let inherited = exposure::inherited(self.experiment);
        task.facts.test_seen_before = inherited.rows(&task.test).count();
        task.facts.unknown_origins = inherited.unknown.iter().cloned().collect();
        let mut all = exposure::of_training(self.experiment, task);
        all.add(inherited);
        exposure::write(self.job.run, &all)
    }
}
