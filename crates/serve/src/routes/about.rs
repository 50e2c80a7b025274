//! What the server is and how it fares.

use std::sync::atomic::Ordering;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Answer, State};
use crate::metrics::Gauges;

pub const OPENAPI: &str = include_str!("../../assets/openapi.json");

pub async fn health(shared: State) -> Answer {
    super::json(&json!({
        "status": "ok", "version": env!("CARGO_PKG_VERSION"), "token": shared.options.token.is_some(),
    }))
}

pub async fn metrics(shared: State) -> Response {
    let gauges = Gauges { queue: shared.work.depth(), analyses: shared.jobs.open() };
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, shared.metrics.text(&gauges)).into_response()
}

pub async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

pub async fn models(shared: State) -> Answer {
    let limits = &shared.options.limits;
    super::json(&json!({
        "models": shared.models.list(),
        "finds_faces": shared.models.finds_faces(),
        "videos": { "available": shared.models.refuses_videos().is_none(), "why_not": shared.models.refuses_videos() },
        "keeps": shared.keep.is_some(),
        "limits": {
            "body_bytes": limits.body, "pictures": limits.pictures, "pixels": limits.pixels,
            "video_body_bytes": limits.video_body, "video_seconds": limits.video_seconds,
        },
        "connections": shared.metrics.connections.load(Ordering::Relaxed),
    }))
}
