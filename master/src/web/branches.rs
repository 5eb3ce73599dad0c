//! Branches: the list, and the page of one with its redirect, its shut-off, what it offers and how
//! often it was asked; and the page that explains an answer.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::filters;
use super::frame::{Frame, html, or_page};
use super::paging::{Listed, given, parsed};
use super::releases::ReleaseRow;
use super::sessions::see;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::error::Error;
use crate::ids::{BranchId, ShutoffId};
use crate::model::{Branch, BranchFilter, BranchState, Shutoff};
use crate::ops;

mod chart;
mod explain;
mod guide;

use chart::{Chart, chart};
pub use explain::explain;
pub use guide::guide;

#[derive(Template)]
#[template(path = "branches/list.html")]
struct ListPage {
    frame: Frame,
    query: ListQuery,
    states: &'static [BranchState],
    branches: Vec<Branch>,
    shutoffs: Vec<Shutoff>,
    may_release: bool,
    pages: Vec<(&'static str, String)>,
}

/// The filter of the list.
#[derive(serde::Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    project: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    before: String,
}

/// `GET /branches`.
pub async fn list(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let asked = asked.into_inner();
    let before: Option<BranchId> = parsed("before", &asked.before)?;
    let filter = BranchFilter {
        project: given(&asked.project),
        name: given(&asked.name),
        state: parsed("state", &asked.state)?,
        before,
    };
    let page = ops::branches::list(&app, &identity, filter).await?;
    let shutoffs = ops::shutoffs::list(&app, &identity, true, None).await?;
    let parameters = [
        ("project", asked.project.as_str()),
        ("name", asked.name.as_str()),
        ("state", asked.state.as_str()),
    ];
    let listed = Listed {
        path: "/branches",
        parameters: &parameters,
        is_first: before.is_none(),
    };
    html(&ListPage {
        frame: listed.frame(&app, &identity, "Branches", "branch updates"),
        states: BranchState::ALL,
        branches: page.items,
        shutoffs: shutoffs.items,
        may_release: identity.require(Permission::Release).is_ok(),
        pages: listed.pages(page.next),
        query: asked,
    })
}

#[derive(Template)]
#[template(path = "branches/show.html")]
struct ShowPage {
    frame: Frame,
    branch: Branch,
    states: &'static [BranchState],
    shutoffs: Vec<Shutoff>,
    releases: Vec<ReleaseRow>,
    chart: Chart,
    may_release: bool,
    error: Option<String>,
}

/// `GET /branches/{id}`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<BranchId>,
) -> Result<HttpResponse, Fault> {
    html(&page(&app, &identity, *id).await?)
}

async fn page(app: &App, identity: &Identity, id: BranchId) -> Result<ShowPage, Error> {
    let detail = ops::branches::show(app, identity, id).await?;
    let counts = ops::branches::counts(app, identity, id).await?;
    let path = format!("/branches/{id}");
    let title = format!("{} {}", detail.branch.name, detail.branch.project);
    let today = app.clock.now().unix_seconds().div_euclid(86_400);
    Ok(ShowPage {
        frame: Frame::new(app, identity, &path, title)
            .rest(format!("/api/v1{path}"))
            .live("branch release updates"),
        branch: detail.branch,
        states: BranchState::ALL,
        shutoffs: detail.shutoffs,
        releases: detail.releases.into_iter().map(ReleaseRow::new).collect(),
        chart: chart(&counts, today),
        may_release: identity.require(Permission::Release).is_ok(),
        error: None,
    })
}

/// The filled-in form of a redirect.
#[derive(serde::Deserialize)]
pub struct FollowForm {
    #[serde(default)]
    branch: String,
}

/// `POST /branches/{id}/follow`.
pub async fn follow(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<BranchId>,
    form: web::Form<FollowForm>,
) -> Result<HttpResponse, Fault> {
    let branch = given(&form.branch);
    let done = ops::branches::follow(&app, &identity, *id, branch.as_deref()).await;
    answer(&app, &identity, *id, done.map(|_| ())).await
}

/// The filled-in form of a state.
#[derive(serde::Deserialize)]
pub struct StateForm {
    #[serde(default)]
    state: String,
}

/// `POST /branches/{id}/state`.
pub async fn set_state(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<BranchId>,
    form: web::Form<StateForm>,
) -> Result<HttpResponse, Fault> {
    let done = match parsed("state", &form.state) {
        Ok(Some(state)) => ops::branches::set_state(&app, &identity, *id, state).await,
        Ok(None) => Err(Error::bad_input("state", "choose one")),
        Err(error) => Err(error),
    };
    answer(&app, &identity, *id, done.map(|_| ())).await
}

/// Why updates are stopped.
#[derive(serde::Deserialize)]
pub struct ShutOffForm {
    #[serde(default)]
    project: String,
    #[serde(default)]
    reason: String,
}

/// `POST /branches/{id}/shut-off`.
pub async fn shut_off(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<BranchId>,
    form: web::Form<ShutOffForm>,
) -> Result<HttpResponse, Fault> {
    let branch = ops::branches::show(&app, &identity, *id).await?.branch;
    let (project, name) = (&branch.project, Some(branch.name.as_str()));
    let done = ops::shutoffs::shut_off(&app, &identity, project, name, &form.reason).await;
    answer(&app, &identity, *id, done.map(|_| ())).await
}

/// `POST /shutoffs`: of a whole project.
pub async fn shut_off_project(
    app: web::Data<App>,
    identity: Identity,
    form: web::Form<ShutOffForm>,
) -> Result<HttpResponse, Fault> {
    let (project, reason) = (form.project.trim(), &form.reason);
    ops::shutoffs::shut_off(&app, &identity, project, None, reason).await?;
    Ok(see("/branches").finish())
}

/// `POST /shutoffs/{id}/lift`.
pub async fn lift(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ShutoffId>,
) -> Result<HttpResponse, Fault> {
    ops::shutoffs::lift(&app, &identity, *id).await?;
    Ok(see("/branches").finish())
}

/// Back to the branch's page, or the page with what was wrong.
async fn answer(
    app: &App,
    identity: &Identity,
    id: BranchId,
    done: Result<(), Error>,
) -> Result<HttpResponse, Fault> {
    match done {
        Ok(()) => Ok(see(&format!("/branches/{id}")).finish()),
        Err(error) => {
            or_page(error, async |text| {
                let error = Some(text);
                let page = page(app, identity, id).await?;
                Ok(ShowPage { error, ..page })
            })
            .await
        }
    }
}
