//! Where a result comes from.

use std::collections::BTreeMap;

use anyhow::Result;
use ferrotype_base::energy::watt_hours;
use serde::{Deserialize, Serialize};

use super::files::write_json;
use super::folder::RunFolder;
use super::process::{peak_memory, processor_seconds};
use super::program::command_line;

/// What a run was made with, and what it took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// Ferrotype's version.
    pub ferrotype: String,
    /// The commit that Ferrotype was built from, if known.
    pub commit: String,
    /// Burn's version.
    pub burn: String,
    /// The command line.
    pub command: String,
    /// The device that computed.
    pub device: String,
    /// Processor.
    pub processor: String,
    /// CPU threads used.
    pub threads: usize,
    /// Operating system.
    pub system: String,
    /// The kernels that computed: `native avx512`, `burn`, ...
    pub kernels: String,
    /// The prepared data file and its sha256.
    pub data: BTreeMap<String, String>,
    /// Files of weights and their sha256: those that training builds on (began with, teachers), or the published ones
    /// that an imported run was made of.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, String>,
    /// sha256 of the resolved experiment.
    pub experiment_sha256: String,
    /// Start, in local time.
    pub started: String,
    /// End, in local time.
    pub finished: String,
    /// Seconds of training, validation included, over all parts of an interrupted run.
    pub training_seconds: f64,
    /// Seconds from the start of the command to its end (of the last part).
    pub wall_seconds: f64,
    /// Processor time of all threads from the start of the run to its end (of the last part), where the system tells
    /// it: what the run took, whatever else the machine did meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_seconds: Option<f64>,
    /// Energy that the machine's processors took from the start of the run to its end (of the last part), in joules, where the
    /// system tells it: of all that the machine did meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_joules: Option<f64>,
    /// What the process had used before this run began.
    #[serde(skip)]
    processor_before: Option<f64>,
    /// Peak memory of the process in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// How often the run was resumed.
    pub resumed: usize,
}

impl Provenance {
    /// What can be known at the start. The commit is the program's, which alone knows what it was built from.
    pub fn begin(commit: &str, device: &str, kernels: &str, threads: usize) -> Self {
        Self {
            ferrotype: env!("CARGO_PKG_VERSION").into(),
            commit: commit.into(),
            burn: "0.22.1".into(),
            command: command_line(),
            device: device.into(),
            processor: processor(),
            threads,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernels: kernels.into(),
            started: now(),
            processor_before: processor_seconds(),
            ..Self::default()
        }
    }

    /// What several runs took together, and the rest as the first says it.
    pub fn of_all(runs: &[Self]) -> Self {
        Self {
            started: runs.iter().map(|p| p.started.clone()).min().unwrap_or_default(),
            finished: runs.iter().map(|p| p.finished.clone()).max().unwrap_or_default(),
            training_seconds: runs.iter().map(|p| p.training_seconds).sum(),
            wall_seconds: runs.iter().map(|p| p.wall_seconds).sum(),
            processor_seconds: runs.iter().map(|p| p.processor_seconds).sum(),
            energy_joules: runs.iter().map(|p| p.energy_joules).sum(),
            peak_memory_bytes: runs.iter().filter_map(|p| p.peak_memory_bytes).max(),
            resumed: runs.iter().map(|p| p.resumed).sum(),
            ..runs.first().cloned().unwrap_or_default()
        }
    }

    /// Adds what is known at the end.
    pub fn finish(&mut self, wall_seconds: f64) {
        self.finished = now();
        self.wall_seconds = wall_seconds;
        self.processor_seconds =
            self.processor_before.zip(processor_seconds()).map(|(before, now)| (now - before).max(0.0));
        self.peak_memory_bytes = peak_memory();
    }

    /// Writes `provenance.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, run: &RunFolder) -> Result<()> {
        write_json(run.provenance(), self)
    }

    /// Reads `provenance.json`; a missing or older file gives what it can.
    pub fn load(run: &RunFolder) -> Self {
        let text = std::fs::read_to_string(run.provenance()).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Names and values for the report, in reading order.
    pub fn rows(&self) -> Vec<(String, String)> {
        let mut rows = vec![
            ("Ferrotype".to_owned(), format!("{} (commit {})", self.ferrotype, self.commit)),
            ("Burn".to_owned(), self.burn.clone()),
            ("Command".to_owned(), self.command.clone()),
            ("Device".to_owned(), format!("{} ({}, {} threads)", self.device, self.processor, self.threads)),
            ("Kernels".to_owned(), self.kernels.clone()),
            ("System".to_owned(), self.system.clone()),
        ];
        rows.extend(self.data.iter().map(|(path, sha)| ("Data".to_owned(), format!("{path}, sha256 {sha}"))));
        rows.extend(self.weights.iter().map(|(file, sha)| ("Weights".to_owned(), format!("{file}, sha256 {sha}"))));
        rows.push(("Experiment sha256".to_owned(), self.experiment_sha256.clone()));
        rows.push(("Started, finished".to_owned(), format!("{} / {}", self.started, self.finished)));
        rows.push(("Training time".to_owned(), format!("{:.1} s", self.training_seconds)));
        if let Some(seconds) = self.processor_seconds {
            rows.push(("Processor time".to_owned(), format!("{seconds:.1} s")));
        }
        if let Some(joules) = self.energy_joules {
            rows.push(("Energy of the machine's processors".to_owned(), watt_hours(joules)));
        }
        if let Some(bytes) = self.peak_memory_bytes {
            rows.push(("Peak memory".to_owned(), format!("{:.0} MB", bytes as f64 / 1e6)));
        }
        rows.push(("Resumed".to_owned(), format!("{} times", self.resumed)));
        rows
    }
}

/// The time, as provenance has it.
pub fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// The processor's name as the system tells it.
pub fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name").and_then(|r| r.split_once(':')));
    model.map_or_else(|| "unknown processor".into(), |(_, name)| name.trim().to_owned())
}
