//! The door of private projects' feeds and links: under `/update/…` and `/p/…` their answers are for
//! who has said who they are, or brings a feed key (`?key=`), and every address of a file in them is
//! signed. What the answers say is the handlers' affair.

use actix_web::body::{BoxBody, MessageBody, to_bytes_limited};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, web};
use bytes::Bytes;

use super::access;
use super::fault::Fault;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::error::Error;
use crate::model::Blob;
use crate::ops::privacy::{self, Admitted};

/// Largest answer of a feed.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Lets a request through, and signs what comes back where the project is private.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let app = request.app_data::<web::Data<App>>().cloned();
    let project = project_of(request.path());
    let (Some(app), Some(project)) = (app, project) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    match admitted(&app, &request, &project).await {
        Ok(None) => Ok(next.call(request).await?.map_into_boxed_body()),
        Ok(Some(admitted)) => {
            let mut request = request;
            // An old copy has addresses that have ended.
            request.headers_mut().remove(header::IF_NONE_MATCH);
            request.extensions_mut().insert(admitted.clone());
            let answer = next.call(request).await?.map_into_boxed_body();
            sign(&app, &admitted, answer).await
        }
        Err(error) => Ok(request.error_response(Fault(error))),
    }
}

/// The project in the path of a feed or a link.
fn project_of(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix('/')?.split('/');
    let project = match parts.next()? {
        "update" => parts.nth(1)?,
        "p" => parts.next()?,
        _ => return None,
    };
    Some(decoded(project))
}

/// Who is let in to a private project; none for others.
async fn admitted(
    app: &App,
    request: &ServiceRequest,
    project: &str,
) -> Result<Option<Admitted>, Error> {
    let config = app.config();
    if config
        .projects
        .get(project)
        .is_some_and(|known| !known.private)
    {
        return Ok(None);
    }
    type Pairs = Vec<(String, String)>;
    let pairs = web::Query::<Pairs>::from_query(request.query_string());
    let pairs = pairs.map_or_else(|_| Vec::new(), |pairs| pairs.0);
    let key = pairs.iter().rev().find(|(name, _)| name == "key");
    let key = key.map(|(_, value)| value.as_str());
    let identity = access::admit(Permission::Public, request.request()).await;
    let identity = identity.unwrap_or(Identity::Anonymous { may_read: false });
    match privacy::admit(app, &identity, project, key).await {
        Ok(admitted) if admitted.is_private => Ok(Some(admitted)),
        Ok(_) => Ok(None),
        // The handler has its own words for a project that there is not, and the same for one
        // that may not be seen.
        Err(error) => Err(error),
    }
}

/// Signs the addresses in an answer, which no cache may keep.
async fn sign(
    app: &App,
    admitted: &Admitted,
    answer: ServiceResponse<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if answer.headers().contains_key(header::CONTENT_DISPOSITION) {
        // A file itself.
        return Ok(answer);
    }
    let (request, response) = answer.into_parts();
    let (mut head, body) = response.into_parts();
    let master = app.config().master.url.clone();
    let now = app.clock.now();
    seal(head.headers_mut());
    let location = head.headers().get(header::LOCATION);
    if let Some(place) = location.and_then(|place| place.to_str().ok()) {
        let signed = signed(admitted, &master, place.as_bytes(), false, now);
        if let Ok(value) = HeaderValue::from_bytes(&signed) {
            head.headers_mut().insert(header::LOCATION, value);
        }
    }
    if head.status() != StatusCode::OK {
        return Ok(ServiceResponse::new(request, head.set_body(body)));
    }
    let kind = head.headers().get(header::CONTENT_TYPE);
    let is_xml = kind.is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.contains("xml")));
    let whole = to_bytes_limited(body, ANSWER_BYTES_MAX).await;
    let Ok(Ok(whole)) = whole else {
        let error = Error::internal("the answer of a feed is too large to be signed");
        return Err(Fault(error).into());
    };
    let signed = Bytes::from(signed(admitted, &master, &whole, is_xml, now));
    Ok(ServiceResponse::new(request, head.set_body(signed.boxed())))
}

fn seal(headers: &mut HeaderMap) {
    let private = HeaderValue::from_static("private, no-store");
    headers.insert(header::CACHE_CONTROL, private);
    headers.remove(header::ETAG);
}

/// The text with every address of a file of this master signed.
fn signed(admitted: &Admitted, master: &str, text: &[u8], is_xml: bool, now: Time) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 256);
    let mut rest = text;
    while let Some(at) = find(rest, b"/files/") {
        let (before, behind) = rest.split_at(at);
        let is_ours = before.ends_with(master.as_bytes()) || is_bare(before);
        out.extend_from_slice(before);
        let length = path_length(&behind["/files/".len()..]);
        let (path, later) = behind.split_at("/files/".len() + length);
        rest = later;
        let parts = std::str::from_utf8(&path["/files/".len()..]).ok();
        let parts = parts.and_then(|parts| parts.split_once('/'));
        match parts {
            Some((sha256, name)) if is_ours && Blob::is_sha256(sha256) && !name.is_empty() => {
                let place = admitted.file_path(sha256, &decoded(name), now);
                let place = match is_xml {
                    true => place.replace('&', "&amp;"),
                    false => place,
                };
                out.extend_from_slice(place.as_bytes());
            }
            _ => out.extend_from_slice(path),
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Whether an address that begins here has no host before it.
fn is_bare(before: &[u8]) -> bool {
    before
        .last()
        .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Bytes of a hash, a slash and an encoded name.
fn path_length(text: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%/".contains(byte);
    text.iter()
        .position(|byte| !is_part(byte))
        .unwrap_or(text.len())
}

/// A path's part with `%XX` taken out.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|_| byte == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
