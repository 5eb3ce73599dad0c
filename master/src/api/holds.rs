//! `/api/v1/holds` and the holds of one product.

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::ids::{HoldId, ProductId};
use crate::model::Hold;
use crate::ops;
use crate::web::fault::Fault;

/// Which holds to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HoldQuery {
    /// Made before this one only.
    before: Option<HoldId>,
}

/// A hold to make.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// Why the product must not be collected.
    reason: String,
    /// When the hold ends by itself; never when absent.
    until: Option<Time>,
}

/// The end of a hold.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// Why the product need not be kept any longer.
    reason: String,
}

/// Lists the live holds of all products, the newest first.
#[utoipa::path(get, path = "/api/v1/holds", params(HoldQuery),
    responses((status = 200, body = List<Hold>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<HoldQuery>,
) -> Result<HttpResponse, Fault> {
    let page = ops::holds::list(&app, &identity, query.before).await?;
    Ok(answer(&request, page))
}

/// Shows a hold, also one that was lifted.
#[utoipa::path(get, path = "/api/v1/holds/{id}", params(("id" = HoldId, Path)),
    responses((status = 200, body = Hold)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<HoldId>,
) -> Result<HttpResponse, Fault> {
    let hold = ops::holds::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(hold))
}

/// Keeps a product: makes a hold.
#[utoipa::path(post, path = "/api/v1/products/{id}/holds", params(("id" = ProductId, Path)),
    request_body = Keep, responses((status = 201, body = Hold)))]
pub async fn keep(
    app: Data<App>,
    identity: Identity,
    id: Path<ProductId>,
    body: Json<Keep>,
) -> Result<HttpResponse, Fault> {
    let hold = ops::holds::keep(&app, &identity, *id, &body.reason, body.until).await?;
    let place = format!("/api/v1/holds/{}", hold.id);
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, place))
        .json(hold))
}

/// Lifts a hold.
#[utoipa::path(post, path = "/api/v1/holds/{id}/lift", params(("id" = HoldId, Path)),
    request_body = Lift, responses((status = 200, body = Hold)))]
pub async fn lift(
    app: Data<App>,
    identity: Identity,
    id: Path<HoldId>,
    body: Json<Lift>,
) -> Result<HttpResponse, Fault> {
    let hold = ops::holds::lift(&app, &identity, *id, &body.reason).await?;
    Ok(HttpResponse::Ok().json(hold))
}
