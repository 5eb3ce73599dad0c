//! `/api/v1/branches`: what their feeds offer, and what people change of them.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::ids::BranchId;
use crate::model::{Branch, BranchFilter, BranchState, Guide, Page, UpdateCount};
use crate::ops;
use crate::ops::branches::BranchDetail;
use crate::web::fault::Fault;

/// Which branches to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BranchQuery {
    /// Name of the project.
    project: Option<String>,
    /// Part of the name.
    name: Option<String>,
    /// State.
    state: Option<BranchState>,
    /// First seen before this one only.
    before: Option<BranchId>,
}

/// A redirect.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// Name of the branch of the same project whose feeds answer; none to end the redirect.
    branch: Option<String>,
}

/// A state to set.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewState {
    /// The state.
    state: BranchState,
}

/// Lists branches, the newest first.
#[utoipa::path(get, path = "/api/v1/branches", params(BranchQuery),
    responses((status = 200, body = List<Branch>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<BranchQuery>,
) -> Result<HttpResponse, Fault> {
    let filter = BranchFilter {
        project: query.project,
        name: query.name,
        state: query.state,
        before: query.before,
    };
    let page = ops::branches::list(&app, &identity, filter).await?;
    Ok(answer(&request, page))
}

/// Shows a branch with its shut-offs and what it offers.
#[utoipa::path(get, path = "/api/v1/branches/{id}", params(("id" = BranchId, Path)),
    responses((status = 200, body = BranchDetail)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<BranchId>,
) -> Result<HttpResponse, Fault> {
    let detail = ops::branches::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(detail))
}

/// Which target a guide is about.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GuideQuery {
    /// Target; the first of the branch when absent.
    target: Option<String>,
}

/// Tells the lines with which an application asks the feeds of this branch, by family of clients.
#[utoipa::path(get, path = "/api/v1/branches/{id}/guide",
    params(("id" = BranchId, Path), GuideQuery), responses((status = 200, body = Guide)))]
pub async fn guide(
    app: Data<App>,
    identity: Identity,
    id: Path<BranchId>,
    Filter(query): Filter<GuideQuery>,
) -> Result<HttpResponse, Fault> {
    let target = query.target.as_deref();
    let guide = ops::branches::guide(&app, &identity, *id, target).await?;
    Ok(HttpResponse::Ok().json(guide))
}

/// Tells how often askers got which answer on each of the last 30 days.
#[utoipa::path(get, path = "/api/v1/branches/{id}/counts", params(("id" = BranchId, Path)),
    responses((status = 200, body = List<UpdateCount>)))]
pub async fn counts(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: Path<BranchId>,
) -> Result<HttpResponse, Fault> {
    let items = ops::branches::counts(&app, &identity, *id).await?;
    let page: Page<_, i64> = Page { items, next: None };
    Ok(answer(&request, page))
}

/// Lets the feeds of another branch answer for this one, or its own again.
#[utoipa::path(post, path = "/api/v1/branches/{id}/follow", params(("id" = BranchId, Path)),
    request_body = Follow, responses((status = 200, body = BranchDetail)))]
pub async fn follow(
    app: Data<App>,
    identity: Identity,
    id: Path<BranchId>,
    body: Json<Follow>,
) -> Result<HttpResponse, Fault> {
    let branch = body.branch.as_deref();
    let detail = ops::branches::follow(&app, &identity, *id, branch).await?;
    Ok(HttpResponse::Ok().json(detail))
}

/// Changes the state of a branch.
#[utoipa::path(post, path = "/api/v1/branches/{id}/state", params(("id" = BranchId, Path)),
    request_body = NewState, responses((status = 200, body = BranchDetail)))]
pub async fn set_state(
    app: Data<App>,
    identity: Identity,
    id: Path<BranchId>,
    body: Json<NewState>,
) -> Result<HttpResponse, Fault> {
    let detail = ops::branches::set_state(&app, &identity, *id, body.state).await?;
    Ok(HttpResponse::Ok().json(detail))
}
