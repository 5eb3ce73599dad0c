//! `/api/v1/audit`: who did or was refused what.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::ids::AuditId;
use crate::model::AuditEntry;
use crate::ops;
use crate::web::fault::Fault;

/// Which part of the trail to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Added before this one only.
    before: Option<AuditId>,
}

/// Lists the audit trail, the newest first.
#[utoipa::path(get, path = "/api/v1/audit", params(AuditQuery),
    responses((status = 200, body = List<AuditEntry>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<AuditQuery>,
) -> Result<HttpResponse, Fault> {
    let page = ops::audit::list(&app, &identity, query.before).await?;
    Ok(answer(&request, page))
}
