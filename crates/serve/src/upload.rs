//! Bodies of requests, read within their limits: bytes, pauses, the time in all.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use futures_util::{Stream, StreamExt, stream};
use multer::{Field, Multipart};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use crate::problem::Problem;
use crate::query::Words;

/// The most bytes of a field that is no file.
const WORD: usize = 4096;
/// The most fields of a form, files and words.
const FIELDS: usize = 256;

/// What a body may take.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    pub bytes: u64,
    pub pause: Duration,
    pub time: Duration,
}

/// A file of a request, with the name that its sender gives it, which is only ever shown.
#[derive(Clone, Debug)]
pub struct Sent {
    pub name: String,
    pub bytes: Bytes,
}

/// The pieces of a body, up to the first problem.
fn pieces(body: Body, allowed: Allowed) -> impl Stream<Item = Result<Bytes, Problem>> + Send {
    let end = Instant::now() + allowed.time;
    let state = Some((body.into_data_stream(), 0u64));
    stream::unfold(state, move |state| async move {
        let (mut body, read) = state?;
        let until = end.min(Instant::now() + allowed.pause);
        let problem = match timeout_at(until, body.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(piece))) => {
                let read = read + piece.len() as u64;
                if read <= allowed.bytes {
                    return Some((Ok(piece), Some((body, read))));
                }
                too_large(allowed)
            }
            Ok(Some(Err(e))) => Problem::bad_request(format!("the body ends before it is complete: {e}")),
            Err(_) => Problem::slow(format!(
                "the body paused for more than {} s, or took more than {} s in all",
                allowed.pause.as_secs(),
                allowed.time.as_secs()
            )),
        };
        Some((Err(problem), None))
    })
}

fn too_large(allowed: Allowed) -> Problem {
    Problem::too_large(format!("the body has more than {} bytes", allowed.bytes))
}

/// Refuses by its head what would be refused in the end, and what is compressed: no decoder runs before the limits.
fn check_head(headers: &HeaderMap, allowed: Allowed) -> Result<(), Problem> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::media_type("bodies are taken as they are: leave out Content-Encoding"));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if length.is_some_and(|length| length > allowed.bytes) { Err(too_large(allowed)) } else { Ok(()) }
}

enum Form {
    Raw(Body),
    Parts(Multipart<'static>),
}

fn form(headers: &HeaderMap, body: Body, kinds: &[&str], allowed: Allowed) -> Result<Form, Problem> {
    check_head(headers, allowed)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    if kind.starts_with("multipart/form-data") {
        let boundary = multer::parse_boundary(&kind).map_err(|e| Problem::bad_request(e.to_string()))?;
        return Ok(Form::Parts(Multipart::new(pieces(body, allowed), boundary)));
    }
    if kinds.iter().any(|known| kind.starts_with(known)) || kind == "application/octet-stream" {
        return Ok(Form::Raw(body));
    }
    Err(Problem::media_type(format!(
        "the body is `{}`: expected multipart/form-data with files, or one file as {}* or application/octet-stream",
        kind.chars().take(60).collect::<String>(),
        kinds.join("*, ")
    )))
}

/// The pictures of a request. Fields of a form that are no files are added to the words.
pub async fn pictures(
    headers: &HeaderMap,
    body: Body,
    allowed: Allowed,
    most: usize,
    words: &mut Words,
) -> Result<Vec<Sent>, Problem> {
    let mut sent = Vec::new();
    match form(headers, body, &["image/"], allowed)? {
        Form::Raw(body) => {
            let mut pieces = pin!(pieces(body, allowed));
            let mut bytes = Vec::new();
            while let Some(piece) = pieces.next().await {
                bytes.extend_from_slice(&piece?);
            }
            sent.push(Sent { name: "picture".into(), bytes: bytes.into() });
        }
        Form::Parts(mut parts) => {
            for _ in 0..FIELDS {
                let Some(field) = parts.next_field().await.map_err(broken)? else { return some(sent) };
                if field.file_name().is_none() {
                    word(field, words).await?;
                    continue;
                }
                if sent.len() == most {
                    return Err(Problem::too_large(format!("more than {most} pictures in one request")));
                }
                let name = shown_name(&field);
                sent.push(Sent { name, bytes: field.bytes().await.map_err(broken)? });
            }
            return Err(Problem::too_large(format!("the form has more than {FIELDS} fields")));
        }
    }
    some(sent)
}

fn some(sent: Vec<Sent>) -> Result<Vec<Sent>, Problem> {
    if sent.is_empty() {
        return Err(Problem::bad_request("the form has no file: send at least one picture with a file name"));
    }
    Ok(sent)
}

/// Writes the video of a request into the file, which exists already and is the server's own. Gives the name that its sender
/// has for it.
pub async fn video(
    headers: &HeaderMap,
    body: Body,
    allowed: Allowed,
    file: &Path,
    words: &mut Words,
) -> Result<String, Problem> {
    let mut name = None;
    match form(headers, body, &["video/"], allowed)? {
        Form::Raw(body) => {
            let mut pieces = pin!(pieces(body, allowed));
            let mut out = open(file).await?;
            while let Some(piece) = pieces.next().await {
                out.write_all(&piece?).await.map_err(unwritten)?;
            }
            out.flush().await.map_err(unwritten)?;
            name = Some("video".to_owned());
        }
        Form::Parts(mut parts) => {
            for _ in 0..FIELDS {
                let Some(mut field) = parts.next_field().await.map_err(broken)? else { break };
                if field.file_name().is_none() {
                    word(field, words).await?;
                    continue;
                }
                if name.is_some() {
                    return Err(Problem::bad_request("one video at a time"));
                }
                name = Some(shown_name(&field));
                let mut out = open(file).await?;
                while let Some(piece) = field.chunk().await.map_err(broken)? {
                    out.write_all(&piece).await.map_err(unwritten)?;
                }
                out.flush().await.map_err(unwritten)?;
            }
        }
    }
    name.ok_or_else(|| Problem::bad_request("the form has no file: send a video with a file name"))
}

async fn open(file: &Path) -> Result<File, Problem> {
    File::create(file).await.map_err(unwritten)
}

fn unwritten(error: std::io::Error) -> Problem {
    Problem::reading(
        &anyhow::Error::new(error).context("a video cannot be written into the folder for temporary files"),
    )
}

async fn word(mut field: Field<'_>, words: &mut Words) -> Result<(), Problem> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut value = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        value.extend_from_slice(&piece);
        if value.len() > WORD {
            return Err(Problem::too_large(format!("the field `{name}` has more than {WORD} bytes")));
        }
    }
    let value = String::from_utf8(value);
    words.add(&name, value.map_err(|_| Problem::bad_request(format!("the field `{name}` is not UTF-8")))?);
    Ok(())
}

/// The last part of the sender's name for a file, without what terminals and pages could take for something else.
fn shown_name(field: &Field) -> String {
    let name = field.file_name().unwrap_or_default();
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|c| !c.is_control()).take(120).collect();
    if shown.is_empty() { "unnamed".into() } else { shown }
}

/// What was wrong with a form; a problem of its body comes through as it was.
fn broken(error: multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<Problem>() {
            Ok(problem) => *problem,
            Err(cause) => Problem::bad_request(format!("the form cannot be read: {cause}")),
        },
        other => Problem::bad_request(format!("the form cannot be read: {other}")),
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}
