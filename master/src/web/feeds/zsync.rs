//! `/update/zsync/…`: the control file of the current build, for AppImages that update themselves.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answers::{Answer, Answers};
use super::{asker, listing, nothing_offered};
use crate::app::App;
use crate::ops;
use crate::ops::updates::{Feed, Told};
use crate::updates::formats::Asset;
use crate::updates::formats::zsync::About;
use crate::updates::targets::choose;
use crate::web::fault::Fault;

/// `GET /update/zsync/{project}/{feed}/{target}.zsync`; 404 where nothing is offered.
pub async fn ask(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    place: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, target) = place.into_inner();
    let asker = asker(&request);
    let make = async || {
        let known = ops::feeds::targets(&app, &project, &token).await?;
        let target = choose(&known, &target).ok_or_else(nothing_offered)?;
        let feed = Feed {
            project: project.clone(),
            token: token.clone(),
            target: target.to_owned(),
        };
        let reply = ops::updates::current(&app, feed, asker.clone()).await?;
        let Told::Offer(offer) = &reply.answer else {
            return Err(nothing_offered());
        };
        let listing = listing(&app, offer);
        let is_image = |asset: &Asset| asset.name.to_ascii_lowercase().ends_with(".appimage");
        let file = listing.file_by(is_image).or(listing.main_file());
        let file = file.ok_or_else(nothing_offered)?;
        let about = About {
            name: &file.name,
            url: &file.url,
            sha1: &file.sha1,
            size: file.size,
        };
        let own = format!("{}.zsync", file.name);
        let mut made = listing.files.iter().filter(|asset| asset.role == "zsync");
        let only = made.clone().next().filter(|_| made.clone().count() == 1);
        let made = made.find(|asset| asset.name == own).or(only);
        let made = made.map(|asset| (asset.sha256.as_str(), asset.size));
        let body = ops::feeds::control_file(&app, &file.sha256, &about, made).await?;
        let answer = Answer::new("application/x-zsync", body, reply.is_private);
        Ok(answer.of(&reply, target))
    };
    Ok(answers.serve(&app, &request, &asker, make).await?)
}
