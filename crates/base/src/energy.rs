//! The energy that a machine's processors take, where the system tells it (Linux, powercap: Intel's and AMD's RAPL counters, which
//! administrators alone may read on most machines).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// Where Linux keeps the counters.
const POWERCAP: &str = "/sys/class/powercap";
/// Counters begin anew after some ten minutes at full power; they are read more often than that.
const EVERY: Duration = Duration::from_secs(60);
/// More watts than a package takes: how soon its counter may begin anew follows from them.
const LARGEST_POWER: f64 = 600.0;

/// Counts the energy of all processor packages from its making on, in a thread of its own: of the whole machine, whatever else it
/// does, without memory, disks and graphics cards.
#[derive(Debug)]
pub struct EnergyMeter {
    stop: Sender<()>,
    thread: JoinHandle<Option<f64>>,
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

    /// Ends counting; gives the energy in joules. None where the process or the machine stood still for so long that a counter may
    /// have begun anew unseen.
    pub fn finish(self) -> Option<f64> {
        drop(self.stop);
        self.thread.join().ok().flatten()
    }
}

/// Joules as people read them: `12.3 Wh`.
pub fn watt_hours(joules: f64) -> String {
    format!("{:.1} Wh", joules / 3600.0)
}

/// A time by two clocks: one stands still while the machine is suspended, the other may be set.
#[derive(Clone, Copy, Debug)]
struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Moment {
    fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// Seconds by the clock that says more.
    fn seconds_since(self, before: Self) -> f64 {
        let wall = self.wall.duration_since(before.wall).unwrap_or_default();
        self.steady.saturating_duration_since(before.steady).max(wall).as_secs_f64()
    }
}

/// A package's counter.
struct Counter {
    file: PathBuf,
    /// Where it begins anew, in microjoules.
    range: u64,
    last: u64,
    last_read: Moment,
    /// None once it may have begun anew unseen.
    joules: Option<f64>,
}

impl Counter {
    fn open(folder: &Path) -> Option<Self> {
        let file = folder.join("energy_uj");
        let last = number(&file)?;
        let range = number(&folder.join("max_energy_range_uj"))?;
        Some(Self { file, range, last, last_read: Moment::now(), joules: Some(0.0) })
    }

    fn read(&mut self, at: Moment) {
        let Some(now) = number(&self.file) else { return };
        let spent = if now >= self.last { now - self.last } else { (self.range - self.last.min(self.range)) + now };
        // After a longer time nobody knows how often it began anew.
        let is_sure = at.seconds_since(self.last_read) * LARGEST_POWER < self.range as f64 * 1e-6;
        self.joules = self.joules.filter(|_| is_sure).map(|joules| joules + spent as f64 * 1e-6);
        (self.last, self.last_read) = (now, at);
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

fn count(mut counters: Vec<Counter>, stopped: &Receiver<()>, every: Duration) -> Option<f64> {
    loop {
        let ended = stopped.recv_timeout(every) != Err(RecvTimeoutError::Timeout);
        let now = Moment::now();
        counters.iter_mut().for_each(|counter| counter.read(now));
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

    fn set(root: &Path, zone: &str, energy: u64) {
        let folder = root.join(zone);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("max_energy_range_uj"), "262143000000\n").unwrap();
        fs::write(folder.join("energy_uj"), format!("{energy}\n")).unwrap();
    }

    fn joules(counters: &[Counter]) -> Option<f64> {
        counters.iter().map(|c| c.joules).sum()
    }

    #[test]
    fn packages_are_added_up_over_the_counters_end() {
        let root = tempfile::tempdir().unwrap();
        let set = |zone: &str, energy: u64| set(root.path(), zone, energy);
        assert!(EnergyMeter::start_at(root.path(), EVERY).is_none());
        set("intel-rapl:0", 262_133_000_000);
        set("intel-rapl:1", 5_000_000);
        set("intel-rapl:0:0", 1);
        let mut counters = packages(root.path());
        assert_eq!(counters.len(), 2);
        for (first, second) in [(262_141_000_000, 6_000_000), (3_000_000, 6_500_000)] {
            set("intel-rapl:0", first);
            set("intel-rapl:1", second);
            set("intel-rapl:0:0", 50_000_000);
            let now = Moment::now();
            counters.iter_mut().for_each(|counter| counter.read(now));
        }
        let joules = joules(&counters).unwrap();
        assert!((joules - 14.5).abs() < 1e-9, "{joules}");
        let meter = EnergyMeter::start_at(root.path(), Duration::from_millis(5)).unwrap();
        set("intel-rapl:1", 9_500_000);
        assert!((meter.finish().unwrap() - 3.0).abs() < 1e-9);
    }

    /// At 600 W the counter's 262,143 J last 437 seconds.
    #[test]
    fn a_counter_that_may_have_begun_anew_unseen_tells_nothing() {
        let root = tempfile::tempdir().unwrap();
        set(root.path(), "intel-rapl:0", 1_000_000);
        let (minutes, hour) = (Duration::from_secs(400), Duration::from_secs(3600));
        for (by_steady, by_wall, is_known) in
            [(minutes, minutes, true), (hour, hour, false), (Duration::ZERO, hour, false)]
        {
            set(root.path(), "intel-rapl:0", 1_000_000);
            let mut counters = packages(root.path());
            set(root.path(), "intel-rapl:0", 3_000_000);
            let before = counters[0].last_read;
            let at = Moment { steady: before.steady + by_steady, wall: before.wall + by_wall };
            counters[0].read(at);
            assert_eq!(joules(&counters).is_some(), is_known, "{by_steady:?}, {by_wall:?}");
            // What was missed once stays missing.
            counters[0].read(at);
            assert_eq!(joules(&counters).is_some(), is_known);
        }
    }

    /// A counter that only administrators may read tells nothing.
    #[test]
    fn without_a_counter_that_can_be_read_there_is_no_meter() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("intel-rapl:0")).unwrap();
        assert!(EnergyMeter::start_at(root.path(), EVERY).is_none());
    }
}
