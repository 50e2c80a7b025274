//! Who works on which trial, decided by names that can only be made once.
//!
//! - `claims/00007.1` is made by the first worker that takes up trial 7, `claims/00007.2` by the one that takes it over,
//!   and so on: the highest generation is its owner.
//! - `claims/00007.2.released` is made by an owner that gives the trial back.
//! - `claims/00007.end` is made once, by the owner that saw the trial's end, and says how it ended.
//!
//! Each is written under a name of its own and then linked: link(2) is atomic on NFS too, where exclusive creation was
//! not always, and the name never stands without its content.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_base::files::{explain, unique, write_atomic};
use serde::{Deserialize, Serialize};

use super::journal::Line;
use crate::space::Values;

/// What a claim says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The trial.
    pub trial: usize,
    /// 1 for the first owner, one more for each that takes it over.
    pub generation: u64,
    /// The owner.
    pub worker: String,
    /// The trial's values, chosen by its first owner.
    pub values: Values,
    /// Milliseconds since 1970 by the owner's clock.
    pub time: u64,
}

/// The names there are for one trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClaimState {
    /// The highest generation; 0 where nobody took it up.
    pub generation: u64,
    /// The highest generation that was given back.
    pub released: u64,
    /// Whether it has ended.
    pub ended: bool,
}

/// The folder of claims.
#[derive(Clone, Debug)]
pub struct Claims {
    folder: PathBuf,
}

impl Claims {
    /// Those in a folder that exists.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, trial: usize, rest: &str) -> PathBuf {
        self.folder.join(format!("{trial:05}.{rest}"))
    }

    /// How all trials stand that somebody has taken up.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<BTreeMap<usize, ClaimState>> {
        let entries = fs::read_dir(&self.folder).with_context(|| format!("cannot list {}", self.folder.display()))?;
        let mut all: BTreeMap<usize, ClaimState> = BTreeMap::new();
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", self.folder.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let parts: Vec<&str> = name.split('.').collect();
            let Some(trial) = parts[0].parse::<usize>().ok() else { continue };
            let state = all.entry(trial).or_default();
            match (parts.get(1).map(|p| p.parse::<u64>()), parts.get(2)) {
                (Some(Ok(generation)), None) => state.generation = state.generation.max(generation),
                (Some(Ok(generation)), Some(&"released")) => state.released = state.released.max(generation),
                (Some(Err(_)), None) if parts[1] == "end" => state.ended = true,
                _ => {}
            }
        }
        Ok(all)
    }

    /// Makes a claim; false where another worker was faster.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn take(&self, claim: &Claim) -> Result<bool> {
        make_once(&self.path(claim.trial, &claim.generation.to_string()), &serde_json::to_vec(claim)?)
    }

    /// The claim of a generation.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, trial: usize, generation: u64) -> Result<Claim> {
        let path = self.path(trial, &generation.to_string());
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is not a claim", path.display()))
    }

    /// Whether nobody took the trial over from this claim's owner.
    pub fn holds(&self, claim: &Claim) -> bool {
        !self.path(claim.trial, &(claim.generation + 1).to_string()).exists()
    }

    /// Gives a trial back.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn release(&self, claim: &Claim) -> Result<()> {
        make_once(&self.path(claim.trial, &format!("{}.released", claim.generation)), b"").map(drop)
    }

    /// Records a trial's end; false where it has ended before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(&self, trial: usize, line: &Line) -> Result<bool> {
        make_once(&self.path(trial, "end"), &serde_json::to_vec(line)?)
    }

    /// Makes a trial that has ended free again: its end is kept under another name.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn reopen(&self, trial: usize, generation: u64) -> Result<()> {
        let (end, kept) = (self.path(trial, "end"), self.path(trial, &format!("ended-{generation}")));
        // Released first: between the two the trial still has its end.
        make_once(&self.path(trial, &format!("{generation}.released")), b"")?;
        fs::rename(&end, &kept).map_err(|e| explain(&kept, &e))
    }

    /// How a trial ended.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn read_end(&self, trial: usize) -> Result<Line> {
        let path = self.path(trial, "end");
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} does not say how a trial ended", path.display()))
    }
}

/// Makes a file that appears whole, if there is none of that name; whether it did.
fn make_once(path: &Path, bytes: &[u8]) -> Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let own = folder.join(format!(".{:016x}", unique()));
    write_atomic(&own, bytes)?;
    let linked = fs::hard_link(&own, path);
    // The answer of an NFS server can be lost although it made the link: the count of links tells.
    let made = linked.is_ok() || links(&own) == Some(2);
    let _ = fs::remove_file(&own);
    match linked {
        _ if made => Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) if e.kind() == ErrorKind::Unsupported || e.kind() == ErrorKind::PermissionDenied => {
            Err(no_links(path, &e))
        }
        Err(e) => Err(explain(path, &e)),
        Ok(()) => Ok(true),
    }
}

fn no_links(path: &Path, cause: &io::Error) -> anyhow::Error {
    anyhow::anyhow!(
        "cannot link {}: {cause}; workers share a study by hard links, which this file system does not allow: choose a \
         folder on another one",
        path.display()
    )
}

#[cfg(unix)]
fn links(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|m| m.nlink())
}

#[cfg(not(unix))]
fn links(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::journal::{Event, Outcome};

    fn claim(trial: usize, generation: u64, worker: &str) -> Claim {
        Claim { trial, generation, worker: worker.into(), values: Values::new(), time: 0 }
    }

    #[test]
    fn of_many_one_gets_each_claim() {
        let folder = tempfile::tempdir().unwrap();
        let claims = Claims::at(folder.path().to_path_buf());
        let taken: Vec<Vec<usize>> = std::thread::scope(|scope| {
            let one = |w: usize| {
                let claims = &claims;
                scope.spawn(move || {
                    (0..40).filter(|&t| claims.take(&claim(t, 1, &format!("w{w}"))).unwrap()).collect::<Vec<_>>()
                })
            };
            let threads: Vec<_> = (0..4).map(one).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let mut all = taken.concat();
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<_>>());
        for (w, trials) in taken.iter().enumerate() {
            trials.iter().for_each(|&t| assert_eq!(claims.read(t, 1).unwrap().worker, format!("w{w}")));
        }
        assert!(fs::read_dir(folder.path()).unwrap().count() == 40, "temporary names are left");
    }

    #[test]
    fn a_trial_is_taken_over_given_back_and_ended_once() {
        let folder = tempfile::tempdir().unwrap();
        let claims = Claims::at(folder.path().to_path_buf());
        let (first, second) = (claim(7, 1, "a"), claim(7, 2, "b"));
        assert!(claims.take(&first).unwrap() && claims.holds(&first));
        assert!(claims.take(&second).unwrap() && !claims.holds(&first) && claims.holds(&second));
        assert!(!claims.take(&claim(7, 2, "c")).unwrap());
        claims.release(&second).unwrap();
        let end = |worker| {
            let outcome = Outcome::Finished { value: 0.5, seeds: vec![0.5] };
            Line::now(worker, Event::Ended { trial: 7, generation: 2, outcome })
        };
        assert_eq!(claims.list().unwrap()[&7], ClaimState { generation: 2, released: 2, ended: false });
        assert!(claims.end(7, &end("b")).unwrap() && !claims.end(7, &end("a")).unwrap());
        assert_eq!(claims.read_end(7).unwrap().worker, "b");
        assert!(claims.list().unwrap()[&7].ended);
        claims.reopen(7, 2).unwrap();
        assert_eq!(claims.list().unwrap()[&7], ClaimState { generation: 2, released: 2, ended: false });
        assert!(claims.end(7, &end("c")).unwrap());
    }
}
