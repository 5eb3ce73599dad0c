//! `/api/v1/logs`: what logs there are. Their text is at `text`.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use crate::app::App;
use crate::auth::Identity;
use crate::ids::LogId;
use crate::model::LogDetail;
use crate::ops;
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
