//! `/api/v1/projects/{name}/feed-keys`, and addresses of files that need no login.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};

use crate::app::App;
use crate::auth::Identity;
use crate::ops;
use crate::ops::privacy::Link;
use crate::web::fault::Fault;

/// The keys with which the feeds of a private project answer.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct FeedKeys {
    /// The one in force first, then the one before it.
    keys: Vec<String>,
}

/// An address to make.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// SHA-256 of the file.
    sha256: String,
    /// Its name.
    name: String,
    /// How long the address is good; it ends at a whole hour after that.
    life_seconds: u64,
}

/// Shows the feed keys of a project.
#[utoipa::path(get, path = "/api/v1/projects/{name}/feed-keys", params(("name" = String, Path)),
    responses((status = 200, body = FeedKeys)))]
pub async fn feed_keys(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    let keys = ops::privacy::feed_keys(&app, &identity, &name).await?;
    Ok(HttpResponse::Ok().json(FeedKeys { keys }))
}

/// Gives a project a new feed key; the last one stays good until the next time.
#[utoipa::path(post, path = "/api/v1/projects/{name}/feed-keys", params(("name" = String, Path)),
    responses((status = 201, body = FeedKeys)))]
pub async fn rotate(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    let keys = ops::privacy::rotate_feed_key(&app, &identity, &name).await?;
    Ok(HttpResponse::Created().json(FeedKeys { keys }))
}

/// Makes an address of a file that needs no login and ends.
#[utoipa::path(post, path = "/api/v1/file-links", request_body = Sign,
    responses((status = 201, body = Link)))]
pub async fn sign(
    app: Data<App>,
    identity: Identity,
    body: Json<Sign>,
) -> Result<HttpResponse, Fault> {
    let life = Duration::from_secs(body.life_seconds);
    let link = ops::privacy::sign(&app, &identity, &body.sha256, &body.name, life).await?;
    Ok(HttpResponse::Created().json(link))
}

/// Makes a new key for such addresses; those of the last one stay good until they end.
#[utoipa::path(post, path = "/api/v1/file-links/rotate-key",
    responses((status = 204, description = "A new key signs from now on")))]
pub async fn rotate_key(app: Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    ops::privacy::rotate_file_key(&app, &identity).await?;
    Ok(HttpResponse::NoContent().finish())
}
