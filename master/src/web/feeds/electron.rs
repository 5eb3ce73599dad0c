//! `/update/electron/…`: for electron-updater's generic provider: the YAML files, and the files of
//! builds below the same folder, because the client makes the addresses of block maps from theirs.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::answers::{Answer, Answers};
use super::{asker, listing, nothing_offered};
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ops;
use crate::ops::updates::{Asker, Feed, Reply, Told};
use crate::updates::formats::Listing;
use crate::updates::formats::electron::{Build, render};
use crate::updates::targets::{all_for, electron_file};
use crate::web::fault::Fault;
use crate::web::files;

/// Targets of one system that one file lists: its processors.
const TARGETS_MAX: usize = 8;

/// `GET /update/electron/{project}/{feed}/{name}`: the YAML file of a system, of any channel; 404
/// where nothing is offered.
pub async fn ask(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    place: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, name) = place.into_inner();
    let asker = asker(&request);
    let make = async || {
        let wanted = electron_file(&name).ok_or_else(nothing_offered)?;
        let known = ops::feeds::targets(&app, &project, &token).await?;
        let mut targets = all_for(&known, wanted);
        // On Linux each processor has a file of its own.
        let is_one = wanted.starts_with("linux");
        targets.truncate(if is_one { 1 } else { TARGETS_MAX });
        let (mut builds, mut is_private, mut replies) = (Vec::new(), false, Vec::new());
        for target in &targets {
            let feed = Feed {
                project: project.clone(),
                token: token.clone(),
                target: (*target).to_owned(),
            };
            let (listing, reply) = current(&app, feed, &asker).await?;
            is_private |= reply.is_private;
            replies.push(reply);
            if let Some(listing) = listing {
                let block_maps = app.zsyncs.block_maps(&listing).await;
                builds.push(Build {
                    listing,
                    block_maps,
                });
            }
        }
        let yaml = render(&builds).ok_or_else(nothing_offered)?;
        let answer = Answer::new("text/yaml; charset=utf-8", yaml, is_private);
        // One request is one answer, however many builds it lists.
        Ok(answer.of_all(&replies, targets.first().copied().unwrap_or_default()))
    };
    Ok(answers.serve(&app, &request, &asker, make).await?)
}

/// The product that the asker should have. One that told its version and has nothing to take gets
/// its own version told, so that it never is moved down, whatever its settings.
async fn current(app: &App, feed: Feed, asker: &Asker) -> Result<(Option<Listing>, Reply), Error> {
    let reply = ops::updates::current(app, feed.clone(), asker.clone()).await?;
    let Told::Offer(offer) = &reply.answer else {
        return Ok((None, reply));
    };
    let mut listing = listing(app, offer);
    if let Some(own) = asker
        .version
        .as_deref()
        .filter(|own| Some(*own) != listing.semantic())
    {
        let newer = ops::updates::ask(app, feed, asker.clone()).await?;
        if !matches!(newer.answer, Told::Offer(_)) {
            listing.feed_version = Some(own.to_owned());
            return Ok((Some(listing), newer));
        }
    }
    Ok((Some(listing), reply))
}

/// `GET /update/electron/{project}/{feed}/{version}/{arch}/{name}`: a file of the build of this
/// version; also of one that is offered no more, as long as it is stored.
pub async fn file(
    app: web::Data<App>,
    identity: Identity,
    request: HttpRequest,
    place: web::Path<(String, String, String, String, String)>,
) -> Result<HttpResponse, Fault> {
    let (project, token, version, arch, name) = place.into_inner();
    let wanted = (version.as_str(), arch.as_str(), name.as_str());
    let found = ops::feeds::file_of_version(&app, &project, &token, wanted).await?;
    serve(app, identity, request, (found.sha256, found.name)).await
}

/// The file itself and no redirect: clients that ask for ranges follow none. The address names no
/// content, so it is kept for a minute only.
pub(super) async fn serve(
    app: web::Data<App>,
    identity: Identity,
    request: HttpRequest,
    file: (String, String),
) -> Result<HttpResponse, Fault> {
    let mut response = files::file(app, identity, request, file.into()).await?;
    let caching = response.headers().get(header::CACHE_CONTROL);
    if caching.is_some_and(|caching| caching.as_bytes().starts_with(b"public")) {
        let minute = HeaderValue::from_static("public, max-age=60");
        response.headers_mut().insert(header::CACHE_CONTROL, minute);
    }
    Ok(response)
}
