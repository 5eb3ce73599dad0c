//! `/update/v1/…`: the update feed in our own format. Odd input never is an error: keys that are
//! not known are ignored, values that make no sense count as not given.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest as _, Sha256};

use super::fault::Fault;
use super::files::is_known;
use crate::app::App;
use crate::error::Error;
use crate::ops::updates::{Asker, Feed, Offer, Told};
use crate::{ops, updates};

/// Answers are the same for everybody who asks the same, for a minute.
const CACHING: &str = "public, max-age=60";
/// While a rollout is under way the next asker may be told something else.
const PRIVATE: &str = "private, max-age=60";

/// An answer as applications read it; fields are only ever added.
#[derive(serde::Serialize)]
struct Body<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_version: Option<&'a str>,
    url: &'a str,
    name: &'a str,
    sha256: &'a str,
    size: i64,
    published_at: String,
    build: i64,
    revision: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime: Option<Runtime<'a>>,
}

#[derive(serde::Serialize)]
struct Runtime<'a> {
    name: &'a str,
    range: &'a str,
}

/// `GET /update/v1/{project}/{feed}/{target}?version=&build=&os_version=&runtime=&id=`: 200 with
/// the update, 204 when there is none for the asker.
pub async fn ask(
    app: web::Data<App>,
    request: HttpRequest,
    place: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, target) = place.into_inner();
    let feed = Feed {
        project,
        token,
        target,
    };
    let reply = ops::updates::ask(&app, feed, asker(request.query_string())).await?;
    let caching = if reply.is_private { PRIVATE } else { CACHING };
    let Told::Offer(offer) = &reply.answer else {
        return Ok(HttpResponse::NoContent()
            .insert_header((header::CACHE_CONTROL, caching))
            .finish());
    };
    let body = body(&app.config().master.url, offer)?;
    let tag = tag(&body);
    let is_known = is_known(request.headers(), &tag);
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::ETAG, tag));
    if is_known {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(response.content_type("application/json").body(body))
}

/// What the asker says of itself; of a key that stands twice the last counts.
fn asker(query: &str) -> Asker {
    type Pairs = Vec<(String, String)>;
    let pairs = web::Query::<Pairs>::from_query(query).map_or_else(|_| Vec::new(), |q| q.0);
    let mut asker = Asker::default();
    for (key, value) in pairs {
        match key.as_str() {
            "version" => asker.version = Some(value),
            "build" => asker.build = value.trim().parse().ok(),
            "os_version" => asker.os_version = Some(value),
            "runtime" => asker.runtime = Some(value),
            "id" => asker.id = Some(value),
            _ => {}
        }
    }
    asker
}

fn body(master: &str, offer: &Offer) -> Result<String, Error> {
    let nothing = || Error::internal("an offer without a file");
    let file = offer.main_file().ok_or_else(nothing)?;
    let product = &offer.product;
    let runtime = product
        .runtime
        .as_ref()
        .map(|(name, range)| Runtime { name, range });
    serde_json::to_string(&Body {
        version: &product.version,
        feed_version: product.feed_version.as_deref(),
        url: &format!("{master}{}", updates::file_path(&file.sha256, &file.name)),
        name: &file.name,
        sha256: &file.sha256,
        size: file.size,
        published_at: product.recorded_at.to_string(),
        build: product.build_number,
        revision: &product.revision,
        runtime,
    })
    .map_err(Error::internal)
}

/// Weak, because the body may be compressed on its way.
fn tag(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    let digits: String = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
    format!("W/\"{digits}\"")
}

#[cfg(test)]
mod tests;
