//! Claims trials and sees them through.
//!
//! A worker may be killed at any moment: what it has claimed is then taken over by another, which goes on from the run's
//! checkpoint. A worker that was only thought dead notices that its claim was taken over and lets go.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::curve::Curve;
use crate::launch::{Job, Launched, Launcher, Run, RunState};
use crate::options::Pruner;
use crate::pruner;
use crate::study::Study;
use crate::study::claims::Claim;
use crate::study::identity::{Beat, Identity, Life, Watch};
use crate::study::journal::{Event, Journal, Line, Outcome, now};

/// Why a worker left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerExit {
    /// Every trial has ended or is in the hands of a worker that lives.
    NothingToDo,
    /// It was asked to; its trial is saved and given back.
    Stopped,
}

/// A worker of a study.
#[derive(Debug)]
pub struct Worker<'s> {
    study: &'s Study,
    identity: Identity,
    journal: Journal,
    beat: Beat,
    watch: Watch,
    poll: Duration,
    grace: Duration,
    /// Trials in a row that failed before their first evaluation.
    hopeless: usize,
}

/// How long a run may take to save and end, where nobody says how much time there is.
const GRACE: Duration = Duration::from_secs(45);

/// So many trials in a row that fail at once have a cause that more trials will not mend.
const HOPELESS: usize = 5;

/// What became of one seed.
enum Seen {
    Value(f64),
    Ended(Outcome),
    GivenBack(String),
    Lost,
}

/// What comes next.
enum Next {
    Take(Claim),
    Wait,
    Nothing,
}

impl<'s> Worker<'s> {
    /// Joins a study. `poll` is how often runs are looked at.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn join(study: &'s Study, poll: Duration) -> Result<Self> {
        let identity = Identity::new();
        let lease = Duration::from_secs_f64(study.options().lease);
        let journal = Journal::open(&study.journals(), &identity.id)?;
        let beat = Beat::begin(&study.workers(), &identity, lease)?;
        let watch = Watch::new(study.workers(), lease);
        Ok(Self { study, identity, journal, beat, watch, poll, grace: GRACE, hopeless: 0 })
    }

    /// Says how long it has between being told to end and being killed. A quarter of that is kept for giving its trial back.
    pub fn with_notice(mut self, notice: Duration) -> Self {
        self.grace = GRACE.min(notice * 3 / 4);
        self
    }

    /// Claims trials and sees them through until there are none, or `stop` says so.
    ///
    /// # Errors
    /// When the study cannot be read or written, or trial after trial fails at once.
    pub fn run(&mut self, launcher: &dyn Launcher, stop: &dyn Fn() -> bool) -> Result<WorkerExit> {
        loop {
            if stop() {
                return Ok(WorkerExit::Stopped);
            }
            self.beat.if_due()?;
            match self.next()? {
                Next::Take(claim) => self.see_through(&claim, launcher, stop)?,
                Next::Wait => std::thread::sleep(self.poll),
                Next::Nothing => return Ok(WorkerExit::NothingToDo),
            }
        }
    }

    /// Claims what was given back or lost its owner, else a new trial.
    fn next(&mut self) -> Result<Next> {
        loop {
            let claim_states = self.study.claims.list()?;
            let (mut free, mut unknown) = (None, false);
            let mut orphan = None;
            for trial in 0..self.study.trials() {
                let state = claim_states.get(&trial).copied().unwrap_or_default();
                if state.ended {
                    continue;
                }
                if state.generation == 0 {
                    free = free.or(Some((trial, 0)));
                    continue;
                }
                let is_free = state.released >= state.generation || {
                    let life = self.watch.life(&self.study.claims.read(trial, state.generation)?.worker);
                    unknown |= life == Life::Unknown;
                    life == Life::Dead
                };
                if is_free {
                    orphan = Some((trial, state.generation));
                    break;
                }
            }
            let Some((trial, generation)) = orphan.or(free) else {
                return Ok(if unknown { Next::Wait } else { Next::Nothing });
            };
            let first = if generation > 0 { Some(self.study.claims.read(trial, 1)?) } else { None };
            let values = self.study.values(trial, first.as_ref())?;
            let worker = self.identity.id.clone();
            let claim = Claim { trial, generation: generation + 1, worker, values, time: now() };
            if self.study.claims.take(&claim)? {
                return Ok(Next::Take(claim));
            }
        }
    }

    fn see_through(&mut self, claim: &Claim, launcher: &dyn Launcher, stop: &dyn Fn() -> bool) -> Result<()> {
        let epochs = launcher.epochs(&claim.values);
        self.write(Event::Started {
            trial: claim.trial,
            generation: claim.generation,
            values: claim.values.clone(),
            epochs: *epochs.as_ref().unwrap_or(&0),
        })?;
        let epochs = match epochs {
            Ok(epochs) => epochs,
            Err(e) => {
                return self.end(claim, Outcome::Failed { reason: format!("{e:#}"), log: Vec::new() });
            }
        };
        let mut values = Vec::new();
        for seed in 0..self.study.seeds() {
            let seen = self.seed(claim, seed, epochs, launcher, stop);
            match seen {
                Ok(Seen::Value(value)) => values.push(value),
                Ok(Seen::Ended(outcome)) => return self.end(claim, outcome),
                Ok(Seen::Lost) => return Ok(()),
                Ok(Seen::GivenBack(reason)) => return self.give_back(claim, reason),
                Err(e) => {
                    // Whoever comes next need not wait for this worker to be found dead; the first error is the one to
                    // be told.
                    let _ = self.give_back(claim, format!("{e:#}"));
                    return Err(e);
                }
            }
        }
        let value = values.iter().sum::<f64>() / values.len() as f64;
        self.end(claim, Outcome::Finished { value, seeds: values })
    }

    fn seed(
        &mut self,
        claim: &Claim,
        seed: usize,
        epochs: u64,
        launcher: &dyn Launcher,
        stop: &dyn Fn() -> bool,
    ) -> Result<Seen> {
        let job = Job {
            trial: claim.trial,
            seed: self.study.options().seeds.get(seed).copied(),
            values: claim.values.clone(),
            folder: self.study.run_folder(claim.trial, seed),
        };
        let mut known = match claim.generation {
            1 => Curve::default(),
            _ => self.study.snapshot()?.trial(claim.trial).map(|t| t.curve(seed)).unwrap_or_default(),
        };
        let Some(mut run) = self.launch(&job, claim, launcher, stop)? else {
            return Ok(if self.study.claims.holds(claim) {
                Seen::GivenBack("asked to stop".into())
            } else {
                Seen::Lost
            });
        };
        let mut judged = 0;
        loop {
            let state = run.poll()?;
            let news = match self.take_points(run.as_mut(), claim.trial, seed, &mut known) {
                Ok(news) => news,
                Err(e) => {
                    self.stop(run.as_mut())?;
                    return Ok(Seen::Ended(Outcome::Failed { reason: format!("{e:#}"), log: Vec::new() }));
                }
            };
            if state != RunState::Running {
                return Ok(self.seen(state, &known));
            }
            if self.beat.if_due()? && !self.study.claims.holds(claim) {
                self.stop(run.as_mut())?;
                return Ok(Seen::Lost);
            }
            if stop() {
                self.stop(run.as_mut())?;
                let state = run.poll()?;
                self.take_points(run.as_mut(), claim.trial, seed, &mut known)?;
                return Ok(if state == RunState::Done {
                    self.seen(state, &known)
                } else {
                    Seen::GivenBack("asked to stop".into())
                });
            }
            // A run that is gone on with is judged anew by what the others have reached meanwhile.
            if seed == 0 && (news || judged == 0) {
                let reason = self.judge(claim.trial, &known, judged, epochs)?;
                judged = known.epochs();
                if let Some(reason) = reason {
                    self.stop(run.as_mut())?;
                    self.take_points(run.as_mut(), claim.trial, seed, &mut known)?;
                    let value = known.value(self.study.objective());
                    return Ok(Seen::Ended(Outcome::Pruned { epoch: known.epochs(), value, reason }));
                }
            }
            std::thread::sleep(self.poll);
        }
    }

    /// Waits for the run's folder, which a trainer that lost its worker may hold until it has saved. None when asked to
    /// stop, or when the trial was taken over.
    fn launch(
        &mut self,
        job: &Job,
        claim: &Claim,
        launcher: &dyn Launcher,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Box<dyn Run>>> {
        let patience = Duration::from_secs_f64(self.study.options().lease) + GRACE;
        let began = Instant::now();
        loop {
            if let Launched::Running(run) = launcher.launch(job)? {
                return Ok(Some(run));
            }
            if stop() || (self.beat.if_due()? && !self.study.claims.holds(claim)) {
                return Ok(None);
            }
            if began.elapsed() > patience {
                bail!(
                    "another process works in {} and does not end: stop it first, then `ferrotype sweep resume {}`",
                    job.folder.display(),
                    self.study.folder().display()
                );
            }
            std::thread::sleep(self.poll);
        }
    }

    /// Records new evaluations; whether there were any.
    fn take_points(&mut self, run: &mut dyn Run, trial: usize, seed: usize, known: &mut Curve) -> Result<bool> {
        let mut news = false;
        for point in run.points()? {
            if point.metric.is_finite() && point.select.is_finite() && !known.points.contains(&point) {
                known.add(point);
                self.write(Event::Epoch { trial, seed, point })?;
                news = true;
            }
        }
        Ok(news)
    }

    fn seen(&self, state: RunState, known: &Curve) -> Seen {
        match state {
            RunState::Done => match known.value(self.study.objective()) {
                Some(value) => Seen::Value(value),
                None => {
                    let metric = &self.study.objective().metric;
                    let reason = format!("training ended without a {metric} on the validation set that is a number");
                    Seen::Ended(Outcome::Failed { reason, log: Vec::new() })
                }
            },
            RunState::Failed { reason, log } => Seen::Ended(Outcome::Failed { reason, log }),
            RunState::Interrupted | RunState::Running => Seen::GivenBack("its process was interrupted".into()),
        }
    }

    fn judge(&self, trial: usize, own: &Curve, judged: u64, epochs: u64) -> Result<Option<String>> {
        let pruner = &self.study.options().pruner;
        if *pruner == Pruner::None {
            return Ok(None);
        }
        let snapshot = self.study.snapshot()?;
        let others: Vec<&Curve> =
            snapshot.trials.iter().filter(|t| t.number != trial).filter_map(|t| t.curves.first()).collect();
        Ok(pruner::verdict(pruner, own, &others, judged, epochs, self.study.objective()))
    }

    /// Asks a run to save and end, and ends it if it does not.
    fn stop(&mut self, run: &mut dyn Run) -> Result<()> {
        run.ask_to_stop();
        let deadline = Instant::now() + self.grace;
        while run.poll()? == RunState::Running {
            self.beat.if_due()?;
            if Instant::now() > deadline {
                run.kill();
            }
            std::thread::sleep(self.poll.min(Duration::from_millis(50)));
        }
        Ok(())
    }

    fn end(&mut self, claim: &Claim, outcome: Outcome) -> Result<()> {
        // Its new owner will see its end.
        if !self.study.claims.holds(claim) {
            return Ok(());
        }
        let failed = match &outcome {
            Outcome::Failed { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        let event = Event::Ended { trial: claim.trial, generation: claim.generation, outcome };
        let line = Line::now(&self.identity.id, event);
        if self.study.claims.end(claim.trial, &line)? {
            self.journal.write(&line)?;
        }
        self.count_failures(claim.trial, failed)
    }

    fn count_failures(&mut self, trial: usize, failed: Option<String>) -> Result<()> {
        let Some(reason) = failed else {
            self.hopeless = 0;
            return Ok(());
        };
        let trained = self.study.snapshot()?.trial(trial).map_or(0, |t| t.trained());
        self.hopeless = if trained > 0 { 0 } else { self.hopeless + 1 };
        if self.hopeless >= HOPELESS {
            bail!(
                "{HOPELESS} trials in a row failed before their first score; the last one, trial {trial}: {reason}. Their \
                 logs are in {}",
                self.study.trial_folder(trial).display()
            );
        }
        Ok(())
    }

    fn give_back(&mut self, claim: &Claim, reason: String) -> Result<()> {
        let released = self.study.claims.release(claim);
        self.write(Event::Released { trial: claim.trial, generation: claim.generation, reason })?;
        released
    }

    fn write(&mut self, event: Event) -> Result<()> {
        self.journal.write(&Line::now(&self.identity.id, event))
    }
}
