//! The guard of a write: `If-Match` with the row version that the writer looked at.

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use std::future::{Ready, ready};

use crate::error::Error;
use crate::web::fault::Fault;

/// The row version that `If-Match` names; `None` for `*`, which fits whatever is there.
#[derive(Debug, Clone, Copy)]
pub struct Guard(pub(super) Option<i64>);

impl FromRequest for Guard {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).map(Self).map_err(Fault))
    }
}

fn read(request: &HttpRequest) -> Result<Option<i64>, Error> {
    let Some(value) = request.headers().get(header::IF_MATCH) else {
        return Err(Error::Unguarded(
            "send If-Match with the row_version that you looked at, such as If-Match: \"3\""
                .to_owned(),
        ));
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let bare = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let stale = || Error::Stale("If-Match is no row_version of this: look again".to_owned());
    bare.unwrap_or(text).parse().map(Some).map_err(|_| stale())
}

/// The tag of an answer that shows a row version.
pub(super) fn tag(row_version: i64) -> (header::HeaderName, String) {
    (header::ETAG, format!("\"{row_version}\""))
}
