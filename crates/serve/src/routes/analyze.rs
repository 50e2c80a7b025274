//! `POST /v1/analyze`: a video in; a job out, its progress, its results.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::IntoResponse;
use futures_util::{Stream, stream};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::{Answer, State, blocking};
use crate::events;
use crate::jobs::{Job, Phase, Place};
use crate::kinds;
use crate::models::AnalyzeOptions;
use crate::problem::Problem;
use crate::query::Words;
use crate::upload::{self, Allowed};

/// How long a video may wait for others to be received.
const TURN: Duration = Duration::from_secs(5);
/// Bytes of a file that are sent at a time.
const PIECE: usize = 64 << 10;
/// Every so many frames are looked at unless the request says otherwise, as `ferrotype analyze` does.
const EVERY: usize = 5;

pub async fn begin(shared: State, uri: Uri, headers: HeaderMap, body: Body) -> Answer {
    let limits = &shared.options.limits;
    if let Some(why) = shared.models.refuses_videos() {
        return Err(Problem::unavailable(why));
    }
    if !shared.jobs.has_room() {
        return Err(shared.jobs.busy());
    }
    let mut words = Words::of_query(uri.query());
    let allowed = Allowed { bytes: limits.video_body, pause: limits.pause, time: limits.video_time };
    let place = blocking(Place::new).await?;
    let name = {
        let busy = || Problem::busy("too many videos are being received", 10);
        let _turn = timeout(TURN, shared.video_uploads.acquire()).await.map_err(|_| busy())?;
        upload::video(&headers, body, allowed, &place.video(), &mut words).await?
    };
    let every = words.number("every", 1, 1000)?.unwrap_or(EVERY);
    let annotated = words.is("annotated")?;
    words.done()?;
    let (kept, video) = (shared.clone(), place.video());
    let is_video = blocking(move || {
        let mut head = Vec::new();
        std::fs::File::open(&video)?.take(kinds::HEAD as u64).read_to_end(&mut head)?;
        let is_video = kinds::is_video(&head);
        kept.keep.as_ref().filter(|_| is_video).map_or(Ok(()), |keep| keep.file(&video, &head))?;
        Ok(is_video)
    });
    if !is_video.await? {
        return Err(Problem::unusable(format!(
            "{name}: it does not begin like a video (MP4, MOV, WebM, Matroska, AVI, MPEG, Ogg, FLV or ASF)"
        )));
    }
    let options =
        AnalyzeOptions { every, max_seconds: limits.video_seconds, max_pixels: limits.pixels, annotated, name };
    let job = shared.jobs.add(place, options)?;
    let mut answer = super::json_with(StatusCode::ACCEPTED, &job.json(&job.state()))?;
    if let Ok(place) = HeaderValue::from_str(&format!("/v1/analyze/{}", job.id)) {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    Ok(answer)
}

pub async fn state(shared: State, Path(id): Path<String>) -> Answer {
    let job = shared.jobs.find(&id)?;
    super::json(&job.json(&job.state()))
}

pub async fn remove(shared: State, Path(id): Path<String>) -> Answer {
    shared.jobs.remove(&id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn events(shared: State, Path(id): Path<String>) -> Answer {
    let job = shared.jobs.find(&id)?;
    events::of_job(&shared, job)
}

pub async fn file(shared: State, Path((id, name)): Path<(String, String)>) -> Answer {
    let job = shared.jobs.find(&id)?;
    let state = job.state();
    if state.phase != Phase::Done {
        return Err(Problem::conflict("the analysis has no results, or none yet: its address says how it stands"));
    }
    let file = state.files.into_iter().find(|file| file.name == name);
    let file = file.ok_or_else(|| Problem::not_found("the analysis has no such file: its address lists them"))?;
    let opened = File::open(&file.path).await.map_err(|e| Problem::reading(&e.into()))?;
    let length = opened.metadata().await.map_err(|e| Problem::reading(&e.into()))?.len();
    let heads = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.media_type)),
        (header::CONTENT_LENGTH, length.into()),
        POLICY,
    ];
    Ok((heads, Body::from_stream(pieces(opened, job))).into_response())
}

/// A file piece by piece. The job is held until it is sent, since its folder goes with it.
fn pieces(file: File, job: Arc<Job>) -> impl Stream<Item = io::Result<Vec<u8>>> {
    stream::unfold((file, job), |(mut file, job)| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(n) => {
                piece.truncate(n);
                Some((Ok(piece), (file, job)))
            }
            Err(e) => Some((Err(e), (file, job))),
        }
    })
}

/// For pages that are not the server's own: no code, nothing from anywhere, an origin of their own.
pub const POLICY: (header::HeaderName, HeaderValue) = (
    header::CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
);
