//! `/api/v1/requests`.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::ids::RequestId;
use crate::model::{RequestFilter, RequestState, RequestSummary};
use crate::ops;
use crate::web::fault::Fault;

/// Which requests to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RequestQuery {
    /// State.
    state: Option<RequestState>,
    /// Name of the builder.
    builder: Option<String>,
    /// Older than this one only.
    before: Option<RequestId>,
}

/// A build to ask for.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Force {
    /// Name of the force schedule, whose parameters `values` fills in.
    schedule: String,
    /// Which of the schedule's builders; may be left out when it has one.
    builder: Option<String>,
    /// The branch to build; may be left out for builders without a source step.
    #[serde(default)]
    branch: String,
    /// A revision on it, whole or abbreviated; the newest when absent.
    revision: Option<String>,
    /// Why.
    #[serde(default)]
    reason: String,
    /// Values of the schedule's parameters, as one types them into the form.
    #[serde(default)]
    values: BTreeMap<String, String>,
}

/// Lists build requests, the newest first.
#[utoipa::path(get, path = "/api/v1/requests", params(RequestQuery),
    responses((status = 200, body = List<RequestSummary>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<RequestQuery>,
) -> Result<HttpResponse, Fault> {
    let filter = RequestFilter {
        state: query.state,
        builder: query.builder,
        before: query.before,
    };
    let page = ops::requests::list(&app, &identity, filter).await?;
    Ok(answer(&request, page))
}

/// Shows a build request, with the reason why it waits.
#[utoipa::path(get, path = "/api/v1/requests/{id}", params(("id" = RequestId, Path)),
    responses((status = 200, body = RequestSummary)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<RequestId>,
) -> Result<HttpResponse, Fault> {
    let request = ops::requests::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(request))
}

/// Asks for a build.
#[utoipa::path(post, path = "/api/v1/requests", request_body = Force,
    responses((status = 201, body = RequestSummary)))]
pub async fn force(
    app: Data<App>,
    identity: Identity,
    body: Json<Force>,
) -> Result<HttpResponse, Fault> {
    let body = body.into_inner();
    let form = ops::requests::Force {
        schedule: body.schedule,
        builder: body.builder,
        branch: body.branch,
        revision: body.revision,
        reason: body.reason,
        values: body.values,
    };
    let id = ops::requests::force(&app, &identity, form).await?;
    created(&app, &identity, id).await
}

/// Takes back a build request that waits.
#[utoipa::path(post, path = "/api/v1/requests/{id}/cancel", params(("id" = RequestId, Path)),
    responses((status = 200, body = RequestSummary)))]
pub async fn cancel(
    app: Data<App>,
    identity: Identity,
    id: Path<RequestId>,
) -> Result<HttpResponse, Fault> {
    ops::requests::cancel(&app, &identity, *id).await?;
    let request = ops::requests::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(request))
}

/// The answer to whoever made a request: the request and where it is.
pub(super) async fn created(
    app: &App,
    identity: &Identity,
    id: RequestId,
) -> Result<HttpResponse, Fault> {
    let request = ops::requests::show(app, identity, id).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/v1/requests/{id}")))
        .json(request))
}
