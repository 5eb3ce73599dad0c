//! The home page: what is broken first, then one line per builder, what runs, waits and came out.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::builders::BuilderRow;
use super::fault::Fault;
use super::filters;
use super::frame::{Frame, html};
use super::products::ProductRow;
use super::requests::RequestRow;
use super::rows::BuildRow;
use super::state::Look;
use crate::app::App;
use crate::auth::Identity;
use crate::model::{BuildResult, BuilderFilter, Page, ProductFilter, RequestFilter, RequestState};
use crate::ops;

/// Rows of each list beside the builders: a glance, the whole is one link away.
const GLANCE: usize = 8;

#[derive(Template)]
#[template(path = "home/show.html")]
struct HomePage {
    frame: Frame,
    standing: String,
    builders: Vec<BuilderRow>,
    running: Vec<BuildRow>,
    waiting: Vec<RequestRow>,
    more_waiting: bool,
    products: Vec<ProductRow>,
}

impl HomePage {
    fn broken(&self) -> impl Iterator<Item = &BuilderRow> {
        self.builders.iter().filter(|row| row.is_broken)
    }
}

/// `GET /`.
pub async fn show(app: web::Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    let now = app.clock.now();
    let all = ops::builders::list(&app, &identity, BuilderFilter::default()).await?;
    let mut builders: Vec<BuilderRow> = all
        .into_iter()
        .map(|one| BuilderRow::new(one, now))
        .collect();
    builders.sort_by_key(|row| !row.is_broken);
    let running = ops::builds::running(&app, &identity).await?;
    let pending = RequestFilter {
        state: Some(RequestState::Pending),
        ..RequestFilter::default()
    };
    let waiting: Page<_, _> = ops::requests::list(&app, &identity, pending).await?;
    let more_waiting = waiting.items.len() > GLANCE;
    let products = ops::products::list(&app, &identity, ProductFilter::default()).await?;
    let broken = builders.iter().filter(|row| row.is_broken).count();
    let standing = standing(builders.len(), broken);
    let look = match (broken, running.is_empty()) {
        (1.., _) => Look::of_result(BuildResult::Failure),
        (0, false) => Look::BUSY,
        (0, true) => Look::of_result(BuildResult::Success),
    };
    html(&HomePage {
        frame: Frame::new(&app, &identity, "/", standing.clone())
            .look(look)
            .rest("/api/v1/builders")
            .live("build request product agent"),
        standing,
        builders,
        running: BuildRow::all(running, now),
        waiting: waiting
            .items
            .into_iter()
            .take(GLANCE)
            .map(RequestRow::new)
            .collect(),
        more_waiting,
        products: products
            .items
            .into_iter()
            .take(GLANCE)
            .map(ProductRow::new)
            .collect(),
    })
}

/// The bottom line in a sentence.
fn standing(builders: usize, broken: usize) -> String {
    match (builders, broken) {
        (0, _) => "No builders yet".to_owned(),
        (1, 0) => "The builder is well".to_owned(),
        (all, 0) => format!("All {all} builders are well"),
        (1, 1) => "The builder is broken".to_owned(),
        (all, broken) => format!("{broken} of {all} builders broken"),
    }
}

#[cfg(test)]
mod tests;
