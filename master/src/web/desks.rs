//! The QA desk: what is new of a tester's choice, to be judged and kept on the spot.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::filters;
use super::frame::{Frame, html};
use super::paging::{given, links, parsed};
use super::products::query::ListQuery;
use super::sessions::{local, see};
use super::state::Look;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::ids::{DeskId, ProductId};
use crate::model::{Desk, DeskRow, ProductState, Verdict};
use crate::ops;

/// What testers say with one key each.
const WORDS: [Verdict; 3] = [Verdict::Good, Verdict::Bad, Verdict::NeedsWork];

/// A product on the desk as its page shows it.
struct Row {
    it: DeskRow,
    checklist: Vec<String>,
    bad_needs_bug: bool,
}

impl Row {
    fn look(&self) -> Look {
        Look::of_verdict(self.it.product.verdict)
    }

    /// Whether it can still be tested.
    fn is_there(&self) -> bool {
        let gone = [ProductState::Expired, ProductState::Deleted];
        !gone.contains(&self.it.product.state)
    }

    /// Changes that are not listed.
    fn further(&self) -> i64 {
        let listed = i64::try_from(self.it.since.changes.len()).unwrap_or(i64::MAX);
        self.it.since.changes_total.saturating_sub(listed)
    }
}

#[derive(Template)]
#[template(path = "desks/show.html")]
struct DeskPage {
    frame: Frame,
    asked: ListQuery,
    rows: Vec<Row>,
    words: [Verdict; 3],
    verdicts: &'static [Verdict],
    desks: Vec<Desk>,
    pages: Vec<(&'static str, String)>,
    /// The query of this choice, and its address.
    choice: String,
    here: String,
    newest: Option<ProductId>,
    new_count: usize,
    may_keep: bool,
}

/// `GET /qa`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let asked = asked.into_inner();
    let filter = asked.filter()?;
    let is_first = filter.before.is_none();
    let parameters = asked.parameters();
    let choice = asked.choice();
    let (page, desks) = ops::desks::show(&app, &identity, filter, &choice).await?;
    let config = app.config();
    let row = |it: DeskRow| {
        let project = config.projects.get(&it.product.project);
        Row {
            checklist: project.map_or_else(Vec::new, |project| project.checklist.clone()),
            bad_needs_bug: project.is_some_and(|project| project.bad_needs_bug),
            it,
        }
    };
    let rows: Vec<Row> = page.items.into_iter().map(row).collect();
    let new_count = rows.iter().filter(|row| row.it.is_new).count();
    html(&DeskPage {
        frame: Frame::new(&app, &identity, "/qa", "QA desk")
            .rest(format!("/api/v1/qa{choice}"))
            .live("product"),
        newest: rows
            .first()
            .map(|row| row.it.product.id)
            .filter(|_| is_first),
        rows,
        words: WORDS,
        verdicts: Verdict::ALL,
        desks: desks
            .into_iter()
            .filter(|desk| desk.name.is_some())
            .collect(),
        pages: links("/qa", &parameters, is_first, page.next),
        here: format!("/qa{choice}"),
        choice,
        new_count,
        may_keep: identity.require(Permission::Keep).is_ok() && identity.user().is_some(),
        asked,
    })
}

/// A choice to remember.
#[derive(serde::Deserialize)]
pub struct KeepForm {
    #[serde(default)]
    query: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    seen: String,
}

/// `POST /qa/desks`: remembers a choice, or that it was seen.
pub async fn keep(
    app: web::Data<App>,
    identity: Identity,
    form: web::Form<KeepForm>,
) -> Result<HttpResponse, Fault> {
    let seen: Option<ProductId> = parsed("seen", &form.seen)?;
    let name = given(&form.name);
    ops::desks::keep(&app, &identity, &form.query, name.as_deref(), seen).await?;
    Ok(see(&local(&format!("/qa{}", form.query))).finish())
}

/// `POST /qa/desks/{id}/remove`.
pub async fn remove(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<DeskId>,
) -> Result<HttpResponse, Fault> {
    ops::desks::remove(&app, &identity, *id).await?;
    Ok(see("/qa").finish())
}
