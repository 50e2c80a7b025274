//! Who is answered, and what browsers are told about every answer.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;
use crate::state::Shared;

/// Nothing but this server's own files; pictures and videos also from the page's memory.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
                           media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", PAGE_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(self), microphone=(), geolocation=()"),
    ("cache-control", "no-store"),
];

/// Counts and times the answer, and adds the headers that it does not have of its own.
pub async fn outer(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let mut response = match refuse(&shared, request.headers(), request.uri()) {
        Err(problem) => problem.into_response(),
        Ok(()) => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    let known = ["GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS"];
    // Methods are the client's words: each would be a line of its own.
    let method = known.into_iter().find(|known| *known == method).unwrap_or("OTHER");
    shared.metrics.answered(method, &route, response.status().as_u16(), began.elapsed());
    if response.status() == 429 {
        shared.metrics.refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    response
}

/// Refuses pages of other origins, names that lead here by a trick, and whoever has no token.
fn refuse(shared: &Shared, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    if hosts.next().is_some() {
        return Err(Problem::bad_request("there are several Host headers"));
    }
    if shared.options.host.is_loopback() && !is_loopback_name(host) {
        return Err(Problem::forbidden(
            "the Host header names another machine: this server listens on loopback, where it is called 127.0.0.1 or localhost",
        ));
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_ours = |origin: &str| ["http://", "https://"].iter().any(|s| origin.strip_prefix(s) == Some(host));
    let is_elsewhere = matches!(text("sec-fetch-site"), Some("cross-site" | "same-site"));
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().is_ok_and(is_ours));
    // A link to the page may stand anywhere; what works does not.
    if origin == Some(false) || (is_elsewhere && !is_open(uri.path())) {
        return Err(Problem::forbidden("pages of other origins are not answered"));
    }
    match &shared.options.token {
        Some(token) if !is_open(uri.path()) => {
            let shown = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
            let shown = shown.get(..7).filter(|s| s.eq_ignore_ascii_case(b"bearer ")).and_then(|_| shown.get(7..));
            if shown.is_some_and(|shown| token.is(shown)) { Ok(()) } else { Err(Problem::unauthorized()) }
        }
        _ => Ok(()),
    }
}

/// What says nothing of models, runs and pictures: the page, which asks for the token itself, and that the server lives.
fn is_open(path: &str) -> bool {
    path == "/" || path == "/health" || path.starts_with("/assets/")
}

/// Whether a Host header names this machine itself, with whatever port: a tunnel has another one.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let is_address = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_address || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_few_names() {
        for host in ["127.0.0.1", "127.0.0.1:7777", "localhost:9", "LOCALHOST", "[::1]:7777", "[::1]", "127.1.2.3:1"] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in
            ["", "evil.example", "evil.example:7777", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]:1"]
        {
            assert!(!is_loopback_name(host), "{host}");
        }
    }
}
