//! `/api/v1/shutoffs`: updates of a project or a branch stopped.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::ids::ShutoffId;
use crate::model::Shutoff;
use crate::ops;
use crate::web::fault::Fault;

/// Which shut-offs to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShutoffQuery {
    /// Whether only those in force are listed.
    live: Option<bool>,
    /// Made before this one only.
    before: Option<ShutoffId>,
}

/// Updates to stop.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShutoff {
    /// Name of the project.
    project: String,
    /// Name of the branch; all of the project when absent.
    branch: Option<String>,
    /// Why.
    reason: String,
}

/// Lists shut-offs, the newest first.
#[utoipa::path(get, path = "/api/v1/shutoffs", params(ShutoffQuery),
    responses((status = 200, body = List<Shutoff>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<ShutoffQuery>,
) -> Result<HttpResponse, Fault> {
    let live = query.live.unwrap_or(false);
    let page = ops::shutoffs::list(&app, &identity, live, query.before).await?;
    Ok(answer(&request, page))
}

/// Stops updates of a project or a branch.
#[utoipa::path(post, path = "/api/v1/shutoffs", request_body = NewShutoff,
    responses((status = 201, body = Shutoff)))]
pub async fn create(
    app: Data<App>,
    identity: Identity,
    body: Json<NewShutoff>,
) -> Result<HttpResponse, Fault> {
    let (branch, reason) = (body.branch.as_deref(), &body.reason);
    let made = ops::shutoffs::shut_off(&app, &identity, &body.project, branch, reason).await?;
    Ok(HttpResponse::Created().json(made))
}

/// Lets updates go on.
#[utoipa::path(post, path = "/api/v1/shutoffs/{id}/lift", params(("id" = ShutoffId, Path)),
    responses((status = 200, body = Shutoff)))]
pub async fn lift(
    app: Data<App>,
    identity: Identity,
    id: Path<ShutoffId>,
) -> Result<HttpResponse, Fault> {
    let lifted = ops::shutoffs::lift(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(lifted))
}
