//! What the journals and claims of a study add up to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::claims::ClaimState;
use super::journal::{Event, Line, Outcome};
use crate::curve::{Curve, Goal, Objective, Point};
use crate::sampler::{Past, TrialOutcome};
use crate::space::Values;

/// How a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A worker has it.
    Running,
    /// It was begun and given back, or its worker is gone: somebody will go on with it.
    Waiting,
    /// Trained to its end.
    Finished,
    /// Ended early.
    Pruned,
    /// Its process failed.
    Failed,
}

impl State {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Finished => "finished",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
        }
    }
}

/// One trial.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// Its values by key.
    pub values: Values,
    /// How it stands.
    pub state: State,
    /// The study's metric: the mean over its seeds once finished, the first seed's so far before.
    pub value: Option<f64>,
    /// Each seed's evaluations.
    pub curves: Vec<Curve>,
    /// Epochs it is to be trained for, per seed.
    pub epochs: u64,
    /// Who has it, or had it last.
    pub worker: String,
    /// How many workers have had it.
    pub generation: u64,
    /// Why it was ended early or failed.
    pub reason: Option<String>,
    /// The last lines of a failed one's log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// Milliseconds since 1970 of its last start, and of its end.
    pub started: u64,
    /// As above.
    pub ended: Option<u64>,
    /// Milliseconds that it was worked on before its last start: each time from start to return, or, where its worker was
    /// killed, to the last evaluation.
    pub earlier: u64,
}

impl Trial {
    fn new(number: usize) -> Self {
        Self {
            number,
            values: Values::new(),
            state: State::Running,
            value: None,
            curves: Vec::new(),
            epochs: 0,
            worker: String::new(),
            generation: 0,
            reason: None,
            log: Vec::new(),
            started: 0,
            ended: None,
            earlier: 0,
        }
    }

    /// Seconds that it was worked on until a moment (milliseconds since 1970), as its epochs are those of all who had it.
    pub fn seconds_until(&self, moment: u64) -> f64 {
        (self.earlier + moment.saturating_sub(self.started)) as f64 / 1e3
    }

    /// The curve of a seed by its place.
    pub fn curve(&self, seed: usize) -> Curve {
        self.curves.get(seed).cloned().unwrap_or_default()
    }

    /// Epochs trained over all seeds.
    pub fn trained(&self) -> u64 {
        self.curves.iter().map(Curve::epochs).sum()
    }

    /// Whether nobody will work on it again.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Finished | State::Pruned | State::Failed)
    }

    fn add_point(&mut self, seed: usize, point: Point) {
        // A place that no study has could only come from damage, and must not ask for memory.
        if seed < 100_000 {
            self.curves.resize_with(self.curves.len().max(seed + 1), Curve::default);
            self.curves[seed].add(point);
        }
    }

    fn end(&mut self, line: &Line, generation: u64, outcome: &Outcome) {
        self.worker.clone_from(&line.worker);
        self.generation = self.generation.max(generation);
        self.ended = Some(line.time);
        match outcome.clone() {
            Outcome::Finished { value, .. } => (self.state, self.value) = (State::Finished, Some(value)),
            Outcome::Pruned { value, reason, .. } => {
                (self.state, self.value, self.reason) = (State::Pruned, value, Some(reason));
            }
            Outcome::Failed { reason, log } => {
                (self.state, self.reason, self.log) = (State::Failed, Some(reason), log);
            }
        }
    }
}

/// How long each of those who had a trial worked on it, each by its own clock.
#[derive(Default)]
struct Spans(BTreeMap<u64, Span>);

/// From a worker's start to the last that is known of its work.
struct Span {
    worker: String,
    from: u64,
    to: u64,
}

impl Spans {
    fn start(&mut self, generation: u64, line: &Line) {
        self.0.insert(generation, Span { worker: line.worker.clone(), from: line.time, to: line.time });
    }

    /// What does not say of which generation it is belongs to the worker's last one.
    fn last_of(&mut self, worker: &str) -> Option<&mut Span> {
        self.0.values_mut().rev().find(|span| span.worker == worker)
    }

    /// Milliseconds of all but the last.
    fn earlier(&self) -> u64 {
        self.0.values().rev().skip(1).map(|span| span.to.saturating_sub(span.from)).sum()
    }
}

/// All trials that somebody has taken up.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// In order of their numbers.
    pub trials: Vec<Trial>,
    /// Lines of journals that could not be read.
    pub damaged_lines: usize,
}

impl Snapshot {
    /// Adds up. `ends` are the ends that the claims record: they hold, whatever the journals say, since each can be
    /// made once only.
    pub fn of(
        lines: &[Line],
        claim_states: &BTreeMap<usize, ClaimState>,
        ends: &BTreeMap<usize, Line>,
        objective: &Objective,
    ) -> Self {
        let mut trials: BTreeMap<usize, Trial> = BTreeMap::new();
        let mut spans: BTreeMap<usize, Spans> = BTreeMap::new();
        for line in lines {
            match &line.event {
                Event::Started { trial, generation, values, epochs } => {
                    spans.entry(*trial).or_default().start(*generation, line);
                    let t = trials.entry(*trial).or_insert_with(|| Trial::new(*trial));
                    t.values.clone_from(values);
                    if *generation >= t.generation {
                        t.worker.clone_from(&line.worker);
                        (t.generation, t.epochs, t.started) = (*generation, *epochs, line.time);
                    }
                }
                Event::Epoch { trial, seed, point } => {
                    trials.entry(*trial).or_insert_with(|| Trial::new(*trial)).add_point(*seed, *point);
                }
                Event::Released { .. } | Event::Ended { .. } | Event::Other => {}
            }
            if let Event::Epoch { trial, .. } | Event::Released { trial, .. } | Event::Ended { trial, .. } = &line.event
                && let Some(span) = spans.get_mut(trial).and_then(|spans| spans.last_of(&line.worker))
            {
                span.to = span.to.max(line.time);
            }
        }
        for (number, spans) in spans {
            if let Some(t) = trials.get_mut(&number) {
                t.earlier = spans.earlier();
            }
        }
        // A trial that nobody claimed could only come from damage.
        trials.retain(|number, _| claim_states.contains_key(number));
        for (number, standing) in claim_states {
            let Some(t) = trials.get_mut(number) else { continue };
            if let Some((line, Event::Ended { generation, outcome, .. })) = ends.get(number).map(|l| (l, &l.event)) {
                t.end(line, *generation, outcome);
                continue;
            }
            t.generation = standing.generation;
            t.state = if standing.released >= standing.generation { State::Waiting } else { State::Running };
            t.value = t.curve(0).value(objective);
        }
        Self { trials: trials.into_values().collect(), damaged_lines: 0 }
    }

    /// The trial of a number.
    pub fn trial(&self, number: usize) -> Option<&Trial> {
        self.trials.iter().find(|t| t.number == number)
    }

    /// How many stand so.
    pub fn count(&self, state: State) -> usize {
        self.trials.iter().filter(|t| t.state == state).count()
    }

    /// The finished trials, the best first; of equals the first.
    pub fn ranking(&self, goal: Goal) -> Vec<&Trial> {
        let mut all: Vec<&Trial> =
            self.trials.iter().filter(|t| t.state == State::Finished && t.value.is_some()).collect();
        let loss = |t: &Trial| t.value.map_or(f64::INFINITY, |v| goal.loss(v));
        all.sort_by(|a, b| loss(a).total_cmp(&loss(b)).then(a.number.cmp(&b.number)));
        all
    }

    /// Epochs trained in all.
    pub fn trained(&self) -> u64 {
        self.trials.iter().map(Trial::trained).sum()
    }

    /// What a sampler may know, but for one trial.
    pub fn past<'a>(&'a self, but: usize, empty: &'a Curve, goal: Goal) -> Vec<Past<'a>> {
        let standing = |t: &'a Trial| match t.state {
            State::Finished => TrialOutcome::Finished(goal.loss(t.value.unwrap_or(f64::NAN))),
            State::Pruned => TrialOutcome::Pruned(t.curves.first().unwrap_or(empty)),
            State::Failed => TrialOutcome::Failed,
            State::Running | State::Waiting => TrialOutcome::Running,
        };
        let others = self.trials.iter().filter(|t| t.number != but);
        others.map(|t| Past { values: &t.values, outcome: standing(t) }).collect()
    }
}
