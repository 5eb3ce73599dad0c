//! `/api/v1/requests`.

use actix_web::web::{Data, Path};
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
