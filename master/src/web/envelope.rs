//! What is true of every answer: a request id, a deadline, security headers, rendered errors, and
//! compression of texts only.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::error::{InternalError, JsonPayloadError, QueryPayloadError};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use futures_util::FutureExt as _;

use super::access::Refusals;
use super::downloads::Downloads;
use super::fault::{self, Fault};
use super::feeds::answers::Answers;
use super::private_feeds;
use super::streams::Streams;
use crate::app::App;
use crate::error::Error;
use crate::routes;

/// A request must be answered (its body read, its answer begun) in this time: longer than the
/// slowest allowed database wait, short enough that idle uploads do not gather.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// The body of an upload takes longer; what has come by then is kept, and the rest is sent by the
/// next request.
const UPLOAD_MAX: Duration = Duration::from_secs(600);
/// Forms hold a few fields of at most 4 KiB and JSON bodies no more: 256 KiB is plenty.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Texts below this size go in one packet as they are: packing them costs time and saves nothing.
const PACKED_BYTES_MIN: u64 = 1_200;
/// No page needs a script, style or image of another origin, nor any of its own inline.
pub const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Headers of every answer that says nothing else; made once, for feeds answer very often.
static PROTECTIONS: [(HeaderName, HeaderValue); 6] = [
    protection("content-security-policy", CONTENT_POLICY),
    protection("x-content-type-options", "nosniff"),
    protection("referrer-policy", "same-origin"),
    protection("cross-origin-opener-policy", "same-origin"),
    protection("x-robots-tag", "noindex"),
    protection("cache-control", "private, no-cache"),
];

const fn protection(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    )
}

/// The number by which an answer and a line in the master's log find each other.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// Another each time, and another after each start of the master; no secret.
    fn random() -> Self {
        // Keys that the library draws once per thread and counts on from: no call of the system.
        let number = RandomState::new().build_hasher().finish();
        Self(format!("{number:016x}"))
    }

    /// The id of `request`.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let found = request.extensions().get::<Self>().cloned();
        found.unwrap_or_else(Self::random)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The whole HTTP application over `app`, for the server and for tests.
pub fn application(
    app: &App,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    actix_web::App::new()
        .app_data(web::Data::new(app.clone()))
        .app_data(web::Data::new(Refusals::default()))
        .app_data(web::Data::new(Answers::default()))
        .app_data(web::Data::new(Streams::default()))
        .app_data(web::Data::new(Downloads::default()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| bad_query(error).into()))
        .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
        .app_data(web::FormConfig::default().limit(BODY_BYTES_MAX))
        .app_data(
            web::JsonConfig::default()
                .limit(BODY_BYTES_MAX)
                .error_handler(|error, _| bad_body(error)),
        )
        .configure(routes::configure)
        .default_service(web::to(nothing_here))
        .wrap(from_fn(private_feeds::guard))
        .wrap(from_fn(seal))
        .wrap(Compress::default())
        .wrap(from_fn(unlabel))
}

/// A body that is not the JSON it should be, told in words of ours. One that is too large keeps its
/// own status.
fn bad_body(error: JsonPayloadError) -> actix_web::Error {
    let text = match &error {
        JsonPayloadError::ContentType => {
            "send JSON, with the header Content-Type: application/json".to_owned()
        }
        JsonPayloadError::Deserialize(cause) => cause.to_string(),
        _ => return error.into(),
    };
    Fault(Error::bad_input("body", text)).into()
}

/// What is wrong behind the `?` of an address, without the library's words for where it noticed.
pub(crate) fn bad_query(error: QueryPayloadError) -> Fault {
    let text = match error {
        QueryPayloadError::Deserialize(cause) => cause.to_string(),
        other => other.to_string(),
    };
    Fault(Error::bad_input("query", text))
}

async fn nothing_here(request: HttpRequest) -> Result<String, Fault> {
    let text = format!("there is nothing at {}", request.path());
    Err(Fault(Error::NotFound(text)))
}

async fn seal(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<BoxBody>>, actix_web::Error> {
    let id = RequestId::random();
    request.extensions_mut().insert(id.clone());
    let brings_file =
        request.method() == Method::PUT && request.path().starts_with("/api/v1/uploads/");
    let time_max = if brings_file { UPLOAD_MAX } else { REQUEST_MAX };
    // The request must not be cloned before routing: the router writes into it.
    let work = AssertUnwindSafe(next.call(request)).catch_unwind();
    let answer = match tokio::time::timeout(time_max, work).await {
        Ok(Ok(answer)) => answer?.map_into_boxed_body(),
        Ok(Err(_)) => return Err(panicked(&id)),
        Err(_) => return Err(too_slow(&id)),
    };
    let mut answer = rendered(answer);
    protect(answer.headers_mut(), &id);
    leave_bytes_alone(&mut answer);
    Ok(answer.map_into_right_body())
}

/// The answer to a request that took too long.
fn too_slow(id: &RequestId) -> actix_web::Error {
    alone(id, StatusCode::REQUEST_TIMEOUT, "the request took too long")
}

/// The answer when a handler hit a broken invariant: only this request is lost. The panic itself
/// was written by the panic hook; this line adds the number that the asker sees.
fn panicked(id: &RequestId) -> actix_web::Error {
    tracing::error!(request = %id, "a handler panicked");
    let text = format!("a fault of ours: the master's log tells more of request {id}");
    alone(id, StatusCode::INTERNAL_SERVER_ERROR, &text)
}

/// An answer made without its request, which is lost with the handler.
fn alone(id: &RequestId, status: StatusCode, text: &str) -> actix_web::Error {
    let mut response = HttpResponse::build(status)
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(format!("{text}\n"));
    protect(response.headers_mut(), id);
    InternalError::from_response(text.to_owned(), response).into()
}

/// Puts a body to errors: those of handlers, of extractors and of the router.
fn rendered(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return answer;
    }
    let request = answer.request().clone();
    if let Some(error) = answer.response().error() {
        let known = error.as_error::<Fault>().map(|fault| &fault.0);
        let raw = error.to_string();
        let response = fault::render(&request, status, known, Some(&raw));
        return ServiceResponse::new(request, response);
    }
    let is_bare = !answer.headers().contains_key(header::CONTENT_TYPE);
    if is_bare && status == StatusCode::METHOD_NOT_ALLOWED {
        let response = fault::render(&request, status, None, None);
        let mut response = ServiceResponse::new(request, response);
        if let Some(allow) = answer.headers().get(header::ALLOW) {
            response.headers_mut().insert(header::ALLOW, allow.clone());
        }
        return response;
    }
    answer
}

/// Headers that a handler has set itself stay (files have a stricter policy).
fn protect(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in &PROTECTIONS {
        if !headers.contains_key(name) {
            headers.insert(name.clone(), value.clone());
        }
    }
}

/// Keeps the compressor off everything but whole texts: ranges, files and event streams go as they
/// are.
fn leave_bytes_alone(answer: &mut ServiceResponse<BoxBody>) {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_text = [
        "text/html",
        "text/css",
        "text/javascript",
        "image/svg",
        "application/json",
    ]
    .iter()
    .any(|prefix| kind.starts_with(prefix));
    let is_whole =
        answer.status() != StatusCode::PARTIAL_CONTENT && answer.request().method() != Method::HEAD;
    let is_small = matches!(answer.response().body().size(),
        BodySize::Sized(bytes) if bytes < PACKED_BYTES_MIN);
    if !(is_text && is_whole) || is_small {
        let identity = HeaderValue::from_static("identity");
        let headers = answer.headers_mut();
        if !headers.contains_key(header::CONTENT_ENCODING) {
            headers.insert(header::CONTENT_ENCODING, identity);
        }
    }
}

/// The compressor leaves alone what is labelled `identity`; the label itself is no coding that may
/// be sent, and some download programs stumble over it.
async fn unlabel(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut answer = next.call(request).await?;
    let headers = answer.headers_mut();
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding == "identity")
    {
        headers.remove(header::CONTENT_ENCODING);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests;
