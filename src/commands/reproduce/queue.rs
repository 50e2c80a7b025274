//! `ferrotype reproduce status`, `pause`, `resume`, `stop`: the queue that works in the background.

use std::path::Path;

use anyhow::Result;
use ferrotype_run::lock::Lock;
use serde::Serialize;

use super::all::{Begun, begun, plans};
use super::{How, Plan};
use crate::commands::say;
use crate::reproduction::queue::{Queue, State, Ticket};
use crate::reproduction::{Costs, Registry, duration, epochs_left};

/// Starts `reproduce all` in the background with the words of this command line.
///
/// # Errors
/// As [`Queue::start`].
pub fn start(out: &Path) -> Result<()> {
    let words: Vec<String> = std::env::args()
        // What stands before may be an interpreter's.
        .skip_while(|word| word != "reproduce")
        .map(|word| if word == "--background" { "--queued".to_owned() } else { word })
        .collect();
    let queue = Queue::of(out);
    let ticket = queue.start(&words)?;
    say(format_args!(
        "the queue works in the background (process {}); its lines go to {}\n`ferrotype reproduce status` says how far it is, pause \
         and resume freeze it, stop has it save and end",
        ticket.pid,
        queue.log().display()
    ))
}

/// What is done to a queue.
///
/// # Errors
/// When nobody works on it here.
pub fn tell(out: &Path, what: Told) -> Result<()> {
    let queue = Queue::of(out);
    let (ticket, done) = match what {
        Told::Pause => (queue.pause()?, "is frozen: `ferrotype reproduce resume` lets it go on"),
        Told::Resume => (queue.resume()?, "goes on"),
        Told::Stop => (queue.stop()?, "saves and ends: `ferrotype reproduce all --background` goes on with it"),
    };
    say(format_args!("the queue (process {} since {}) {done}", ticket.pid, ticket.since))
}

/// What can be done to a queue.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// Freeze it.
    Pause,
    /// Let it go on.
    Resume,
    /// Have it save and end.
    Stop,
}

/// An entry's line.
#[derive(Debug, Serialize)]
struct Line {
    entry: String,
    /// `training`, `unfinished`, `done`, `published` or `waiting`.
    state: &'static str,
    folder: Option<String>,
    epochs: u64,
    epochs_done: u64,
    seconds_per_epoch: Option<f64>,
    seconds_left: f64,
}

/// Says what the queue does, and what is done and left.
///
/// # Errors
/// When the registry or a run's files cannot be read.
pub fn status(registry: &Registry, how: &How, json: bool) -> Result<()> {
    let state = Queue::of(&how.out).state()?;
    let costs = Costs::measured(registry, &how.out)?;
    let mut how = how.clone();
    if let (_, Some(ticket)) = described(&state)
        && how.seeds.is_none()
        && how.sets.is_empty()
    {
        // What the queue was asked for.
        (how.seeds, how.sets) = (ticket.seeds.clone(), ticket.sets.clone());
        how.publish = how.publish.or_else(|| ticket.publish.clone());
    }
    let (plans, _) = plans(registry, &how, &costs)?;
    let lines = plans.iter().map(|plan| line(plan, &how, &costs)).collect::<Result<Vec<_>>>()?;
    if json {
        let (word, ticket) = described(&state);
        return say(serde_json::json!({ "queue": word, "ticket": ticket, "entries": lines }));
    }
    match described(&state) {
        (word, Some(t)) => say(format_args!("queue: {word} (process {} on {} since {})", t.pid, t.host, t.since))?,
        (word, None) => say(format_args!("queue: {word}"))?,
    }
    for line in &lines {
        let rate = line.seconds_per_epoch.map_or_else(|| "not measured".to_owned(), |s| format!("{s:.1} s an epoch"));
        let left = if line.seconds_left == 0.0 {
            String::new()
        } else {
            format!(", about {} left", duration(line.seconds_left))
        };
        let Line { entry, state, epochs, epochs_done, .. } = line;
        say(format_args!("{state:<11} {entry:<46} {epochs_done:>6} of {epochs:>6} epochs, {rate}{left}"))?;
    }
    let left: f64 = lines.iter().map(|l| l.seconds_left).sum();
    say(format_args!("all of it: about {} left", duration(left)))
}

fn described(state: &State) -> (&'static str, Option<&Ticket>) {
    match state {
        State::Idle => ("nobody works on it", None),
        State::Working(ticket) => ("working", Some(ticket)),
        State::Paused(ticket) => ("frozen", Some(ticket)),
    }
}

fn line(plan: &Plan<'_>, how: &How, costs: &Costs) -> Result<Line> {
    let (state, folder) = match begun(plan, &how.out)? {
        _ if plan.is_published() => ("published", how.publish.clone()),
        Begun::No => ("waiting", None),
        Begun::Finished(folder) => ("done", Some(folder)),
        Begun::Unfinished(folder) => {
            let is_held =
                Lock::is_held(&folder) || plan.group.run_folders(&folder).iter().any(|run| Lock::is_held(run));
            (if is_held { "training" } else { "unfinished" }, Some(folder))
        }
    };
    let epochs = plan.group.runs() as u64 * plan.comparison.epochs;
    let is_over = matches!(state, "done" | "published");
    let seconds_left = if is_over { 0.0 } else { plan.left(costs, folder.as_deref()) };
    let epochs_left = match &folder {
        _ if is_over => 0,
        Some(folder) => epochs_left(&plan.group, folder, plan.comparison.epochs),
        None => epochs,
    };
    Ok(Line {
        entry: plan.entry.name.clone(),
        state,
        epochs,
        epochs_done: epochs - epochs_left,
        folder: folder.map(|path| path.display().to_string()),
        seconds_per_epoch: costs.per_epoch(plan.entry),
        seconds_left,
    })
}
