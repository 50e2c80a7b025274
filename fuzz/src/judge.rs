//! What counts as a finding: a panic, more than a second, more than half a GiB.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ferrotype::bench::{peak_mib, reset_peak};
use ferrotype_base::digest;

use crate::targets::{Place, Target};

/// Longer is slow.
const SLOW: Duration = Duration::from_secs(1);
/// More memory, in MiB, is a lot: examples have some kB.
const LARGE: f64 = 512.0;
/// Inputs with one and the same fault that are kept.
const KEPT: usize = 3;

/// Hands inputs over and collects what went wrong.
pub struct Judge<'a> {
    target: &'a Target,
    place: &'a Place,
    found: &'a Path,
    faults: BTreeMap<String, usize>,
    /// Message and place of the last panic.
    panic: Arc<Mutex<String>>,
    peak: f64,
    /// Inputs that the parser took in.
    accepted: u64,
}

impl<'a> Judge<'a> {
    /// Findings go into a folder below `found`.
    pub fn new(target: &'a Target, place: &'a Place, found: &'a Path) -> Self {
        let panic = Arc::new(Mutex::new(String::new()));
        let last = Arc::clone(&panic);
        std::panic::set_hook(Box::new(move |info| {
            let at = info.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
            let said = info.payload_as_str().unwrap_or_default();
            *last.lock().unwrap_or_else(PoisonError::into_inner) = format!("panic at {at}: {said}");
        }));
        Self { target, place, found, faults: BTreeMap::new(), panic, peak: peak_mib().unwrap_or(0.0), accepted: 0 }
    }

    /// Hands an input over.
    ///
    /// # Errors
    /// When a finding cannot be kept.
    pub fn hand(&mut self, input: &[u8]) -> Result<()> {
        let seconds = self.time(input)?;
        // Another process may have held the processor: only what is slow again is slow.
        if seconds > SLOW && self.time(input)? > SLOW {
            self.fault("slow", &format!("slow: {:.1} s", seconds.as_secs_f64()), input)?;
        }
        let peak = peak_mib().unwrap_or(0.0);
        if peak > self.peak + LARGE {
            self.fault("large", &format!("large: {:.0} MiB", peak - self.peak), input)?;
            reset_peak();
            self.peak = peak_mib().unwrap_or(0.0);
        } else {
            // Asked once an input: the kernel's answer takes longer than some parsers.
            self.peak = peak;
        }
        Ok(())
    }

    fn time(&mut self, input: &[u8]) -> Result<Duration> {
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.target.parse)(input, self.place)));
        let time = start.elapsed();
        self.accepted += u64::from(matches!(outcome, Ok(true)));
        if outcome.is_err() {
            let said = self.panic.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.fault("panic", &said, input)?;
        }
        Ok(time)
    }

    fn fault(&mut self, kind: &str, said: &str, input: &[u8]) -> Result<()> {
        // Numbers and texts of the message vary; its place does not.
        let place = said.split(": ").next().unwrap_or(said).to_owned();
        let count = self.faults.entry(place).or_default();
        *count += 1;
        if *count <= KEPT {
            let path = keep(self.found, self.target.name, kind, input)?;
            eprintln!("{}: {} on {}", self.target.name, said.chars().take(300).collect::<String>(), path.display());
        }
        Ok(())
    }

    /// Whether any input was taken in.
    pub fn has_accepted(&self) -> bool {
        self.accepted > 0
    }

    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// How many inputs were taken in, and what was found.
    pub fn summary(&self) -> String {
        if self.is_clean() {
            return format!("{} taken in; nothing found", self.accepted);
        }
        let faults = self.faults.iter().map(|(place, count)| format!("{place} ({count} times)"));
        format!("{} taken in; {}", self.accepted, faults.collect::<Vec<_>>().join("; "))
    }
}

/// Keeps an input; gives its file.
///
/// # Errors
/// When it cannot be written.
pub fn keep(found: &Path, target: &str, kind: &str, input: &[u8]) -> Result<PathBuf> {
    let folder = found.join(target);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(format!("{kind}-{}", &digest::sha256(input)[..12]));
    std::fs::write(&path, input).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
