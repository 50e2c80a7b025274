//! Errors as `application/problem+json` (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::models::Fault;

/// Why a request was not answered as it wished.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub status: StatusCode,
    /// The last part of `type`, for programs.
    pub kind: &'static str,
    pub title: &'static str,
    /// What was wrong, and how to mend it.
    pub detail: String,
    /// Seconds after which another try makes sense.
    pub retry_after: Option<u64>,
}

impl Problem {
    const fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: String) -> Self {
        Self { status, kind, title, detail, retry_after: None }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be understood", detail.into())
    }

    pub fn unauthorized() -> Self {
        let detail = "this server answers who shows its token: send the header `Authorization: Bearer TOKEN`";
        Self::new(StatusCode::UNAUTHORIZED, "token", "A token is needed", detail.into())
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "stranger", "The request comes from elsewhere", detail.into())
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail.into())
    }

    pub fn method(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", "The address takes another method", detail.into())
    }

    pub fn slow(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow", "The request took too long to arrive", detail.into())
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "not-finished", "It is not finished", detail.into())
    }

    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "There is too much of it", detail.into())
    }

    pub fn media_type(detail: impl Into<String>) -> Self {
        let title = "The body is of a kind that is not taken";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", title, detail.into())
    }

    pub fn unusable(detail: impl Into<String>) -> Self {
        let title = "The picture or video cannot be used";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unusable", title, detail.into())
    }

    pub fn busy(detail: impl Into<String>, retry_after: u64) -> Self {
        let title = "There is too much to do";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", title, detail.into());
        Self { retry_after: Some(retry_after), ..problem }
    }

    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "unavailable", "This server cannot do that", detail.into())
    }

    pub fn overdue(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "overdue", "It took too long", detail.into());
        Self { retry_after: Some(10), ..problem }
    }

    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed", detail.into())
    }

    pub fn json(&self) -> Value {
        json!({
            "type": format!("urn:ferrotype:problem:{}", self.kind), "title": self.title, "status": self.status.as_u16(),
            "detail": self.detail,
        })
    }

    /// Of something that is known by its place in the request.
    pub fn of(fault: Fault, what: &str) -> Self {
        let detail = format!("{what}: {fault}");
        match fault {
            Fault::Input(_) => Self::unusable(detail),
            Fault::TooLarge(_) => Self::too_large(detail),
            Fault::Unavailable(_) => Self::unavailable(detail),
            Fault::Stopped => Self::overdue(detail),
            Fault::Internal(_) => {
                // What failed inside is for the one who runs the server.
                eprintln!("error: {detail}");
                Self::internal(format!("{what}: the server's terminal says why"))
            }
        }
    }

    /// Of files of the server's own.
    pub fn reading(error: &anyhow::Error) -> Self {
        eprintln!("error: {error:#}");
        Self::internal("a file of the server cannot be read; its terminal says why")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let media_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, media_type, self.json().to_string()).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            // The rest of the body is not read.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
