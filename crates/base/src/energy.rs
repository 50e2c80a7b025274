//! The energy that a machine's processors take, where the system tells it (Linux, powercap: Intel's and AMD's RAPL counters, which
//! administrators alone may read on most machines).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Where Linux keeps the counters.
const POWERCAP: &str = "/sys/class/powercap";
/// Counters begin anew after some ten minutes at full power; they are read more often than that.
const EVERY: Duration = Duration::from_secs(60);

/// Counts the energy of all processor packages from its making on, in a thread of its own: of the whole machine, whatever else it
/// does, without memory, disks and graphics cards.
#[derive(Debug)]
pub struct EnergyMeter {
    stop: Sender<()>,
    thread: JoinHandle<f64>,
}

impl EnergyMeter {
    /// Begins to count; none where the machine tells nothing.
    pub fn start() -> Option<Self> {
        Self::start_at(Path::new(POWERCAP), EVERY)
    }

    fn start_at(root: &Path, every: Duration) -> Option<Self> {
        let counters = packages(root);
        if counters.is_empty() {
            return None;
        }
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("energy".into());
        let thread = thread.spawn(move || count(counters, &stopped, every)).ok()?;
        Some(Self { stop, thread })
    }

    /// Ends counting; gives the energy in joules.
    pub fn finish(self) -> Option<f64> {
        drop(self.stop);
        self.thread.join().ok()
    }
}

/// Joules as people read them: `12.3 Wh`.
pub fn watt_hours(joules: f64) -> String {
    format!("{:.1} Wh", joules / 3600.0)
}

/// A package's counter.
struct Counter {
    file: PathBuf,
    /// Where it begins anew, in microjoules.
    range: u64,
    last: u64,
    joules: f64,
}

impl Counter {
    fn open(folder: &Path) -> Option<Self> {
        let file = folder.join("energy_uj");
        let last = number(&file)?;
        Some(Self { file, range: number(&folder.join("max_energy_range_uj"))?, last, joules: 0.0 })
    }

    fn read(&mut self) {
        let Some(now) = number(&self.file) else { return };
        let spent = if now >= self.last { now - self.last } else { (self.range - self.last.min(self.range)) + now };
        self.joules += spent as f64 * 1e-6;
        self.last = now;
    }
}

/// The counters of whole packages, `intel-rapl:0` and so on (AMD's have that name, too); those of their parts (`intel-rapl:0:0`) are
/// in them.
fn packages(root: &Path) -> Vec<Counter> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let is_package = |name: &str| {
        name.strip_prefix("intel-rapl:")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    entries.filter(|e| is_package(&e.file_name().to_string_lossy())).filter_map(|e| Counter::open(&e.path())).collect()
}

fn count(mut counters: Vec<Counter>, stopped: &Receiver<()>, every: Duration) -> f64 {
    loop {
        let ended = stopped.recv_timeout(every) != Err(RecvTimeoutError::Timeout);
        counters.iter_mut().for_each(Counter::read);
        if ended {
            return counters.iter().map(|c| c.joules).sum();
        }
    }
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_added_up_over_the_counters_end() {
        let root = tempfile::tempdir().unwrap();
        let set = |zone: &str, energy: u64| {
            let folder = root.path().join(zone);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("max_energy_range_uj"), "100000000\n").unwrap();
            fs::write(folder.join("energy_uj"), format!("{energy}\n")).unwrap();
        };
        assert!(EnergyMeter::start_at(root.path(), EVERY).is_none());
        set("intel-rapl:0", 90_000_000);
        set("intel-rapl:1", 5_000_000);
        set("intel-rapl:0:0", 1);
        let mut counters = packages(root.path());
        assert_eq!(counters.len(), 2);
        for (first, second) in [(98_000_000, 6_000_000), (3_000_000, 6_500_000)] {
            set("intel-rapl:0", first);
            set("intel-rapl:1", second);
            set("intel-rapl:0:0", 50_000_000);
            counters.iter_mut().for_each(Counter::read);
        }
        let joules: f64 = counters.iter().map(|c| c.joules).sum();
        assert!((joules - 14.5).abs() < 1e-9, "{joules}");
        let meter = EnergyMeter::start_at(root.path(), Duration::from_millis(5)).unwrap();
        set("intel-rapl:1", 9_500_000);
        assert!((meter.finish().unwrap() - 3.0).abs() < 1e-9);
    }

    /// A counter that only administrators may read tells nothing.
    #[test]
    fn without_a_counter_that_can_be_read_there_is_no_meter() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("intel-rapl:0")).unwrap();
        assert!(EnergyMeter::start_at(root.path(), EVERY).is_none());
    }
}
