//! `POST /api/v1/products` and `/api/v1/drafts`: products on their way here.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ids::DraftId;
use crate::model::{Draft, DraftState, ProductDetail, ProductRecord};
use crate::ops;
use crate::web::fault::Fault;

/// Which drafts to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DraftQuery {
    /// Made before this one only.
    before: Option<DraftId>,
}

/// Announces a product: makes a draft, and an upload for each file. One that is recorded already
/// with the same files answers 200, as does a repeated `Idempotency-Key`.
#[utoipa::path(post, path = "/api/v1/products",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key makes the same draft")),
    request_body = ProductRecord,
    responses((status = 201, body = Draft), (status = 200, body = Draft),
        (status = 507, description = "There is no room")))]
pub async fn create(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    body: Json<ProductRecord>,
) -> Result<HttpResponse, Fault> {
    let key = match request.headers().get("idempotency-key") {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_| {
            Error::bad_input("Idempotency-Key", "printable characters are expected")
        })?),
    };
    let asked_at = app.clock.now();
    let key = key.map(str::to_owned);
    let draft = ops::drafts::create(&app, &identity, body.into_inner(), key).await?;
    let is_new = draft.state == DraftState::Open && draft.created_at >= asked_at;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(HttpResponse::build(status)
        .insert_header((header::LOCATION, format!("/api/v1/drafts/{}", draft.id)))
        .json(draft))
}

/// Lists the open drafts, the newest first: one's own, or for admins all.
#[utoipa::path(get, path = "/api/v1/drafts", params(DraftQuery),
    responses((status = 200, body = List<Draft>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<DraftQuery>,
) -> Result<HttpResponse, Fault> {
    let page = ops::drafts::list(&app, &identity, query.before).await?;
    Ok(answer(&request, page))
}

/// Shows a draft and how far its files are.
#[utoipa::path(get, path = "/api/v1/drafts/{id}", params(("id" = DraftId, Path)),
    responses((status = 200, body = Draft)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<DraftId>,
) -> Result<HttpResponse, Fault> {
    let draft = ops::drafts::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(draft))
}

/// Records the product of a draft whose files are all here. Asked again it answers the same.
#[utoipa::path(post, path = "/api/v1/drafts/{id}/commit", params(("id" = DraftId, Path)),
    responses((status = 201, body = ProductDetail)))]
pub async fn commit(
    app: Data<App>,
    identity: Identity,
    id: Path<DraftId>,
) -> Result<HttpResponse, Fault> {
    let product = ops::drafts::commit(&app, &identity, *id).await?;
    let place = format!("/api/v1/products/{}", product.product.id);
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, place))
        .json(product))
}

/// Gives a draft up; what came of its files is removed.
#[utoipa::path(delete, path = "/api/v1/drafts/{id}", params(("id" = DraftId, Path)),
    responses((status = 204, description = "It is given up")))]
pub async fn abandon(
    app: Data<App>,
    identity: Identity,
    id: Path<DraftId>,
) -> Result<HttpResponse, Fault> {
    ops::drafts::abandon(&app, &identity, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}
