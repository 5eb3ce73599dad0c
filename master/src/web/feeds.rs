//! `/update/…`: update feeds, one module per family of clients, and `/p/…`, stable links for
//! people and scripts. Odd input never is an error: keys that are not known are ignored, values
//! that make no sense count as not given. What an answer says is `updates::formats`'.

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web;

use crate::app::App;
use crate::error::Error;
use crate::model::Offer;
use crate::ops::updates::Asker;
use crate::updates::formats::Listing;

pub mod answers;
pub mod appcast;
pub mod electron;
pub mod links;
pub mod manifest;
pub mod own;
pub mod tauri;
pub mod velopack;
pub mod zsync;

/// Longest text of an asker that is looked at.
const TEXT_BYTES_MAX: usize = 256;
/// Under this header electron-updater tells an id that stays.
const STAGING_ID: &str = "x-user-staging-id";

/// What the asker says of itself, in the words of any client; of a key that stands twice the last
/// counts.
fn asker(request: &HttpRequest) -> Asker {
    type Pairs = Vec<(String, String)>;
    let mut asker = Asker::default();
    let id = request.headers().get(STAGING_ID);
    asker.id = id.and_then(|id| id.to_str().ok()).and_then(said);
    let query = request.query_string();
    if query.is_empty() {
        return asker;
    }
    let pairs = web::Query::<Pairs>::from_query(query).map_or_else(|_| Vec::new(), |q| q.0);
    for (key, value) in pairs {
        match key.as_str() {
            "version" | "localVersion" => asker.version = said(&value),
            "build" => asker.build = value.trim().parse().ok(),
            "os_version" => asker.os_version = said(&value),
            "runtime" => asker.runtime = said(&value),
            "id" | "stagingId" => asker.id = said(&value),
            "force" => asker.force = value == "1" || value == "true",
            _ => {}
        }
    }
    asker
}

/// A text that says something.
fn said(text: &str) -> Option<String> {
    let fits = (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.contains('\0');
    fits.then(|| text.to_owned())
}

/// An offer with whole addresses.
fn listing(app: &App, offer: &Offer) -> Listing {
    Listing::of(&app.config().master.url, offer)
}

/// What is said where an address of a feed has no product behind it.
fn nothing_offered() -> Error {
    Error::NotFound("nothing is offered here: no build that may be had".to_owned())
}

/// Whether `If-None-Match` names the tag, weakly compared.
fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let strong = tag.trim_start_matches("W/");
    request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known == strong)
}

#[cfg(test)]
mod tests;
