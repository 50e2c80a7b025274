//! Where a result comes from.

use std::collections::BTreeMap;

use anyhow::Result;
use ferrotype_base::energy::watt_hours;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::write_json;
use super::folder::RunFolder;
use super::process::{peak_memory, processor_seconds};
use super::program::command_line;

/// How times are written.
const TIME: &str = "%Y-%m-%d %H:%M:%S %:z";
/// What stands between the values of several runs where they are not all the same.
const AND: &str = " and ";

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
    /// Those of them before the first step, in which stored features or teachers' answers were made; few where they were there.
    #[serde(skip_serializing_if = "is_nothing")]
    pub preparation_seconds: f64,
    /// Seconds from the start of the run, before its data are read or made, to its end (of the last part).
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
    /// Peak memory of the process in bytes (of the last part), where the system tells.
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

    /// What several runs took together, and everything that they were made with, each once; command and experiment are the
    /// first one's.
    pub fn of_all(runs: &[Self]) -> Self {
        Self {
            ferrotype: each_once(runs, |p| &p.ferrotype),
            commit: each_once(runs, |p| &p.commit),
            burn: each_once(runs, |p| &p.burn),
            device: each_once(runs, |p| &p.device),
            processor: each_once(runs, |p| &p.processor),
            system: each_once(runs, |p| &p.system),
            kernels: each_once(runs, |p| &p.kernels),
            data: files_of(runs, |p| &p.data),
            weights: files_of(runs, |p| &p.weights),
            started: runs.iter().map(|p| p.started.clone()).min().unwrap_or_default(),
            finished: runs.iter().map(|p| p.finished.clone()).max().unwrap_or_default(),
            training_seconds: runs.iter().map(|p| p.training_seconds).sum(),
            preparation_seconds: runs.iter().map(|p| p.preparation_seconds).sum(),
            wall_seconds: runs.iter().map(|p| p.wall_seconds).sum(),
            // Of a resumed run it is known of the last part alone, which has no place in a sum of whole runs.
            processor_seconds: runs.iter().map(|p| p.processor_seconds.filter(|_| p.resumed == 0)).sum(),
            energy_joules: Self::energy_of_all(runs),
            peak_memory_bytes: runs.iter().filter_map(|p| p.peak_memory_bytes).max(),
            resumed: runs.iter().map(|p| p.resumed).sum(),
            ..runs.first().cloned().unwrap_or_default()
        }
    }

    /// Joules of several runs together. None where one does not tell or was resumed, of which only the last part is known, and
    /// where two were trained at a time: each counted the whole machine, so a sum would count it twice.
    fn energy_of_all(runs: &[Self]) -> Option<f64> {
        let joules = runs.iter().map(|p| p.energy_joules.filter(|_| p.resumed == 0)).sum::<Option<f64>>()?;
        if runs.len() < 2 {
            return Some(joules);
        }
        let mut times = runs.iter().map(Self::times).collect::<Option<Vec<_>>>()?;
        times.sort_unstable();
        times.windows(2).all(|pair| pair[0][1] <= pair[1][0]).then_some(joules)
    }

    /// Start and end; none where one is not known.
    fn times(&self) -> Option<[Timestamp; 2]> {
        let read = |text: &str| Timestamp::strptime(TIME, text).ok();
        Some([read(&self.started)?, read(&self.finished)?])
    }

    /// What computed: the processor, the threads and the kernels.
    pub fn machine(&self) -> String {
        format!("{}, {} threads, {}", self.processor, self.threads, self.kernels)
    }

    /// The commits of the builds that made it: several of folds that were not all made by one.
    pub fn builds(&self) -> impl Iterator<Item = &str> {
        parts(&self.commit)
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

    /// Names and values for the report, in reading order. What is known of a resumed run's last part alone says so: it stands
    /// beside the training time of all parts.
    pub fn rows(&self) -> Vec<(String, String)> {
        let of_part = |name: &str| if self.resumed > 0 { format!("{name} (last part)") } else { name.to_owned() };
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
        let of_them = match self.preparation_seconds {
            seconds if seconds >= 0.05 => format!(", {seconds:.1} s of them for stored features or teachers' answers"),
            _ => String::new(),
        };
        rows.push(("Training time".to_owned(), format!("{:.1} s{of_them}", self.training_seconds)));
        if let Some(seconds) = self.processor_seconds {
            rows.push((of_part("Processor time"), format!("{seconds:.1} s")));
        }
        if let Some(joules) = self.energy_joules {
            rows.push((of_part("Energy of the machine's processors"), watt_hours(joules)));
        }
        if let Some(bytes) = self.peak_memory_bytes {
            rows.push((of_part("Peak memory"), format!("{:.0} MB", bytes as f64 / 1e6)));
        }
        rows.push(("Resumed".to_owned(), format!("{} times", self.resumed)));
        rows
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_nothing(seconds: &f64) -> bool {
    *seconds == 0.0
}

/// The time, as provenance has it.
pub fn now() -> String {
    jiff::Zoned::now().strftime(TIME).to_string()
}

/// sha256 of the data that a run was made of, by what its folder says, whatever the system; none where it does not say it, several
/// of folds that were not all made of the same.
pub fn data_sha256(run: &RunFolder) -> Vec<String> {
    let facts: Option<Value> =
        std::fs::read_to_string(run.facts()).ok().and_then(|text| serde_json::from_str(&text).ok());
    let said = facts.as_ref().and_then(|facts| facts["sha256"].as_str()).unwrap_or_default();
    let all: Vec<String> = parts(said).map(str::to_owned).collect();
    if !all.is_empty() {
        return all;
    }
    Provenance::load(run).data.values().flat_map(|sha| parts(sha)).map(str::to_owned).collect()
}

/// Several values as one, which [`data_sha256`] and [`Provenance::builds`] take apart again.
pub fn in_one<'v>(values: impl IntoIterator<Item = &'v str>) -> String {
    let mut all: Vec<&str> = Vec::new();
    for value in values.into_iter().flat_map(parts) {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all.join(AND)
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(AND).filter(|part| !part.is_empty())
}

fn each_once(runs: &[Provenance], of: fn(&Provenance) -> &String) -> String {
    in_one(runs.iter().map(|p| of(p).as_str()))
}

/// Files of all runs with their sha256; of one that was replaced meanwhile, all that it had.
fn files_of(runs: &[Provenance], of: fn(&Provenance) -> &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (file, sha) in runs.iter().flat_map(of) {
        all.entry(file.clone()).or_default().push(sha);
    }
    all.into_iter().map(|(file, sums)| (file, in_one(sums))).collect()
}

/// The processor's name as the system tells it.
pub fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name").and_then(|r| r.split_once(':')));
    model.map_or_else(|| "unknown processor".into(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a resumed run only the training time is that of all parts.
    #[test]
    fn figures_of_the_last_part_are_called_so() {
        let whole = Provenance {
            training_seconds: 100.0,
            processor_seconds: Some(20.0),
            energy_joules: Some(3600.0),
            peak_memory_bytes: Some(5_000_000),
            ..Provenance::default()
        };
        let names = |p: &Provenance| -> Vec<String> {
            let rows = p.rows().into_iter().map(|(name, _)| name);
            rows.filter(|name| name.contains("time") || name.contains("Energy") || name.contains("memory")).collect()
        };
        let plain = ["Training time", "Processor time", "Energy of the machine's processors", "Peak memory"];
        assert_eq!(names(&whole), plain);
        let resumed = Provenance { resumed: 1, ..whole };
        let [training, rest @ ..] = plain;
        let parts = rest.map(|name| format!("{name} (last part)"));
        assert_eq!(names(&resumed), [vec![training.to_owned()], parts.to_vec()].concat());
    }

    fn made(started: &str, finished: &str, joules: f64) -> Provenance {
        Provenance {
            commit: "abc".into(),
            device: "flex".into(),
            data: BTreeMap::from([("a.h5".to_owned(), "1f".to_owned())]),
            started: format!("2026-01-01 {started} +01:00"),
            finished: format!("2026-01-01 {finished} +01:00"),
            energy_joules: Some(joules),
            ..Provenance::default()
        }
    }

    #[test]
    fn energy_is_summed_over_runs_that_were_trained_one_after_another() {
        let (first, second) = (made("10:00:00", "10:05:00", 30.0), made("10:05:00", "10:07:00", 12.0));
        // In whatever order they are named.
        assert_eq!(Provenance::energy_of_all(&[second.clone(), first.clone()]), Some(42.0));
        let beside = made("10:04:59", "10:06:00", 12.0);
        assert_eq!(Provenance::of_all(&[first.clone(), beside]).energy_joules, None);
        let resumed = Provenance { resumed: 1, processor_seconds: Some(1.0), ..second.clone() };
        let whole = Provenance { processor_seconds: Some(2.0), ..first.clone() };
        assert_eq!(Provenance::of_all(&[whole.clone(), resumed.clone()]).processor_seconds, None);
        assert_eq!(Provenance::of_all(&[whole.clone(), whole]).processor_seconds, Some(4.0));
        assert_eq!(Provenance::energy_of_all(&[first.clone(), resumed]), None);
        let silent = Provenance { energy_joules: None, ..second.clone() };
        assert_eq!(Provenance::energy_of_all(&[first.clone(), silent]), None);
        let undated = Provenance { finished: String::new(), ..second };
        assert_eq!(Provenance::energy_of_all(&[first.clone(), undated]), None);
        assert_eq!(Provenance::energy_of_all(&[Provenance { finished: String::new(), ..first }]), Some(30.0));
    }

    #[test]
    fn what_several_runs_were_made_with_is_named_once_each() {
        let first = made("10:00:00", "10:05:00", 1.0);
        let mut other = Provenance { commit: "def".into(), device: "cuda:0".into(), ..first.clone() };
        other.data.insert("a.h5".into(), "2e".into());
        let all = Provenance::of_all(&[first.clone(), other, first.clone()]);
        assert_eq!(
            (all.commit.as_str(), all.device.as_str(), all.data["a.h5"].as_str()),
            ("abc and def", "flex and cuda:0", "1f and 2e")
        );
        assert_eq!(all.builds().collect::<Vec<_>>(), ["abc", "def"]);
        // A group of such groups.
        assert_eq!(Provenance::of_all(&[first, all]).commit, "abc and def");
    }

    #[test]
    fn the_folder_says_what_data_its_run_was_made_of() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create_at(folder.path()).unwrap();
        assert!(data_sha256(&run).is_empty());
        made("10:00:00", "10:05:00", 1.0).save(&run).unwrap();
        assert_eq!(data_sha256(&run), ["1f"]);
        std::fs::write(run.facts(), format!("{{\"sha256\": \"{}\"}}", in_one(["2e", "3d", "2e"]))).unwrap();
        assert_eq!(data_sha256(&run), ["2e", "3d"]);
    }
}
