//! Releases: the list, and the page of one with its rollout, sign-offs and what can be done to it.
//! What is sent from there is `forms`'.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::filters;
use super::frame::{Frame, html};
use super::paging::{Listed, given, parsed};
use super::state::Look;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::error::Error;
use crate::ids::{BranchId, ProductId, ReleaseId};
use crate::model::{Product, Release, ReleaseFilter, ReleaseState, Signoff, SignoffNeed, Verdict};
use crate::ops;

pub mod forms;
mod others;

/// A release as pages show it.
pub(super) struct ReleaseRow {
    pub(super) id: ReleaseId,
    pub(super) project: String,
    pub(super) branch: String,
    pub(super) branch_id: BranchId,
    pub(super) target: String,
    pub(super) product: ProductId,
    pub(super) version: String,
    pub(super) is_bad: bool,
    pub(super) fallback: Option<ProductId>,
    pub(super) rollback_of: Option<ProductId>,
    pub(super) look: Look,
    pub(super) state_reason: String,
    pub(super) percent: i64,
    pub(super) bar: String,
    pub(super) starts_at: Option<Time>,
    pub(super) watershed: bool,
    pub(super) critical: bool,
    pub(super) override_reason: String,
    pub(super) row_version: i64,
    pub(super) created_by: String,
    pub(super) created_at: Time,
    pub(super) live_at: Option<Time>,
    pub(super) ended_at: Option<Time>,
}

impl ReleaseRow {
    pub(super) fn new(release: Release) -> Self {
        let offered = match release.state {
            ReleaseState::Live => release.rollout_percent,
            _ => 0,
        };
        Self {
            look: Look::of_release(release.state),
            bar: bar(offered, release.state == ReleaseState::Paused),
            is_bad: release.verdict == Verdict::Bad,
            id: release.id,
            project: release.project,
            branch: release.branch,
            branch_id: release.branch_id,
            target: release.target,
            product: release.product,
            version: release.version,
            fallback: release.fallback,
            rollback_of: release.rollback_of,
            state_reason: release.state_reason,
            percent: release.rollout_percent,
            starts_at: release.starts_at,
            watershed: release.watershed,
            critical: release.critical,
            override_reason: release.override_reason,
            row_version: release.row_version,
            created_by: release.created_by,
            created_at: release.created_at,
            live_at: release.live_at,
            ended_at: release.ended_at,
        }
    }
}

/// How far a release is rolled out, as a bar.
fn bar(percent: i64, is_paused: bool) -> String {
    let class = if is_paused { "cancelled" } else { "success" };
    format!(
        "<svg class=\"bars meter s-{class}\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\"><rect class=\"track\" width=\"100\" height=\"6\"/>\
         <rect width=\"{percent}\" height=\"6\"/></svg>"
    )
}

#[derive(Template)]
#[template(path = "releases/list.html")]
struct ListPage {
    frame: Frame,
    query: ListQuery,
    states: &'static [ReleaseState],
    releases: Vec<ReleaseRow>,
    pages: Vec<(&'static str, String)>,
}

/// The filter of the list.
#[derive(serde::Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    project: String,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    before: String,
}

/// `GET /releases`.
pub async fn list(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let asked = asked.into_inner();
    let before: Option<ReleaseId> = parsed("before", &asked.before)?;
    let filter = ReleaseFilter {
        project: given(&asked.project),
        branch: given(&asked.branch),
        target: given(&asked.target),
        state: parsed("state", &asked.state)?,
        before,
    };
    let page = ops::releases::list(&app, &identity, filter).await?;
    let parameters = [
        ("project", asked.project.as_str()),
        ("branch", asked.branch.as_str()),
        ("target", asked.target.as_str()),
        ("state", asked.state.as_str()),
    ];
    let listed = Listed {
        path: "/releases",
        parameters: &parameters,
        is_first: before.is_none(),
    };
    html(&ListPage {
        frame: listed.frame(&app, &identity, "Releases", "release"),
        states: ReleaseState::ALL,
        releases: page.items.into_iter().map(ReleaseRow::new).collect(),
        pages: listed.pages(page.next),
        query: asked,
    })
}

#[derive(Template)]
#[template(path = "releases/show.html")]
struct ShowPage {
    frame: Frame,
    release: ReleaseRow,
    signoffs: Vec<Signoff>,
    missing: Vec<SignoffNeed>,
    /// Products of the same branch and target, to choose from.
    others: Vec<Product>,
    /// Version of what those outside the rollout get, where it is among them.
    fallback: Option<String>,
    may: May,
    error: Option<String>,
}

/// What the asker may do to the release as it is.
struct May {
    sign: bool,
    release: bool,
    go: bool,
    unschedule: bool,
    rollout: bool,
    pause: bool,
    resume: bool,
    withdraw: bool,
    rollback: bool,
}

impl May {
    fn of(identity: &Identity, release: &Release) -> Self {
        let state = release.state;
        let release_too = identity.require(Permission::Release).is_ok();
        let may = |next| release_too && state.may_become(next);
        let is_waiting = matches!(state, ReleaseState::Draft | ReleaseState::Scheduled);
        Self {
            sign: is_waiting
                && identity.user().is_some()
                && identity.require(Permission::Keep).is_ok()
                && identity.name() != release.created_by,
            release: release_too,
            go: is_waiting && release_too,
            unschedule: state == ReleaseState::Scheduled && release_too,
            rollout: state.is_open() && release_too,
            pause: may(ReleaseState::Paused),
            resume: state == ReleaseState::Paused && release_too,
            withdraw: may(ReleaseState::Withdrawn),
            rollback: may(ReleaseState::RolledBack),
        }
    }
}

/// `GET /releases/{id}`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ReleaseId>,
) -> Result<HttpResponse, Fault> {
    html(&page(&app, &identity, *id).await?)
}

async fn page(app: &App, identity: &Identity, id: ReleaseId) -> Result<ShowPage, Error> {
    let detail = ops::releases::show(app, identity, id).await?;
    let path = format!("/releases/{id}");
    let release = &detail.release;
    let title = format!("Release {id}: {} {}", release.version, release.target);
    let look = Look::of_release(release.state);
    let place = [&release.project, &release.branch, &release.target].map(String::as_str);
    let others = others::others(app, identity, release.product, place).await?;
    let fallback = others.iter().find(|one| Some(one.id) == release.fallback);
    Ok(ShowPage {
        frame: Frame::new(app, identity, &path, title)
            .rest(format!("/api/v1{path}"))
            .live("release")
            .look(look),
        may: May::of(identity, release),
        fallback: fallback.map(|one| one.version.clone()),
        others,
        release: ReleaseRow::new(detail.release),
        signoffs: detail.signoffs,
        missing: detail.signoffs_missing,
        error: None,
    })
}
