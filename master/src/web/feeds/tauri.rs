//! `/update/tauri/…`: for the updaters of Tauri and of cargo-packager, which name system, processor
//! and their own version in the path.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answers::{Answer, Answers};
use super::{asker, listing, said};
use crate::app::App;
use crate::ops;
use crate::ops::updates::{Feed, Told};
use crate::updates::formats::tauri;
use crate::updates::targets::choose;
use crate::web::fault::Fault;

/// `GET /update/tauri/{project}/{feed}/{target}/{arch}/{current_version}`: 200 with the update and
/// its minisign signature, 204 when there is none that the client could check and run.
pub async fn ask(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    place: web::Path<(String, String, String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, os, arch, version) = place.into_inner();
    let mut asker = asker(&request);
    asker.version = said(&version);
    let make = async || {
        let known = ops::feeds::targets(&app, &project, &token).await?;
        let Some(target) = choose(&known, &format!("{os}-{arch}")) else {
            return Ok(Answer::nothing(false));
        };
        let target = target.to_owned();
        let feed = Feed {
            project,
            token,
            target: target.clone(),
        };
        let reply = ops::updates::ask(&app, feed, asker.clone()).await?;
        let body = match &reply.answer {
            Told::Offer(offer) => tauri::render(&listing(&app, offer)),
            _ => None,
        };
        let answer = match body {
            Some(body) => Answer::new("application/json", body, reply.is_private),
            None => Answer::nothing(reply.is_private),
        };
        Ok(answer.of(&reply, &target))
    };
    Ok(answers.serve(&app, &request, &asker, make).await?)
}
