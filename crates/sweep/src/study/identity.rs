//! Who a worker is, and whether it still lives.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use ferrotype_base::files::{explain, unique, write_atomic};
use serde::{Deserialize, Serialize};

/// What a worker tells of itself in `workers/<id>.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Unique: host, process and a number drawn at its start.
    pub id: String,
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// When the process began, in the system's clock ticks; 0 where the system does not tell.
    pub began: u64,
    /// The running system and the name space in which `pid` holds; empty where the system does not tell.
    pub system: String,
    /// The Slurm job, where there is one: `<array job>_<task>`.
    pub job: Option<String>,
}

impl Identity {
    /// A new worker in this process.
    pub fn new() -> Self {
        let host = host();
        let pid = std::process::id();
        let job = std::env::var("SLURM_ARRAY_JOB_ID")
            .ok()
            .map(|job| format!("{job}_{}", std::env::var("SLURM_ARRAY_TASK_ID").unwrap_or_default()));
        Self {
            id: format!("{host}-{pid}-{:010x}", unique() >> 24),
            host,
            pid,
            began: began(pid).unwrap_or(0),
            system: system(),
            job,
        }
    }

    /// Whether its process lives, where that can be told from here: on the same system.
    fn lives(&self) -> Option<bool> {
        let known = !self.system.is_empty() && self.began > 0 && self.system == system();
        known.then(|| began(self.pid) == Some(self.began))
    }
}

/// Whether a worker is known to be dead: one of this system whose process is gone. Of others only time tells.
pub fn is_gone(folder: &Path, worker: &str) -> bool {
    read(folder, worker).and_then(|i| i.lives()) == Some(false)
}

fn read(folder: &Path, worker: &str) -> Option<Identity> {
    let bytes = fs::read(folder.join(format!("{worker}.json"))).ok()?;
    serde_json::from_slice(&bytes).ok()
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let kept: String =
        name.unwrap_or_default().trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if kept.is_empty() { "host".into() } else { kept.chars().take(40).collect() }
}

/// The boot and the process name space: together they say where a process id means the same process.
fn system() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").map(|p| p.display().to_string()).unwrap_or_default();
    if boot.is_empty() || space.is_empty() { String::new() } else { format!("{} {space}", boot.trim()) }
}

/// When a process began, in clock ticks since the boot; none where there is no such process, or only its remains.
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    let is_dead = matches!(*fields.first()?, "Z" | "X");
    if is_dead { None } else { fields.get(19)?.parse().ok() }
}

/// A worker's sign of life: a file that grows.
#[derive(Debug)]
pub struct Beat {
    path: PathBuf,
    file: File,
    every: Duration,
    last: Instant,
}

impl Beat {
    /// Introduces a worker and begins to beat.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn begin(folder: &Path, identity: &Identity, lease: Duration) -> Result<Self> {
        let path = folder.join(format!("{}.beat", identity.id));
        write_atomic(folder.join(format!("{}.json", identity.id)), &serde_json::to_vec(identity)?)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|e| explain(&path, &e))?;
        let mut beat = Self { path, file, every: lease / 8, last: Instant::now() };
        beat.now()?;
        Ok(beat)
    }

    /// Beats if it is time; true if it was.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn if_due(&mut self) -> Result<bool> {
        if self.last.elapsed() < self.every {
            return Ok(false);
        }
        self.now().map(|()| true)
    }

    fn now(&mut self) -> Result<()> {
        self.last = Instant::now();
        // A machine that keeps what is written for a while, as clients of NFS do, would be taken for dead.
        self.file.write_all(b".").and_then(|()| self.file.sync_data()).map_err(|e| explain(&self.path, &e))
    }
}

/// What one worker has seen of the others.
#[derive(Debug)]
pub struct Watch {
    folder: PathBuf,
    lease: Duration,
    seen: HashMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    beats: u64,
    since: Instant,
    /// Whether it was seen to beat at all.
    moved: bool,
}

/// Whether another worker lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It does.
    Alive,
    /// It does not.
    Dead,
    /// Not known yet: it was not watched for long enough.
    Unknown,
}

impl Watch {
    /// Watches the workers of a folder.
    pub fn new(folder: PathBuf, lease: Duration) -> Self {
        Self { folder, lease, seen: HashMap::new() }
    }

    /// Whether a worker lives: on this system its process tells; of another machine it is dead when it gave no sign for
    /// the length of a lease, measured by the clock of this one alone.
    pub fn life(&mut self, worker: &str) -> Life {
        match read(&self.folder, worker).and_then(|i| i.lives()) {
            Some(true) => return Life::Alive,
            Some(false) => return Life::Dead,
            None => {}
        }
        // Opened, not only looked up: NFS answers the latter from a cache.
        let beats = File::open(self.folder.join(format!("{worker}.beat"))).and_then(|f| f.metadata());
        let beats = beats.map_or(0, |m| m.len());
        let seen = self.seen.entry(worker.to_owned()).or_insert(Seen { beats, since: Instant::now(), moved: false });
        if seen.beats != beats {
            *seen = Seen { beats, since: Instant::now(), moved: true };
        }
        match (seen.since.elapsed() >= self.lease, seen.moved) {
            (true, _) => Life::Dead,
            (false, true) => Life::Alive,
            (false, false) => Life::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(not(target_os = "linux"), ignore = "reads /proc of Linux")]
    fn a_process_of_this_system_tells_itself() {
        let folder = tempfile::tempdir().unwrap();
        let lease = Duration::from_secs(60);
        let own = Identity::new();
        let _beat = Beat::begin(folder.path(), &own, lease).unwrap();
        let mut watch = Watch::new(folder.path().to_path_buf(), lease);
        assert_eq!(watch.life(&own.id), Life::Alive);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other = Identity { id: "other".into(), pid: child.id(), began: began(child.id()).unwrap(), ..own.clone() };
        let _beat = Beat::begin(folder.path(), &other, lease).unwrap();
        assert_eq!(watch.life("other"), Life::Alive);
        child.kill().unwrap();
        // Dead though not waited for yet: its remains still have its id.
        let deadline = Instant::now() + Duration::from_secs(5);
        while watch.life("other") == Life::Alive && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(watch.life("other"), Life::Dead);
        child.wait().unwrap();
        assert_eq!(watch.life("other"), Life::Dead);
    }

    #[test]
    fn of_another_machine_the_beat_tells() {
        let folder = tempfile::tempdir().unwrap();
        let lease = Duration::from_millis(400);
        let far = Identity { id: "far".into(), system: "another".into(), ..Identity::new() };
        let mut beat = Beat::begin(folder.path(), &far, lease).unwrap();
        let mut watch = Watch::new(folder.path().to_path_buf(), lease);
        assert_eq!(watch.life("far"), Life::Unknown);
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(60));
            assert!(beat.if_due().unwrap());
            assert_eq!(watch.life("far"), Life::Alive);
        }
        std::thread::sleep(Duration::from_millis(450));
        assert_eq!(watch.life("far"), Life::Dead);
        assert_eq!(watch.life("nobody"), Life::Unknown);
    }

    #[test]
    fn what_another_machines_clock_says_does_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        let lease = Duration::from_millis(300);
        let far = Identity { id: "far".into(), system: "another".into(), ..Identity::new() };
        let mut beat = Beat::begin(folder.path(), &far, lease).unwrap();
        let day = Duration::from_secs(86_400);
        let now = std::time::SystemTime::now();
        for stamp in [now - day, now + day] {
            // Its file server or its clock puts this time on the file.
            let mut watch = Watch::new(folder.path().to_path_buf(), lease);
            assert_eq!(watch.life("far"), Life::Unknown);
            std::thread::sleep(Duration::from_millis(60));
            assert!(beat.if_due().unwrap());
            beat.file.set_modified(stamp).unwrap();
            assert_eq!(watch.life("far"), Life::Alive);
            std::thread::sleep(Duration::from_millis(350));
            assert_eq!(watch.life("far"), Life::Dead);
        }
    }
}
