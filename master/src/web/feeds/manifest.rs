//! `/update/manifest/…`: for the crate self_update, by the Rust triple of the asker.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answers::{Answer, Answers};
use super::{asker, listing};
use crate::app::App;
use crate::ops;
use crate::ops::updates::{Feed, Told};
use crate::updates::formats::manifest::render;
use crate::updates::targets::choose;
use crate::web::fault::Fault;

/// `GET /update/manifest/{project}/{feed}/{triple}/manifest.json`: the current product, or a
/// manifest without releases.
pub async fn ask(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    place: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, triple) = place.into_inner();
    let asker = asker(&request);
    let make = async || {
        let known = ops::feeds::targets(&app, &project, &token).await?;
        let Some(target) = choose(&known, &triple) else {
            return Ok(Answer::new(
                "application/json",
                render(None, &triple),
                false,
            ));
        };
        let feed = Feed {
            project: project.clone(),
            token: token.clone(),
            target: target.to_owned(),
        };
        let reply = ops::updates::current(&app, feed, asker.clone()).await?;
        let listing = match &reply.answer {
            Told::Offer(offer) => Some(listing(&app, offer)),
            _ => None,
        };
        let body = render(listing.as_ref(), &triple);
        let answer = Answer::new("application/json", body, reply.is_private);
        Ok(answer.of(&reply, target))
    };
    Ok(answers.serve(&app, &request, &asker, make).await?)
}
