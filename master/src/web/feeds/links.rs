//! `/p/…`: addresses that stay while what stands behind them moves: the newest build, the last good
//! one, the one with a label; sums, a feed for readers, a badge.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::answers::{Answer, Answers};
use super::{asker, listing};
use crate::app::App;
use crate::error::Error;
use crate::ops;
use crate::ops::feeds::Pick;
use crate::updates::formats::{Asset, Listing, atom, badge, sums};
use crate::web::fault::Fault;

/// What is meant can change at any time; a minute spares the database.
const CACHING: &str = "public, max-age=60";

type Place = (String, String, String);

/// The product that the words behind a target mean.
fn pick(kind: &str, which: Option<&str>) -> Option<Pick> {
    Some(match (kind, which) {
        ("latest", None) => Pick::Latest,
        ("last-good", None) => Pick::LastGood,
        ("last-kept", None) => Pick::LastKept,
        ("last-released", None) => Pick::LastReleased,
        ("by-label", Some(label)) => Pick::Label(label.to_owned()),
        ("build", Some(number)) => Pick::Build(number.parse().ok()?),
        _ => return None,
    })
}

fn unknown() -> Error {
    Error::NotFound(
        "there is no such link: latest, last-good, last-kept, last-released, by-label/LABEL and \
         build/NUMBER are known, each with a role behind it if need be, and SHA256SUMS, feed.atom \
         and badge.svg"
            .to_owned(),
    )
}

/// `GET /p/{project}/{feed}/feed.atom`: what was recorded for any target of the branch.
pub async fn branch_feed(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    place: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token) = place.into_inner();
    let asker = asker(&request);
    let make = async || feed(&app, &request, (&project, &token), None).await;
    Ok(answers.serve(&app, &request, &asker, make).await?)
}

/// `GET /p/{project}/{feed}/{target}/{what}`.
pub async fn short(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    place: web::Path<(String, String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, target, what) = place.into_inner();
    let asker = asker(&request);
    let place = (project, token, target);
    if let Some(pick) = pick(&what, None) {
        return redirect(&app, &place, pick, None).await;
    }
    let make = async || match what.as_str() {
        "SHA256SUMS" => sums_of(&app, &place, Pick::Latest).await,
        "feed.atom" => feed(&app, &request, (&place.0, &place.1), Some(&place.2)).await,
        "badge.svg" => badge_of(&app, &place).await,
        _ => Err(unknown()),
    };
    Ok(answers.serve(&app, &request, &asker, make).await?)
}

/// `GET /p/{project}/{feed}/{target}/{what}/{which}`: a role of what is meant, or a label's or
/// build's product.
pub async fn long(
    app: web::Data<App>,
    request: HttpRequest,
    place: web::Path<(String, String, String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, target, what, which) = place.into_inner();
    let place = (project, token, target);
    if let Some(pick) = pick(&what, Some(&which)) {
        return redirect(&app, &place, pick, None).await;
    }
    let pick = pick(&what, None).ok_or_else(unknown)?;
    told(&app, &request, &place, pick, &which).await
}

/// `GET /p/{project}/{feed}/{target}/{what}/{which}/{role}`.
pub async fn longest(
    app: web::Data<App>,
    request: HttpRequest,
    place: web::Path<(String, String, String, String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, target, what, which, role) = place.into_inner();
    let pick = pick(&what, Some(&which)).ok_or_else(unknown)?;
    told(&app, &request, &(project, token, target), pick, &role).await
}

/// A role, or the sums of all files.
async fn told(
    app: &App,
    request: &HttpRequest,
    place: &Place,
    pick: Pick,
    role: &str,
) -> Result<HttpResponse, Fault> {
    if role == "SHA256SUMS" {
        return Ok(sums_of(app, place, pick).await?.send(request));
    }
    redirect(app, place, pick, Some(role)).await
}

/// 302 to the immutable file: the one an application installs, or the first of a role.
async fn redirect(
    app: &App,
    place: &Place,
    pick: Pick,
    role: Option<&str>,
) -> Result<HttpResponse, Fault> {
    let listing = picked(app, place, pick).await?;
    let missing = || {
        let role = role.unwrap_or("installer");
        Error::NotFound(format!(
            "{} has no file of the role `{role}`",
            listing.version
        ))
    };
    let file: Option<&Asset> = match role {
        Some(role) => listing.files.iter().find(|file| file.role == role),
        None => listing.main_file().or(listing.files.first()),
    };
    let file = file.ok_or_else(missing)?;
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, file.url.clone()))
        .insert_header((header::CACHE_CONTROL, CACHING))
        .finish())
}

async fn picked(app: &App, place: &Place, pick: Pick) -> Result<Listing, Error> {
    let (project, token, target) = place;
    let offer = ops::feeds::pick(app, project, token, target, pick).await?;
    Ok(listing(app, &offer))
}

async fn sums_of(app: &App, place: &Place, pick: Pick) -> Result<Answer, Error> {
    let listing = picked(app, place, pick).await?;
    let text = sums::render(&listing.files);
    Ok(Answer::new("text/plain; charset=utf-8", text, false))
}

async fn feed(
    app: &App,
    request: &HttpRequest,
    (project, token): (&str, &str),
    target: Option<&str>,
) -> Result<Answer, Error> {
    let (branch, offers) = ops::feeds::recent(app, project, token, target).await?;
    let items: Vec<Listing> = offers.iter().map(|offer| listing(app, offer)).collect();
    let own = format!("{}{}", app.config().master.url, request.path());
    let xml = atom::render(&format!("{project} {branch}"), &own, &items);
    Ok(Answer::new(
        "application/atom+xml; charset=utf-8",
        xml,
        false,
    ))
}

async fn badge_of(app: &App, place: &Place) -> Result<Answer, Error> {
    let told = match picked(app, place, Pick::Latest).await {
        Ok(listing) => Some(listing.version),
        Err(Error::NotFound(_)) => None,
        Err(other) => return Err(other),
    };
    let text = told.as_deref().unwrap_or("no build");
    let svg = badge::render(&place.0, text, told.is_some());
    Ok(Answer::new("image/svg+xml", svg, false))
}
