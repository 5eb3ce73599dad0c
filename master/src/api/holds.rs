//! `/api/v1/holds` and the holds of one product.

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::error::Error;
use crate::ids::{HoldId, ProductId};
use crate::model::{HeldProduct, Hold, HoldFilter, HoldOrder};
use crate::ops;
use crate::ops::products::bulk::Deed;
use crate::web::fault::Fault;

/// Which holds to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HoldQuery {
    /// Login name of who wants it kept.
    owner: Option<String>,
    /// Those only that end by themselves before this moment.
    ends_before: Option<Time>,
    /// The order; the newest first when absent.
    order: Option<HoldOrder>,
    /// After this one in that order.
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
    /// Keep the products of the same branch and revision for other targets too, as one group.
    #[serde(default)]
    cascade: bool,
}

impl Keep {
    /// What is done with it to several products.
    pub(super) fn deed(self) -> Deed {
        Deed::Keep {
            reason: self.reason,
            until: self.until,
            cascade: self.cascade,
        }
    }
}

/// The end of a hold.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// Why the product need not be kept any longer.
    reason: String,
    /// Lift all holds that were made together with it too.
    #[serde(default)]
    group: bool,
}

impl Lift {
    /// What is done with it to several products.
    pub(super) fn deed(self) -> Deed {
        Deed::Lift {
            reason: self.reason,
        }
    }
}

/// Lists the live holds of all products with the product of each.
#[utoipa::path(get, path = "/api/v1/holds", params(HoldQuery),
    responses((status = 200, body = List<HeldProduct>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<HoldQuery>,
) -> Result<HttpResponse, Fault> {
    let filter = HoldFilter {
        owner: query.owner,
        ends_before: query.ends_before,
        order: query.order.unwrap_or_default(),
        after: query.before,
    };
    let page = ops::holds::list(&app, &identity, filter).await?;
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
    let hold = if body.cascade {
        let all = ops::holds::keep_revision(&app, &identity, *id, &body.reason, body.until).await?;
        let own = all.into_iter().next();
        own.ok_or_else(|| Error::internal("a kept product has no hold"))?
    } else {
        ops::holds::keep(&app, &identity, *id, &body.reason, body.until).await?
    };
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
    if body.group {
        let mut all = ops::holds::lift_group(&app, &identity, *id, &body.reason).await?;
        return Ok(HttpResponse::Ok().json(all.swap_remove(0)));
    }
    let hold = ops::holds::lift(&app, &identity, *id, &body.reason).await?;
    Ok(HttpResponse::Ok().json(hold))
}
