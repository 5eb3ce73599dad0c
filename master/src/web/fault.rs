//! An error on its way to the asker: the status of each kind, as RFC 9457 JSON under `/api` and
//! `/update`, as a page elsewhere. What stays inside is logged here, once, with the request's id.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};

use super::envelope::RequestId;
use crate::error::Error;

/// What handlers return instead of a response; made by `?` from operation and database errors.
#[derive(Debug)]
pub struct Fault(pub Error);

impl<E: Into<Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        status_of(&self.0)
    }

    /// An empty answer: the envelope renders it, since it knows the request.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// The HTTP status of an error.
#[must_use]
pub fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::BadInput { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) | Error::Foreign => StatusCode::FORBIDDEN,
        Error::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::Conflict(_) | Error::WrongOffset { .. } => StatusCode::CONFLICT,
        Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::NoRoom(_) => StatusCode::INSUFFICIENT_STORAGE,
        Error::Stale(_) => StatusCode::PRECONDITION_FAILED,
        Error::Unguarded(_) => StatusCode::PRECONDITION_REQUIRED,
        Error::Gone(_) => StatusCode::GONE,
        Error::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether answers to this path are read by programs.
#[must_use]
pub fn is_for_programs(path: &str) -> bool {
    ["/api", "/update", "/healthz"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// Whether this asker is a program: by the path, and for files by not asking for a page.
fn wants_problem(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    let is_browser = accept
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    is_for_programs(request.path()) || (request.path().starts_with("/files/") && !is_browser)
}

/// Renders the answer of an error that a handler or an extractor gave.
pub(super) fn render(
    request: &HttpRequest,
    status: StatusCode,
    fault: Option<&Error>,
    raw: Option<&str>,
) -> HttpResponse {
    let id = RequestId::of(request);
    if let Some(Error::Internal(cause)) = fault {
        tracing::error!(request = %id, path = request.path(), "internal error: {}", chain(&**cause));
    }
    let detail = match (fault, raw) {
        (Some(error), _) => error.to_string(),
        (None, Some(raw)) => raw.to_owned(),
        (None, None) => plain_reason(status).to_owned(),
    };
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, "2"));
    }
    if wants_problem(request) {
        problem(&mut response, request, status, &detail, fault, &id)
    } else {
        page(&mut response, request, status, &detail, &id)
    }
}

/// RFC 9457 problem details; `field` names the input at fault.
fn problem(
    response: &mut HttpResponseBuilder,
    request: &HttpRequest,
    status: StatusCode,
    detail: &str,
    fault: Option<&Error>,
    id: &RequestId,
) -> HttpResponse {
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    let mut body = serde_json::json!({
        "type": format!("urn:windlass:problem:{}", slug(status)),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
        "instance": request.path(),
        "request_id": id.to_string(),
    });
    if let Some(Error::BadInput { field, .. }) = fault {
        body["field"] = serde_json::Value::String(field.clone());
    }
    if let Some(Error::WrongOffset { received }) = fault {
        body["received"] = (*received).into();
    }
    response
        .content_type("application/problem+json")
        .body(body.to_string())
}

fn page(
    response: &mut HttpResponseBuilder,
    request: &HttpRequest,
    status: StatusCode,
    detail: &str,
    id: &RequestId,
) -> HttpResponse {
    let body = super::errors::page(request, status, detail, &id.to_string());
    response.insert_header(ContentType::html()).body(body)
}

fn slug(status: StatusCode) -> String {
    status
        .canonical_reason()
        .unwrap_or("error")
        .to_lowercase()
        .replace(' ', "-")
}

fn plain_reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "there is nothing at this address",
        StatusCode::METHOD_NOT_ALLOWED => "this address does not take this method",
        StatusCode::PAYLOAD_TOO_LARGE => "the request is larger than this address takes",
        StatusCode::REQUEST_TIMEOUT => "the request took too long",
        _ => "the request could not be answered",
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
