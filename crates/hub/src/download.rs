//! From an address to a checked file: one address after the other, each tried some times, each try going on where the last one
//! ended.

mod address;
mod attempt;
mod client;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::cache::{Cache, interrupted};
use super::{Entry, Error, ErrorKind, Event, Options, Progress, Result};

pub(crate) use address::{is_loopback, shown};
use attempt::{Failure, attempt};
use client::Client;

/// The longest pause between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a pause looks whether it should end.
const LOOK: Duration = Duration::from_millis(100);

/// An address that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) url: String,
    /// Whether the user named it: then it may be http, and nothing but it is asked.
    pub(crate) is_mirror: bool,
}

/// The addresses of a model in the order in which they are asked.
///
/// # Errors
/// `Offline` where the network may not be asked, `NoSource` where no address is known: with what to put where.
pub(crate) fn addresses(entry: &Entry, options: &Options, file: &Path) -> Result<Vec<Source>> {
    let Entry { name, sources, size, sha256, .. } = entry;
    let place = file.display();
    if options.offline {
        let from = match (&options.mirror, sources.first()) {
            (Some(mirror), _) => format!("from {}/{name}/{}", shown(mirror), entry.file),
            (None, Some(url)) => format!("from {}", shown(url)),
            (None, None) => "(no public address of exactly this file is known)".to_owned(),
        };
        let message = format!(
            "`{name}` is not in the cache ({place}), and the network may not be asked (FERROTYPE_OFFLINE or --offline). Get \
             {} {from} on another machine ({size} bytes, sha256 {sha256}), bring it here, and put it in with: ferrotype models \
             add {name} FILE",
            entry.file
        );
        return Err(Error::new(ErrorKind::Offline, message));
    }
    if let Some(mirror) = &options.mirror {
        return Ok(vec![Source { url: format!("{mirror}/{name}/{}", entry.file), is_mirror: true }]);
    }
    if sources.is_empty() {
        let origin = entry.origin.trim().trim_end_matches('.');
        let message = format!(
            "`{name}` is not in the cache ({place}), and no public address of exactly this file ({} of {size} bytes, sha256 \
             {sha256}) is known. Origin: {origin}. Who has the file puts it in with: ferrotype models add {name} FILE; a \
             mirror that has it is named by FERROTYPE_MIRROR",
            entry.file
        );
        return Err(Error::new(ErrorKind::NoSource, message));
    }
    Ok(sources.iter().map(|url| Source { url: url.clone(), is_mirror: false }).collect())
}

/// Loads, checks and names the file of a model. The caller holds its lock and has made its folder.
///
/// # Errors
/// When no address gives it, with what each said.
pub(crate) fn load(
    entry: &Entry,
    sources: &[Source],
    cache: &Cache,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<PathBuf> {
    let client = Client::new(options)?;
    let mut failures: Vec<Error> = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        match from_source(entry, source, &client, cache, options, progress) {
            Ok(path) => return Ok(path),
            // Another address changes nothing.
            Err(e) if matches!(e.kind(), ErrorKind::Disk | ErrorKind::Interrupted) => return Err(e),
            Err(e) => {
                if i + 1 < sources.len() {
                    tell(entry, progress, &Event::NextSource { reason: &e.to_string() })?;
                }
                failures.push(e);
            }
        }
    }
    Err(nowhere(entry, &failures))
}

/// The error of a model that no address gives.
fn nowhere(entry: &Entry, failures: &[Error]) -> Error {
    let kind = failures.last().map_or(ErrorKind::NoSource, Error::kind);
    let said: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let name = &entry.name;
    let message = format!(
        "cannot load `{name}`: {}. By hand: get {} ({} bytes, sha256 {}) in another way and put it in with: ferrotype models add \
         {name} FILE",
        said.join("; then: "),
        entry.file,
        entry.size,
        entry.sha256
    );
    Error::new(kind, message)
}

fn from_source(
    entry: &Entry,
    source: &Source,
    client: &Client,
    cache: &Cache,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<PathBuf> {
    let part = cache.part(entry);
    let from = shown(&source.url);
    let mut pause = options.pause;
    let mut tries = 1;
    let mut furthest = left_behind(&part, entry);
    // Bytes of an earlier time may be those of another file: then all of it is loaded once more.
    let mut may_start_over = true;
    loop {
        match attempt(entry, source, client, &part, cache, progress) {
            Ok(was_resumed) => match cache.finish(entry, &part, &from) {
                Err(e) if e.kind() == ErrorKind::Hash && was_resumed && may_start_over => may_start_over = false,
                done => return done,
            },
            Err(Failure::Final(e)) => return Err(e),
            // A line that breaks often still brings the file: tries count from the last eighth that came.
            Err(Failure::Again { .. }) if left_behind(&part, entry) >= furthest + (entry.size / 8).max(1) => {
                furthest = left_behind(&part, entry);
                (tries, pause) = (1, options.pause);
            }
            Err(Failure::Again { error, .. }) if tries >= options.tries.max(1) => {
                return Err(error.after(&format!("after {tries} tries: ")));
            }
            Err(Failure::Again { error, at_least }) => {
                tries += 1;
                wait(entry, pause.max(at_least).min(LONGEST_PAUSE), &error.to_string(), progress)?;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Pauses, and asks all the while whether to go on.
fn wait(entry: &Entry, pause: Duration, reason: &str, progress: &mut dyn Progress) -> Result<()> {
    let end = Instant::now() + pause;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        tell(entry, progress, &Event::Retry { reason, pause: left })?;
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(LOOK));
    }
}

fn tell(entry: &Entry, progress: &mut dyn Progress, event: &Event<'_>) -> Result<()> {
    match progress.on(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(interrupted(&entry.name)),
    }
}

/// How many bytes an earlier try left; more than the file has are none of its.
fn left_behind(part: &Path, entry: &Entry) -> u64 {
    match fs::metadata(part) {
        Ok(data) if data.len() <= entry.size => data.len(),
        _ => 0,
    }
}
