//! The addresses.

mod about;
mod analyze;
mod page;
mod predict;
mod runs;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Serialize;

use crate::guard;
use crate::problem::Problem;
use crate::state::Shared;

type State = axum::extract::State<Arc<Shared>>;
type Answer = Result<Response, Problem>;

/// All addresses with their methods, as `openapi.json` describes them.
fn table() -> Vec<(&'static str, MethodRouter<Arc<Shared>>)> {
    vec![
        ("/", get(page::index)),
        ("/assets/{name}", get(page::asset)),
        ("/health", get(about::health)),
        ("/metrics", get(about::metrics)),
        ("/v1/openapi.json", get(about::openapi)),
        ("/v1/models", get(about::models)),
        ("/v1/predict", post(predict::predict)),
        ("/v1/analyze", post(analyze::begin)),
        ("/v1/analyze/{id}", get(analyze::state).delete(analyze::remove)),
        ("/v1/analyze/{id}/events", get(analyze::events)),
        ("/v1/analyze/{id}/files/{file}", get(analyze::file)),
        ("/v1/runs", get(runs::list)),
        ("/v1/runs/{name}", get(runs::one)),
        ("/v1/runs/{name}/report", get(runs::report)),
        ("/v1/runs/{name}/events", get(runs::events)),
        ("/v1/sweeps", get(runs::sweeps)),
        ("/v1/sweeps/{name}", get(runs::sweep)),
        ("/v1/sweeps/{name}/report", get(runs::sweep_report)),
    ]
}

/// Everything that is answered.
pub fn router(shared: Arc<Shared>) -> Router {
    let routes = table().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    routes
        .fallback(async || Problem::not_found("no such address: /v1/openapi.json lists those there are"))
        .method_not_allowed_fallback(async || Problem::method("/v1/openapi.json says which methods it takes"))
        // Bodies are counted by `upload`, each kind with its own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(shared.clone(), guard::outer))
        .with_state(shared)
}

fn json(value: &impl Serialize) -> Answer {
    json_with(StatusCode::OK, value)
}

fn json_with(status: StatusCode, value: &impl Serialize) -> Answer {
    let text = serde_json::to_string(value).map_err(|e| Problem::reading(&e.into()))?;
    Ok((status, [(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// Work that waits for the disk, away from the threads that answer.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Problem::reading(&e.into()))?.map_err(|e| Problem::reading(&e))
}

#[cfg(test)]
mod tests;
