//! One try: what is missing of a file is asked for and written behind what is there.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use super::super::cache::{Cache, interrupted};
use super::super::{Entry, Error, ErrorKind, Event, Progress};
use super::address::shown;
use super::client::Client;
use super::{Source, left_behind};

/// Bytes that are read at once.
const PIECE: usize = 1 << 16;

/// Why a try gave no file.
#[derive(Debug)]
pub(super) enum Failure {
    /// This address will not give it.
    Final(Error),
    /// Another try may.
    Again { error: Error, at_least: Duration },
}

impl Failure {
    pub(super) fn again(error: Error) -> Self {
        Self::Again { error, at_least: Duration::ZERO }
    }
}

type Outcome<T> = std::result::Result<T, Failure>;

/// Tries once; all bytes are in `part` afterwards, unchecked. Says whether some of them were there before.
pub(super) fn attempt(
    entry: &Entry,
    source: &Source,
    client: &Client<'_>,
    part: &Path,
    cache: &Cache,
    progress: &mut dyn Progress,
) -> Outcome<bool> {
    let url = shown(&source.url);
    let from = left_behind(part, entry);
    tell(entry, progress, &Event::Source { url: &url, from })?;
    if from == entry.size {
        return Ok(true);
    }
    let response = client.get(source, from)?;
    let start = match begin(&response, from, entry, &url)? {
        Some(start) => start,
        None => {
            // The server has no such range: what is there cannot be the beginning of its file.
            std::fs::remove_file(part).map_err(|e| Failure::Final(cache.unwritable(part, &e)))?;
            let message = format!("{url} has nothing from byte {from} on: begun anew");
            return Err(Failure::again(Error::new(ErrorKind::Network, message)));
        }
    };
    let file = open(part, start).map_err(|e| Failure::Final(cache.unwritable(part, &e)))?;
    let mut body = response.into_body().into_reader();
    copy(entry, &mut body, file, start, &url, (part, cache), progress)?;
    Ok(start > 0)
}

/// At which byte of the file the answer begins; None where the server refuses the range.
fn begin(response: &Response<Body>, from: u64, entry: &Entry, url: &str) -> Outcome<Option<u64>> {
    let status = response.status();
    let start = match status {
        StatusCode::OK => 0,
        StatusCode::PARTIAL_CONTENT => match content_range(response) {
            Some((first, total)) if first == from && total.is_none_or(|t| t == entry.size) => from,
            _ => return Ok(None),
        },
        StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => return Ok(None),
        _ => return Err(refusal(response, url)),
    };
    let number = |name| response.headers().get(name).and_then(|v| v.to_str().ok()?.trim().parse::<u64>().ok());
    match number(header::CONTENT_LENGTH) {
        Some(length) if length != entry.size - start => {
            let message = format!(
                "{url} offers {} bytes instead of {}: another version of the file, or a page of the network (a sign-in, an \
                 error) in its place",
                length.saturating_add(start),
                entry.size
            );
            Err(Failure::Final(Error::new(ErrorKind::Size, message)))
        }
        _ => Ok(Some(start)),
    }
}

/// First byte and whole length of `Content-Range: bytes 5-9/10`.
fn content_range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let text = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    let first = range.split_once('-')?.0.trim().parse().ok()?;
    Some((first, total.trim().parse().ok()))
}

/// The failure of an answer that is no file.
fn refusal(response: &Response<Body>, url: &str) -> Failure {
    let status = response.status();
    let meaning = match status.as_u16() {
        401 | 407 => {
            ": a name and password are asked for (in FERROTYPE_MIRROR or the proxy's variable: https://NAME:PASSWORD@...)"
        }
        403 => ": the server does not allow it",
        404 | 410 => ": the file is not there (any more)",
        429 => ": the server is asked too often",
        500..=599 => ": the server has trouble of its own",
        _ => "",
    };
    let error = Error::new(ErrorKind::Status, format!("{url} answers {}{meaning}", status.as_u16()));
    let is_passing = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    if !is_passing {
        return Failure::Final(error);
    }
    let seconds = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
    Failure::Again { error, at_least: Duration::from_secs(seconds.unwrap_or(0)) }
}

fn open(part: &Path, start: u64) -> std::io::Result<File> {
    let file = OpenOptions::new().create(true).write(true).append(start > 0).truncate(start == 0).open(part)?;
    if start > 0 {
        file.set_len(start)?;
    }
    Ok(file)
}

/// Writes what comes, and never more than the file has.
fn copy(
    entry: &Entry,
    body: &mut dyn Read,
    mut file: File,
    start: u64,
    url: &str,
    (part, cache): (&Path, &Cache),
    progress: &mut dyn Progress,
) -> Outcome<()> {
    let mut piece = vec![0; PIECE];
    let mut done = start;
    let cut = |done: u64, why: &str| {
        let message = format!("{url} broke off after {done} of {} bytes{why}", entry.size);
        Failure::again(Error::new(ErrorKind::Network, message))
    };
    loop {
        let n = match body.read(&mut piece) {
            Ok(0) if done == entry.size => return Ok(()),
            Ok(0) => return Err(cut(done, "")),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(cut(done, &format!(": {e}"))),
        };
        if done + n as u64 > entry.size {
            drop(file);
            // What is longer is another file; nothing of it is kept.
            let _ = std::fs::remove_file(part);
            let message = format!("{url} gives more than the {} bytes of the file: another version of it", entry.size);
            return Err(Failure::Final(Error::new(ErrorKind::Size, message)));
        }
        file.write_all(&piece[..n]).map_err(|e| Failure::Final(cache.unwritable(part, &e)))?;
        done += n as u64;
        tell(entry, progress, &Event::Bytes { done, total: entry.size })?;
    }
}

fn tell(entry: &Entry, progress: &mut dyn Progress, event: &Event<'_>) -> Outcome<()> {
    match progress.on(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Failure::Final(interrupted(&entry.name))),
    }
}
