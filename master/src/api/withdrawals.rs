//! Withdrawing a product, and taking that back. Both take `If-Match` with its `row_version`.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};

use super::guard::{Guard, tag};
use super::releases::Reason;
use crate::app::App;
use crate::auth::Identity;
use crate::ids::ProductId;
use crate::model::Product;
use crate::ops;
use crate::web::fault::Fault;

/// Withdraws a product: it is never offered, its files answer 410, its releases end.
#[utoipa::path(post, path = "/api/v1/products/{id}/withdraw", params(("id" = ProductId, Path)),
    request_body = Reason, responses((status = 200, body = Product)))]
pub async fn withdraw(
    app: Data<App>,
    identity: Identity,
    id: Path<ProductId>,
    guard: Guard,
    body: Json<Reason>,
) -> Result<HttpResponse, Fault> {
    let done = ops::withdrawals::withdraw(&app, &identity, *id, guard.0, &body.reason).await?;
    Ok(shown(&done))
}

/// Takes a withdrawal back: the product is as if freshly recorded.
#[utoipa::path(post, path = "/api/v1/products/{id}/reinstate", params(("id" = ProductId, Path)),
    request_body = Reason, responses((status = 200, body = Product)))]
pub async fn reinstate(
    app: Data<App>,
    identity: Identity,
    id: Path<ProductId>,
    guard: Guard,
    body: Json<Reason>,
) -> Result<HttpResponse, Fault> {
    let done = ops::withdrawals::reinstate(&app, &identity, *id, guard.0, &body.reason).await?;
    Ok(shown(&done))
}

fn shown(product: &Product) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(tag(product.row_version))
        .json(product)
}
