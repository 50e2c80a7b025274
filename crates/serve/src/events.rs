//! Server-sent events: the lines of a growing file, and the states of an analysis.

use std::convert::Infallible;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use crate::jobs::{Job, Phase};
use crate::problem::Problem;
use crate::runs::{RunEntry, Runs};
use crate::state::Shared;

/// How often a file is looked at.
const PACE: Duration = Duration::from_millis(400);
/// The most bytes that are read at a time.
const PIECE: u64 = 1 << 20;

/// What stands in a file behind a place.
#[derive(Debug, PartialEq)]
pub struct Tail {
    /// Whole lines, each with the place behind it.
    pub lines: Vec<(String, u64)>,
    /// Where to go on.
    pub next: u64,
    /// Whether the file has become shorter: it is another one, and is read from its beginning.
    pub is_new: bool,
}

/// Whole lines of a file from a place on; a line that is being written is left for the next time.
///
/// # Errors
/// When the file cannot be read.
pub fn tail(path: &Path, from: u64) -> std::io::Result<Tail> {
    let mut file = std::fs::File::open(path)?;
    let is_new = file.metadata()?.len() < from;
    let from = if is_new { 0 } else { from };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(PIECE).read_to_end(&mut bytes)?;
    let mut lines = Vec::new();
    let mut next = from;
    for line in bytes.split_inclusive(|&b| b == b'\n').filter(|line| line.ends_with(b"\n")) {
        next += line.len() as u64;
        // A carriage return would end a line of the stream.
        let text = String::from_utf8_lossy(line).trim().replace('\r', " ");
        if !text.is_empty() {
            lines.push((text, next));
        }
    }
    // A line beyond all measure is none of ours: it is passed over.
    if next == from && bytes.len() as u64 == PIECE {
        next += PIECE;
    }
    Ok(Tail { lines, next, is_new })
}

/// The right to a stream.
pub fn admit(shared: &Shared) -> Result<OwnedSemaphorePermit, Problem> {
    let busy = || Problem::busy(format!("{} streams of events are open already", shared.options.limits.streams), 5);
    shared.streams.clone().try_acquire_owned().map_err(|_| busy())
}

/// The lines of a run's history from a place on, as they come; `end` when training is over.
pub fn of_run(shared: &Shared, run: RunEntry, from: u64) -> Result<Response, Problem> {
    let permit = admit(shared)?;
    let (events, received) = mpsc::channel(64);
    let (runs, stopping) = (shared.runs.clone(), shared.stopping.clone());
    tokio::spawn(follow(runs, run, from, events, stopping));
    Ok(response(received, permit))
}

async fn follow(
    runs: Arc<dyn Runs>,
    run: RunEntry,
    mut from: u64,
    events: mpsc::Sender<Event>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let (file, asked, entry) = (run.history.clone(), runs.clone(), run.clone());
        // Whether it is over is asked first: what is written in between is still read.
        let read = tokio::task::spawn_blocking(move || (asked.is_finished(&entry), tail(&file, from))).await;
        let Ok((is_over, tail)) = read else { return };
        // A run that has just begun has no history yet.
        let tail = tail.unwrap_or(Tail { lines: Vec::new(), next: from, is_new: false });
        if tail.is_new && events.send(Event::default().event("restart").data("{}")).await.is_err() {
            return;
        }
        let is_at_end = tail.lines.is_empty();
        for (line, place) in tail.lines {
            if events.send(Event::default().id(place.to_string()).data(line)).await.is_err() {
                return;
            }
        }
        from = tail.next;
        if is_over && is_at_end {
            let _ = events.send(Event::default().event("end").data("{}")).await;
            return;
        }
        if is_at_end {
            tokio::select! {
                () = tokio::time::sleep(PACE) => {}
                // Also where the server is gone.
                _ = stopping.changed() => return,
                () = events.closed() => return,
            }
        }
    }
}

/// The states of an analysis until its end.
pub fn of_job(shared: &Shared, job: Arc<Job>) -> Result<Response, Problem> {
    let permit = admit(shared)?;
    let (events, received) = mpsc::channel(16);
    let mut stopping = shared.stopping.clone();
    tokio::spawn(async move {
        let mut states = job.watch();
        loop {
            let state = states.borrow_and_update().clone();
            let is_over = !matches!(state.phase, Phase::Waiting | Phase::Running);
            let event = Event::default().event(if is_over { "end" } else { "progress" });
            if events.send(event.data(job.json(&state).to_string())).await.is_err() || is_over {
                return;
            }
            tokio::select! {
                changed = states.changed() => if changed.is_err() { return },
                _ = stopping.changed() => return,
                () = events.closed() => return,
            }
            // States that follow each other faster than eyes do are one.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    Ok(response(received, permit))
}

fn response(received: mpsc::Receiver<Event>, permit: OwnedSemaphorePermit) -> Response {
    Sse::new(stream_of(received, permit)).keep_alive(KeepAlive::default()).into_response()
}

fn stream_of(
    received: mpsc::Receiver<Event>,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((received, permit), |(mut received, permit)| async move {
        received.recv().await.map(|event| (Ok(event), (received, permit)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_read_once_and_a_shorter_file_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        assert!(tail(&path, 0).is_err());
        std::fs::write(&path, "{\"a\":1}\n\n{\"b\":").unwrap();
        let first = tail(&path, 0).unwrap();
        assert_eq!(first, Tail { lines: vec![("{\"a\":1}".into(), 8)], next: 9, is_new: false });
        std::fs::write(&path, "{\"a\":1}\n\n{\"b\":2}\n").unwrap();
        assert_eq!(tail(&path, first.next).unwrap().lines, [("{\"b\":2}".to_owned(), 17)]);
        assert_eq!(tail(&path, 17).unwrap(), Tail { lines: Vec::new(), next: 17, is_new: false });
        std::fs::write(&path, "{\"c\":3}\n").unwrap();
        assert_eq!(tail(&path, 17).unwrap(), Tail { lines: vec![("{\"c\":3}".into(), 8)], next: 8, is_new: true });
    }
}
