//! `/api/v1/changes`.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::ids::ChangeId;
use crate::model::{ChangeFilter, ChangeSummary};
use crate::ops;
use crate::web::fault::Fault;

/// Which changes to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangeQuery {
    /// Name of the repository.
    repository: Option<String>,
    /// Branch.
    branch: Option<String>,
    /// Older than this one only.
    before: Option<ChangeId>,
}

/// Lists changes, the newest first.
#[utoipa::path(get, path = "/api/v1/changes", params(ChangeQuery),
    responses((status = 200, body = List<ChangeSummary>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<ChangeQuery>,
) -> Result<HttpResponse, Fault> {
    let filter = ChangeFilter {
        repository: query.repository,
        branch: query.branch,
        before: query.before,
    };
    let page = ops::changes::list(&app, &identity, filter).await?;
    Ok(answer(&request, page))
}

/// Shows a change with its builds.
#[utoipa::path(get, path = "/api/v1/changes/{id}", params(("id" = ChangeId, Path)),
    responses((status = 200, body = ChangeSummary)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<ChangeId>,
) -> Result<HttpResponse, Fault> {
    let change = ops::changes::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(change))
}
