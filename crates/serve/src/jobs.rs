//! Analyses of videos: one at a time, the others wait in order; results are there for a while.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::models::{AnalyzeOptions, Fault, Models, ResultFile, Watch};
use crate::options::{Limits, random_name};
use crate::problem::Problem;
use crate::work::{Lane, guarded, thread};

/// How an analysis stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Waiting,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// What is known of an analysis.
#[derive(Clone, Debug)]
pub struct State {
    pub phase: Phase,
    pub frame: u64,
    pub of: Option<u64>,
    pub faces: u64,
    pub problem: Option<Value>,
    pub files: Vec<ResultFile>,
    ended: Option<Instant>,
}

/// A place for a video that is being received: a folder of this process's user alone, gone when it is dropped.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("ferrotype-serve-").tempdir();
        Ok(Self { folder: folder.context("cannot make a folder for temporary files")? })
    }

    pub fn video(&self) -> PathBuf {
        self.folder.path().join("video")
    }
}

/// An analysis.
pub struct Job {
    pub id: String,
    options: AnalyzeOptions,
    place: Place,
    state: watch::Sender<State>,
    is_cancelled: AtomicBool,
}

impl Job {
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// As clients see it.
    pub fn json(&self, state: &State) -> Value {
        let base = format!("/v1/analyze/{}", self.id);
        let files: BTreeMap<&str, String> =
            state.files.iter().map(|f| (f.name.as_str(), format!("{base}/files/{}", f.name))).collect();
        json!({
            "id": self.id, "name": self.options.name, "every": self.options.every, "annotated": self.options.annotated, "state": state.phase,
            "frame": state.frame, "of": state.of, "faces": state.faces, "problem": state.problem, "files": files,
            "address": base, "events": format!("{base}/events"),
        })
    }

    /// A finished one keeps how it ended.
    fn end(&self, phase: Phase, problem: Option<Value>, files: Vec<ResultFile>) {
        self.state.send_if_modified(|state| {
            let is_open = state.ended.is_none();
            if is_open {
                *state = State { phase, problem, files, ended: Some(Instant::now()), ..state.clone() };
            }
            is_open
        });
    }
}

impl Watch for Job {
    fn progress(&self, frame: u64, of: Option<u64>, faces: u64) {
        self.state.send_modify(|state| *state = State { frame, of, faces, ..state.clone() });
    }

    fn is_asked_to_stop(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

/// All analyses.
pub struct Jobs {
    table: Mutex<BTreeMap<String, Arc<Job>>>,
    lane: Arc<Lane<Arc<Job>>>,
    waiting: usize,
    keep: Duration,
    most: usize,
    thread: JoinHandle<()>,
}

impl Jobs {
    /// Starts the thread that does them.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start(models: Arc<dyn Models>, limits: &Limits) -> Result<Self> {
        let lane = Arc::new(Lane::<Arc<Job>>::default());
        let jobs = lane.clone();
        let thread = thread("analyses".into(), move || {
            while let Some(jobs) = jobs.take(1, |_| 1) {
                jobs.iter().for_each(|job| run(&*models, job));
            }
        })?;
        Ok(Self {
            table: Mutex::default(),
            lane,
            waiting: limits.analyses,
            keep: limits.results_time,
            most: limits.results,
            thread,
        })
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Job>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another one may come.
    pub fn has_room(&self) -> bool {
        self.sweep();
        self.lane.len() < self.waiting
    }

    /// Adds one.
    pub fn add(&self, place: Place, options: AnalyzeOptions) -> Result<Arc<Job>, Problem> {
        if !self.has_room() {
            return Err(self.busy());
        }
        let state = State {
            phase: Phase::Waiting,
            frame: 0,
            of: None,
            faces: 0,
            problem: None,
            files: Vec::new(),
            ended: None,
        };
        let id = random_name().map_err(|e| Problem::reading(&e))?;
        let state = watch::channel(state).0;
        let job = Arc::new(Job { id, options, place, state, is_cancelled: AtomicBool::new(false) });
        self.table().insert(job.id.clone(), job.clone());
        self.lane.push(job.clone());
        Ok(job)
    }

    pub fn busy(&self) -> Problem {
        Problem::busy(format!("{} videos wait already", self.waiting), 30)
    }

    /// The one of that name.
    pub fn find(&self, id: &str) -> Result<Arc<Job>, Problem> {
        self.sweep();
        let detail = "no analysis has that number, or its results were removed meanwhile";
        self.table().get(id).cloned().ok_or_else(|| Problem::not_found(detail))
    }

    /// Stops one and forgets it with its files.
    pub fn remove(&self, id: &str) -> Result<(), Problem> {
        let detail = "no analysis has that number";
        let job = self.table().remove(id).ok_or_else(|| Problem::not_found(detail))?;
        cancel(&job);
        Ok(())
    }

    /// Those that are looked at or wait.
    pub fn open(&self) -> usize {
        self.table().values().filter(|job| job.state.borrow().ended.is_none()).count()
    }

    /// Forgets those that ended long ago, and of too many the oldest.
    pub fn sweep(&self) {
        let mut table = self.table();
        let ended = |job: &Job| job.state.borrow().ended;
        let mut all: Vec<Instant> = table.values().filter_map(|job| ended(job)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        let newer = all.get(self.most).copied();
        let is_kept = |at: Instant| at.elapsed() < self.keep && newer.is_none_or(|newer| at > newer);
        table.retain(|_, job| ended(job).is_none_or(is_kept));
    }

    /// Stops all.
    pub fn stop(self) {
        self.table().values().for_each(|job| cancel(job));
        self.lane.close();
        // A panic of a model was caught and told.
        let _ = self.thread.join();
    }
}

fn cancel(job: &Job) {
    job.is_cancelled.store(true, Ordering::Relaxed);
    job.end(Phase::Cancelled, None, Vec::new());
}

fn run(models: &dyn Models, job: &Job) {
    if job.is_asked_to_stop() {
        return;
    }
    job.state.send_modify(|state| state.phase = Phase::Running);
    let out = job.place.folder.path().join("results");
    let done = guarded(|| models.analyze(&job.place.video(), &out, &job.options, job));
    match done {
        Ok(files) => job.end(Phase::Done, None, files),
        Err(Fault::Stopped) => job.end(Phase::Cancelled, None, Vec::new()),
        Err(fault) => job.end(Phase::Failed, Some(Problem::of(fault, &job.options.name).json()), Vec::new()),
    }
    // The pictures are not needed any more, whatever became of them.
    let _ = std::fs::remove_file(job.place.video());
}
