//! `/api/v1/stores`: where the files lie, and moving them.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};

use crate::app::App;
use crate::auth::Identity;
use crate::model::BlobStore;
use crate::ops;
use crate::ops::stores::Stores;
use crate::web::fault::Fault;

/// A move to begin.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Where every file is to lie; absent or null stops the move that is under way.
    to: Option<BlobStore>,
}

/// Shows what lies in each store, and what is being moved.
#[utoipa::path(get, path = "/api/v1/stores", responses((status = 200, body = Stores)))]
pub async fn show(app: Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    let stores = ops::stores::show(&app, &identity).await?;
    Ok(HttpResponse::Ok().json(stores))
}

/// Moves every file to one store, in the background while serving.
#[utoipa::path(post, path = "/api/v1/stores/move", request_body = Move,
    responses((status = 202, description = "It is under way, or stopped", body = Stores)))]
pub async fn relocate(
    app: Data<App>,
    identity: Identity,
    body: Json<Move>,
) -> Result<HttpResponse, Fault> {
    ops::stores::move_to(&app, &identity, body.to).await?;
    let stores = ops::stores::show(&app, &identity).await?;
    Ok(HttpResponse::Accepted().json(stores))
}
