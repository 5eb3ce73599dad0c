//! Products: the list with its filter, the page of one, keeping and lifting.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::{Fault, status_of};
use super::filters;
use super::frame::{Frame, html};
use super::paging::{given, links, query};
use super::sessions::see;
use super::state::Look;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::error::Error;
use crate::ids::{BuildId, HoldId, ProductId};
use crate::model::{
    Hold, PAGE_ROWS_MAX, Product, ProductFile, ProductProperty, ProductRevision, ProductState,
    Verdict,
};
use crate::ops;

pub mod query;

use query::ListQuery;

/// A product as pages show it.
pub(super) struct ProductRow {
    pub(super) id: ProductId,
    pub(super) project: String,
    pub(super) branch: String,
    pub(super) target: String,
    pub(super) version: String,
    pub(super) feed_version: Option<String>,
    pub(super) build: Option<BuildId>,
    pub(super) builder: String,
    pub(super) build_number: i64,
    pub(super) revision: String,
    pub(super) runtime: Option<(String, String)>,
    pub(super) state: ProductState,
    pub(super) state_reason: String,
    pub(super) went_backwards: bool,
    pub(super) built_at: Time,
    pub(super) recorded_at: Time,
    pub(super) recorded_by: String,
    pub(super) size: i64,
    pub(super) held: bool,
    pub(super) verdict: Verdict,
}

impl ProductRow {
    /// How its verdict looks.
    pub(super) fn verdict_look(&self) -> Look {
        Look::of_verdict(self.verdict)
    }

    pub(super) fn new(product: Product) -> Self {
        Self {
            id: product.id,
            project: product.project,
            branch: product.branch,
            target: product.target,
            version: product.version,
            feed_version: product.feed_version,
            build: product.build,
            builder: product.builder,
            build_number: product.build_number,
            revision: product.revision,
            runtime: product.runtime,
            state: product.state,
            state_reason: product.state_reason,
            went_backwards: product.went_backwards,
            built_at: product.built_at,
            recorded_at: product.recorded_at,
            recorded_by: product.recorded_by,
            size: product.size,
            held: product.held,
            verdict: product.verdict,
        }
    }
}

#[derive(Template)]
#[template(path = "products/list.html")]
struct ListPage {
    frame: Frame,
    query: ListQuery,
    states: &'static [ProductState],
    verdicts: &'static [Verdict],
    /// The search ended with what one request may look at.
    is_cut: bool,
    products: Vec<ProductRow>,
    pages: Vec<(&'static str, String)>,
}

/// `GET /products`.
pub async fn list(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let asked = asked.into_inner();
    let filter = asked.filter()?;
    let is_first = filter.before.is_none();
    let page = ops::products::list(&app, &identity, filter).await?;
    let parameters = asked.parameters();
    let is_cut = page.next.is_some() && page.items.len() < PAGE_ROWS_MAX;
    html(&ListPage {
        frame: Frame::new(&app, &identity, "/products", "Products")
            .rest(format!("/api/v1/products{}", query(&parameters)))
            .live("product"),
        states: ProductState::ALL,
        verdicts: Verdict::ALL,
        products: page.items.into_iter().map(ProductRow::new).collect(),
        pages: links("/products", &parameters, is_first, page.next),
        is_cut,
        query: asked,
    })
}

struct HoldRow {
    id: HoldId,
    kind: String,
    live: bool,
    reason: String,
    owner: String,
    created_at: Time,
    until: Option<Time>,
    lifted_by: Option<String>,
    lift_reason: Option<String>,
}

impl HoldRow {
    fn new(hold: Hold, now: Time) -> Self {
        Self {
            live: hold.is_live(now),
            id: hold.id,
            kind: hold.kind,
            reason: hold.reason,
            owner: hold.owner,
            created_at: hold.created_at,
            until: hold.until,
            lifted_by: hold.lifted_by,
            lift_reason: hold.lift_reason,
        }
    }
}

#[derive(Template)]
#[template(path = "products/show.html")]
struct ShowPage {
    frame: Frame,
    product: ProductRow,
    files: Vec<ProductFile>,
    revisions: Vec<ProductRevision>,
    properties: Vec<ProductProperty>,
    holds: Vec<HoldRow>,
    why_kept: Vec<String>,
    is_latest: bool,
    feed_path: String,
    feed_url: String,
    may_keep: bool,
    error: Option<String>,
    reason: String,
    until: String,
}

/// `GET /products/{id}`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
) -> Result<HttpResponse, Fault> {
    let page = page(&app, &identity, *id).await?;
    html(&page)
}

async fn page(app: &App, identity: &Identity, id: ProductId) -> Result<ShowPage, Error> {
    let now = app.clock.now();
    let detail = ops::products::show(app, identity, id).await?;
    let product = ProductRow::new(detail.product);
    let path = format!("/products/{id}");
    let title = format!("{} {} {}", product.version, product.project, product.target);
    let feed_url = format!("{}{}", app.config().master.url, detail.feed_path);
    Ok(ShowPage {
        frame: Frame::new(app, identity, &path, title)
            .rest(format!("/api/v1{path}"))
            .live("product"),
        product,
        files: detail.files,
        revisions: detail.revisions,
        properties: detail.properties,
        holds: detail
            .holds
            .into_iter()
            .map(|hold| HoldRow::new(hold, now))
            .collect(),
        why_kept: detail.why_kept,
        is_latest: detail.is_latest,
        feed_path: detail.feed_path,
        feed_url,
        may_keep: identity.require(Permission::Keep).is_ok(),
        error: None,
        reason: String::new(),
        until: String::new(),
    })
}

/// The filled-in form of a hold.
#[derive(serde::Deserialize)]
pub struct KeepForm {
    reason: String,
    #[serde(default)]
    until: String,
}

/// `POST /products/{id}/holds`: keeps it, or shows the page with what was wrong.
pub async fn keep(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
    form: web::Form<KeepForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let kept = match until(&form.until) {
        Ok(until) => ops::holds::keep(&app, &identity, *id, &form.reason, until).await,
        Err(error) => Err(error),
    };
    match kept {
        Ok(_) => Ok(see(&format!("/products/{id}")).finish()),
        Err(error @ Error::BadInput { .. }) => {
            let mut page = page(&app, &identity, *id).await?;
            page.error = Some(error.to_string());
            page.reason = form.reason;
            page.until = form.until;
            let mut answer = html(&page)?;
            *answer.status_mut() = status_of(&error);
            Ok(answer)
        }
        Err(error) => Err(Fault(error)),
    }
}

/// The end of the day named, in UTC; absent when none is.
fn until(text: &str) -> Result<Option<Time>, Error> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    let wrong = || Error::bad_input("until", "give a day such as 2027-03-31, or none");
    let day: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    let end = day.at(23, 59, 59, 0).in_tz("UTC").map_err(|_| wrong())?;
    Ok(Some(Time::from_unix_seconds(end.timestamp().as_second())))
}

/// The filled-in form of a lift.
#[derive(serde::Deserialize)]
pub struct LiftForm {
    reason: String,
}

/// `POST /holds/{id}/lift`.
pub async fn lift(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<HoldId>,
    form: web::Form<LiftForm>,
) -> Result<HttpResponse, Fault> {
    let hold = ops::holds::lift(&app, &identity, *id, &form.reason).await?;
    Ok(see(&format!("/products/{}", hold.product)).finish())
}
