//! Products: the list with its filter, and the page of one. What testers do on them is in `verdicts`
//! and `holds`.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::filters;
use super::frame::{Frame, html};
use super::paging::{links, query};
use super::state::Look;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::error::Error;
use crate::ids::{BranchId, BuildId, HoldId, ProductId};
use crate::model::{
    Hold, Judgement, Label, PAGE_ROWS_MAX, Product, ProductFile, ProductProperty, ProductRevision,
    ProductState, Since, Verdict,
};
use crate::{ops, updates};

pub mod compare;
pub mod find;
pub mod query;

use query::ListQuery;

/// A product as pages show it.
pub(super) struct ProductRow {
    pub(super) id: ProductId,
    pub(super) project: String,
    pub(super) branch: String,
    pub(super) target: String,
    /// Its branch's part of feed addresses.
    pub(super) feed: String,
    pub(super) version: String,
    pub(super) feed_version: Option<String>,
    pub(super) build: Option<BuildId>,
    pub(super) builder: String,
    pub(super) build_number: i64,
    pub(super) revision: String,
    pub(super) runtime: Option<(String, String)>,
    pub(super) min_os: Option<String>,
    pub(super) max_os: Option<String>,
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
            feed: product.feed,
            version: product.version,
            feed_version: product.feed_version,
            build: product.build,
            builder: product.builder,
            build_number: product.build_number,
            revision: product.revision,
            runtime: product.runtime,
            min_os: product.min_os,
            max_os: product.max_os,
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
    is_of_group: bool,
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
            is_of_group: hold.group.is_some(),
        }
    }
}

#[derive(Template)]
#[template(path = "products/show.html")]
pub(super) struct ShowPage {
    frame: Frame,
    product: ProductRow,
    files: Vec<ProductFile>,
    revisions: Vec<ProductRevision>,
    properties: Vec<ProductProperty>,
    holds: Vec<HoldRow>,
    why_kept: Vec<String>,
    is_latest: bool,
    branch_id: BranchId,
    /// Feeds of its branch and target: what they are for, and path and whole address.
    feeds: Vec<(String, String, String)>,
    links: Vec<(&'static str, String)>,
    verdicts: Vec<Judgement>,
    labels: Vec<Label>,
    since: Since,
    siblings: Vec<ProductRow>,
    checklist: Vec<String>,
    bad_needs_bug: bool,
    notes: String,
    has_links: bool,
    may_keep: bool,
    pub(super) error: Option<String>,
    pub(super) reason: String,
    pub(super) until: String,
    pub(super) comment: String,
    pub(super) bug: String,
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

pub(super) async fn page(app: &App, identity: &Identity, id: ProductId) -> Result<ShowPage, Error> {
    let now = app.clock.now();
    let detail = ops::products::show(app, identity, id).await?;
    let has_links = !matches!(
        detail.product.state,
        ProductState::Withdrawn | ProductState::Expired | ProductState::Deleted
    );
    let product = ProductRow::new(detail.product);
    let path = format!("/products/{id}");
    let title = format!("{} {} {}", product.version, product.project, product.target);
    let config = app.config();
    let (feeds, links) = addresses(&config.master.url, &product);
    let project = config.projects.get(&product.project);
    Ok(ShowPage {
        frame: Frame::new(app, identity, &path, title)
            .rest(format!("/api/v1{path}"))
            .live("product"),
        checklist: project.map_or_else(Vec::new, |project| project.checklist.clone()),
        bad_needs_bug: project.is_some_and(|project| project.bad_needs_bug),
        product,
        verdicts: detail.verdicts,
        labels: detail.labels,
        since: detail.since,
        siblings: detail.siblings.into_iter().map(ProductRow::new).collect(),
        notes: detail.notes,
        has_links,
        files: by_role(detail.files),
        revisions: detail.revisions,
        properties: detail.properties,
        holds: detail
            .holds
            .into_iter()
            .map(|hold| HoldRow::new(hold, now))
            .collect(),
        why_kept: detail.why_kept,
        is_latest: detail.is_latest,
        branch_id: detail.branch_id,
        feeds,
        links,
        may_keep: identity.require(Permission::Keep).is_ok(),
        error: None,
        reason: String::new(),
        until: String::new(),
        comment: String::new(),
        bug: String::new(),
    })
}

/// Addresses of a branch and target: what each is for, path, and whole address.
type Feeds = Vec<(String, String, String)>;

/// The feeds of a product's branch and target, and the links that stay.
fn addresses(master: &str, product: &ProductRow) -> (Feeds, Vec<(&'static str, String)>) {
    let families = updates::families(master, &product.project, &product.feed, &product.target);
    let feeds = families.into_iter().map(|family| {
        let path = family.asks.strip_prefix(master).unwrap_or(&family.asks);
        (family.name, path.to_owned(), family.asks)
    });
    let [project, feed, target] =
        [&product.project, &product.feed, &product.target].map(|text| updates::encode(text));
    let link = |what: &'static str| (what, format!("/p/{project}/{feed}/{target}/{what}"));
    let links = [
        "latest",
        "last-good",
        "last-kept",
        "last-released",
        "SHA256SUMS",
        "feed.atom",
        "badge.svg",
    ];
    (feeds.collect(), links.map(link).to_vec())
}

/// Files as a person looks for them: what is installed first, what only programs read last.
fn by_role(mut files: Vec<ProductFile>) -> Vec<ProductFile> {
    const ROLES: [&str; 5] = ["installer", "update", "delta", "notes", "symbols"];
    let rank = |file: &ProductFile| ROLES.iter().position(|role| *role == file.role);
    files.sort_by_key(|file| rank(file).unwrap_or(ROLES.len()));
    files
}
