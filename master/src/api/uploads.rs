//! `/api/v1/uploads`: the bytes of a file, in as many requests as it takes.

use actix_web::http::header;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ids::UploadId;
use crate::model::{Upload, UploadSpan};
use crate::ops;
use crate::web::fault::Fault;

/// Tells how far a file is: `received` and the header `Upload-Offset` are the next byte to send.
#[utoipa::path(get, path = "/api/v1/uploads/{id}", params(("id" = UploadId, Path)),
    responses((status = 200, body = Upload)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<UploadId>,
) -> Result<HttpResponse, Fault> {
    let upload = ops::uploads::show(&app, &identity, *id).await?;
    Ok(told(HttpResponse::Ok(), upload))
}

/// Takes bytes of a file: all of it, or those that `Content-Range` names. What came stays when the
/// request breaks off; bytes at another place than `received` answer 409 with `received`.
#[utoipa::path(put, path = "/api/v1/uploads/{id}",
    params(("id" = UploadId, Path),
        ("Content-Range" = Option<String>, Header, description = "`bytes FIRST-LAST/TOTAL`")),
    request_body(content_type = "application/octet-stream"),
    responses((status = 200, body = Upload),
        (status = 409, description = "The file goes on at `received`"),
        (status = 507, description = "There is no room")))]
pub async fn receive(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: Path<UploadId>,
    body: Payload,
) -> Result<HttpResponse, Fault> {
    let span = span(&request)?;
    let upload = ops::uploads::receive(&app, &identity, *id, span, body).await?;
    Ok(told(HttpResponse::Ok(), upload))
}

fn told(mut response: HttpResponseBuilder, upload: Upload) -> HttpResponse {
    response
        .insert_header(("Upload-Offset", upload.received))
        .insert_header(("Upload-Length", upload.size))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(upload)
}

/// What the request says it brings. Without a range it is the whole file.
fn span(request: &HttpRequest) -> Result<UploadSpan, Error> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    let Some(value) = request.headers().get(header::CONTENT_RANGE) else {
        return Ok(UploadSpan {
            first: 0,
            end: length,
            total: None,
        });
    };
    let range = value.to_str().ok().and_then(parse);
    let Some((first, last, total)) = range else {
        let text = "`bytes FIRST-LAST/TOTAL` is expected, such as `bytes 0-1048575/5000000`";
        return Err(Error::bad_input("Content-Range", text));
    };
    let end = last + 1;
    if length.is_some_and(|length| length != end - first) {
        let text = "Content-Length is another number of bytes than the range has";
        return Err(Error::bad_input("Content-Range", text));
    }
    Ok(UploadSpan {
        first,
        end: Some(end),
        total,
    })
}

/// First, last and total of `bytes 0-99/1000`; the total may be `*`.
fn parse(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (first, last) = (number(first)?, number(last)?);
    let total = match total {
        "*" => None,
        total => Some(number(total)?),
    };
    (first <= last && last < u64::MAX).then_some((first, last, total))
}

#[cfg(test)]
mod tests {
    //! Ranges as programs write them.

    use super::*;

    #[test]
    fn a_range_is_read_strictly() {
        assert_eq!(parse("bytes 0-99/1000"), Some((0, 99, Some(1000))));
        assert_eq!(parse("bytes 7-7/*"), Some((7, 7, None)));
        for bad in [
            "",
            "bytes",
            "bytes 0-99",
            "bytes */100",
            "bytes 9-3/10",
            "bytes +1-2/3",
            "bytes -1/3",
            "bytes 1-/3",
            "items 0-1/2",
            "bytes 0-18446744073709551615/1",
            "bytes 0-99999999999999999999/1",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
