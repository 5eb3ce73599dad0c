//! `/api/v1/logs`: what logs there are. Their text is at `text`.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::app::App;
use crate::auth::Identity;
use crate::ids::LogId;
use crate::model::LogDetail;
use crate::ops;
use crate::web;
use crate::web::fault::Fault;

/// Shows a log with its step and build.
#[utoipa::path(get, path = "/api/v1/logs/{id}", params(("id" = LogId, Path)),
    responses((status = 200, body = LogDetail)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<LogId>,
) -> Result<HttpResponse, Fault> {
    let log = ops::logs::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(log))
}

/// Gives the text of a log as it came, whole or one range of its bytes.
#[utoipa::path(get, path = "/api/v1/logs/{id}/text", params(("id" = LogId, Path)),
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 206, body = String, content_type = "text/plain"),
    ))]
pub async fn text(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: Path<LogId>,
) -> Result<HttpResponse, Fault> {
    web::logs::raw(app, identity, request, id).await
}
