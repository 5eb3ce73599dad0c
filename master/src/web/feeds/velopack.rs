//! `/update/velopack/…`: for Velopack's clients: the list of packages of a channel, and the packages
//! below the same folder.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answers::{Answer, Answers};
use super::{asker, electron, listing};
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ops;
use crate::ops::updates::{Asker, Feed, Reply, Told};
use crate::updates::formats::Listing;
use crate::updates::formats::velopack::render;
use crate::updates::targets::choose;
use crate::web::fault::Fault;

/// `GET /update/velopack/{project}/{feed}/{name}`: `releases.{channel}.json`, or a package.
pub async fn ask(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    identity: Identity,
    request: HttpRequest,
    place: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, name) = place.into_inner();
    let channel = name.strip_prefix("releases.");
    let Some(channel) = channel.and_then(|rest| rest.strip_suffix(".json")) else {
        let found = ops::feeds::file(&app, &project, &token, &name).await?;
        return electron::serve(app, identity, request, (found.sha256, found.name)).await;
    };
    let asker = asker(&request);
    let make = async || {
        let known = ops::feeds::targets(&app, &project, &token).await?;
        // A channel that names no system is that of the only target.
        let only = || match known.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        };
        let Some(target) = choose(&known, channel).or_else(only) else {
            return Ok(Answer::new("application/json", render(None, None), false));
        };
        let feed = Feed {
            project: project.clone(),
            token: token.clone(),
            target: target.to_owned(),
        };
        let (listing, reply) = current(&app, feed, &asker).await?;
        let body = render(listing.as_ref(), asker.version.as_deref());
        let answer = Answer::new("application/json", body, reply.is_private);
        Ok(answer.of(&reply, target))
    };
    Ok(answers.serve(&app, &request, &asker, make).await?)
}

/// The product that the asker should have; none for one that told its version and has nothing to
/// take, so that it never is moved down, whatever its settings.
async fn current(app: &App, feed: Feed, asker: &Asker) -> Result<(Option<Listing>, Reply), Error> {
    let reply = ops::updates::current(app, feed.clone(), asker.clone()).await?;
    let Told::Offer(offer) = &reply.answer else {
        return Ok((None, reply));
    };
    let listing = listing(app, offer);
    if asker.version.is_some() && asker.version.as_deref() != listing.semantic() {
        let newer = ops::updates::ask(app, feed, asker.clone()).await?;
        if !matches!(newer.answer, Told::Offer(_)) {
            return Ok((None, newer));
        }
    }
    Ok((Some(listing), reply))
}
