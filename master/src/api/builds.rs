//! `/api/v1/builds`.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::ids::BuildId;
use crate::model::{
    Artifact, BuildDetail, BuildFilter, BuildResult, BuildState, BuildSummary, Page,
    RequestSummary, StepSummary,
};
use crate::ops;
use crate::web::fault::Fault;

/// Which builds to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BuildQuery {
    /// Name of the builder.
    builder: Option<String>,
    /// Name of the project.
    project: Option<String>,
    /// Branch of one of its sources.
    branch: Option<String>,
    /// State.
    state: Option<BuildState>,
    /// Result.
    result: Option<BuildResult>,
    /// Name of the agent.
    agent: Option<String>,
    /// Older than this one only.
    before: Option<BuildId>,
}

/// Lists builds, the newest first.
#[utoipa::path(get, path = "/api/v1/builds", params(BuildQuery),
    responses((status = 200, body = List<BuildSummary>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<BuildQuery>,
) -> Result<HttpResponse, Fault> {
    let filter = BuildFilter {
        builder: query.builder,
        project: query.project,
        branch: query.branch,
        state: query.state,
        result: query.result,
        agent: query.agent,
        before: query.before,
    };
    let page = ops::builds::list(&app, &identity, filter).await?;
    Ok(answer(&request, page))
}

/// Shows a build with its steps, changes, properties, artifacts and products.
#[utoipa::path(get, path = "/api/v1/builds/{id}", params(("id" = BuildId, Path)),
    responses((status = 200, body = BuildDetail)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<BuildId>,
) -> Result<HttpResponse, Fault> {
    let build = ops::builds::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(build))
}

/// Lists the steps of a build in order, each with its logs.
#[utoipa::path(get, path = "/api/v1/builds/{id}/steps", params(("id" = BuildId, Path)),
    responses((status = 200, body = List<StepSummary>)))]
pub async fn steps(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: Path<BuildId>,
) -> Result<HttpResponse, Fault> {
    let items = ops::builds::show(&app, &identity, *id).await?.steps;
    let page: Page<_, i64> = Page { items, next: None };
    Ok(answer(&request, page))
}

/// Lists the files that a build uploaded.
#[utoipa::path(get, path = "/api/v1/builds/{id}/artifacts", params(("id" = BuildId, Path)),
    responses((status = 200, body = List<Artifact>)))]
pub async fn artifacts(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: Path<BuildId>,
) -> Result<HttpResponse, Fault> {
    let items = ops::builds::show(&app, &identity, *id).await?.artifacts;
    let page: Page<_, i64> = Page { items, next: None };
    Ok(answer(&request, page))
}

/// Stops a running build. It ends a little later, with the result `cancelled`.
#[utoipa::path(post, path = "/api/v1/builds/{id}/cancel", params(("id" = BuildId, Path)),
    responses((status = 202, body = BuildSummary)))]
pub async fn cancel(
    app: Data<App>,
    identity: Identity,
    id: Path<BuildId>,
) -> Result<HttpResponse, Fault> {
    ops::builds::cancel(&app, &identity, *id).await?;
    let build = ops::builds::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Accepted().json(build.summary))
}

/// Asks for the same build again: same source, same values.
#[utoipa::path(post, path = "/api/v1/builds/{id}/rebuild", params(("id" = BuildId, Path)),
    responses((status = 201, body = RequestSummary)))]
pub async fn rebuild(
    app: Data<App>,
    identity: Identity,
    id: Path<BuildId>,
) -> Result<HttpResponse, Fault> {
    let request = ops::builds::rebuild(&app, &identity, *id).await?;
    super::requests::created(&app, &identity, request).await
}
