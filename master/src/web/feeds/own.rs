//! `/update/v1/…`: the update feed in our own format.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answers::{Answer, Answers};
use super::{asker, listing};
use crate::app::App;
use crate::error::Error;
use crate::model::Offer;
use crate::ops;
use crate::ops::updates::{Feed, Told};
use crate::updates::formats::{Asset, Listing};
use crate::web::fault::Fault;

/// An answer as applications read it; fields are only ever added.
#[derive(serde::Serialize)]
struct Body<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_version: Option<&'a str>,
    url: &'a str,
    name: &'a str,
    sha256: &'a str,
    size: u64,
    published_at: String,
    build: i64,
    revision: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime: Option<Runtime<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    notes: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    critical: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signatures: Vec<Signature<'a>>,
}

#[derive(serde::Serialize)]
struct Runtime<'a> {
    name: &'a str,
    range: &'a str,
}

#[derive(serde::Serialize)]
struct Signature<'a> {
    scheme: &'static str,
    value: &'a str,
}

/// There is something newer, but not for this machine: without an address, so that nobody takes it
/// for an update.
#[derive(serde::Serialize)]
struct Unsupported<'a> {
    unsupported: bool,
    reason: &'a str,
    version: &'a str,
}

/// `GET /update/v1/{project}/{feed}/{target}?version=&build=&os_version=&runtime=&id=`: 200 with
/// the update, or with the reason why the newest does not run there; 204 when there is none.
pub async fn ask(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    place: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, target) = place.into_inner();
    let asker = asker(&request);
    let make = async || {
        let feed = Feed {
            project,
            token,
            target: target.clone(),
        };
        let reply = ops::updates::ask(&app, feed, asker.clone()).await?;
        let answer = match &reply.answer {
            Told::Offer(offer) => {
                let body = body(offer, &listing(&app, offer))?;
                Answer::new("application/json", body, reply.is_private)
            }
            Told::Unsupported { reason, version } => {
                let body = Unsupported {
                    unsupported: true,
                    reason,
                    version,
                };
                let body = serde_json::to_string(&body).map_err(Error::internal)?;
                Answer::new("application/json", body, reply.is_private)
            }
            Told::UpToDate | Told::ShutOff { .. } | Told::Nothing => {
                Answer::nothing(reply.is_private)
            }
        };
        Ok(answer.of(&reply, &target))
    };
    Ok(answers.serve(&app, &request, &asker, make).await?)
}

fn body(offer: &Offer, listing: &Listing) -> Result<String, Error> {
    let nothing = || Error::internal("an offer without a file");
    let file: &Asset = listing
        .main_file()
        .or(listing.files.first())
        .ok_or_else(nothing)?;
    let product = &offer.product;
    let runtime = product
        .runtime
        .as_ref()
        .map(|(name, range)| Runtime { name, range });
    let signatures = file.signatures.iter().map(|signed| Signature {
        scheme: signed.scheme.as_str(),
        value: &signed.value,
    });
    serde_json::to_string(&Body {
        version: &product.version,
        feed_version: product.feed_version.as_deref(),
        url: &file.url,
        name: &file.name,
        sha256: &file.sha256,
        size: file.size,
        published_at: product.recorded_at.to_string(),
        build: product.build_number,
        revision: &product.revision,
        runtime,
        notes: &product.notes,
        critical: offer.critical,
        signatures: signatures.collect(),
    })
    .map_err(Error::internal)
}
