//! `/update/appcast/…`: for Sparkle and WinSparkle, an item per target of a system.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answers::{Answer, Answers};
use super::{asker, listing};
use crate::app::App;
use crate::ops;
use crate::ops::updates::{Feed, Told};
use crate::updates::formats::appcast::render;
use crate::updates::targets::all_for;
use crate::web::fault::Fault;

/// Items of one feed: processors of a system.
const ITEMS_MAX: usize = 8;

/// `GET /update/appcast/{project}/{feed}/{os}.xml`: the current products of that system; a feed
/// without items where nothing is offered.
pub async fn ask(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    place: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, os) = place.into_inner();
    let asker = asker(&request);
    let make = async || {
        let known = ops::feeds::targets(&app, &project, &token).await?;
        let (mut items, mut is_private, mut replies) = (Vec::new(), false, Vec::new());
        let targets = all_for(&known, &os);
        for target in targets.iter().take(ITEMS_MAX) {
            let feed = Feed {
                project: project.clone(),
                token: token.clone(),
                target: (*target).to_owned(),
            };
            let reply = ops::updates::current(&app, feed, asker.clone()).await?;
            is_private |= reply.is_private;
            if let Told::Offer(offer) = &reply.answer {
                items.push(listing(&app, offer));
            }
            replies.push(reply);
        }
        let link = format!("{}{}", app.config().master.url, request.path());
        let xml = render(&project, &link, &items);
        let answer = Answer::new("application/rss+xml; charset=utf-8", xml, is_private);
        // One request is one answer, however many items it has.
        Ok(answer.of_all(&replies, targets.first().copied().unwrap_or_default()))
    };
    Ok(answers.serve(&app, &request, &asker, make).await?)
}
