//! `/api/v1/retention`, and the way out and back of one product.

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::guard::Guard;
use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::collector::Planned;
use crate::ids::{PlanId, ProductId};
use crate::model::{Plan, PlanDetail, PlanItem, PolicyText, StoreState, Trashed, WhyKept};
use crate::ops;
use crate::web::fault::Fault;

/// How the store stands, and the policies in force.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Overview {
    /// How the store stands and how it will.
    #[serde(flatten)]
    store: StoreState,
    /// The policies in force.
    policies: Vec<PolicyText>,
}

/// Which plans to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlanQuery {
    /// Made before this one only.
    before: Option<PlanId>,
}

/// Which products to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ItemQuery {
    /// Recorded before this one only.
    before: Option<ProductId>,
}

/// A plan to make.
#[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Make {
    /// Only look: nothing is stored.
    #[serde(default)]
    dry_run: bool,
}

/// Why something is done.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// The reason.
    reason: String,
}

/// Shows how the store stands, its forecast, and the policies in force.
#[utoipa::path(get, path = "/api/v1/retention", responses((status = 200, body = Overview)))]
pub async fn show(app: Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    let store = ops::retention::show(&app, &identity).await?;
    let policies = ops::retention::policies(&app, &identity).await?;
    Ok(HttpResponse::Ok().json(Overview { store, policies }))
}

/// Lists the plans, the newest first.
#[utoipa::path(get, path = "/api/v1/retention/plans", params(PlanQuery),
    responses((status = 200, body = List<Plan>)))]
pub async fn plans(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<PlanQuery>,
) -> Result<HttpResponse, Fault> {
    let page = ops::retention::list(&app, &identity, query.before).await?;
    Ok(answer(&request, page))
}

/// Finds out what may go, and stores it as a plan unless it is a dry run.
#[utoipa::path(post, path = "/api/v1/retention/plans", request_body = Make,
    responses((status = 201, body = Planned), (status = 200, description = "A dry run",
        body = Planned)))]
pub async fn make(
    app: Data<App>,
    identity: Identity,
    body: Json<Make>,
) -> Result<HttpResponse, Fault> {
    let planned = ops::retention::make(&app, &identity, body.dry_run).await?;
    Ok(match planned.plan {
        Some(id) => HttpResponse::Created()
            .insert_header((header::LOCATION, format!("/api/v1/retention/plans/{id}")))
            .json(planned),
        None => HttpResponse::Ok().json(planned),
    })
}

/// Shows a plan, and what branches would offer after it where that is not the same.
#[utoipa::path(get, path = "/api/v1/retention/plans/{id}", params(("id" = PlanId, Path)),
    responses((status = 200, body = PlanDetail)))]
pub async fn plan(
    app: Data<App>,
    identity: Identity,
    id: Path<PlanId>,
) -> Result<HttpResponse, Fault> {
    let plan = ops::retention::plan(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(plan))
}

/// Lists the products of a plan.
#[utoipa::path(get, path = "/api/v1/retention/plans/{id}/items",
    params(("id" = PlanId, Path), ItemQuery), responses((status = 200, body = List<PlanItem>)))]
pub async fn items(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: Path<PlanId>,
    Filter(query): Filter<ItemQuery>,
) -> Result<HttpResponse, Fault> {
    let page = ops::retention::items(&app, &identity, *id, query.before).await?;
    Ok(answer(&request, page))
}

/// Has a plan applied. It is done in the background: look at the plan for how far it is.
#[utoipa::path(post, path = "/api/v1/retention/plans/{id}/apply", params(("id" = PlanId, Path)),
    responses((status = 202, body = Plan)))]
pub async fn apply(
    app: Data<App>,
    identity: Identity,
    id: Path<PlanId>,
) -> Result<HttpResponse, Fault> {
    let plan = ops::retention::apply(&app, &identity, *id).await?;
    Ok(HttpResponse::Accepted().json(plan))
}

/// Lists the products in the trash, the newest product first.
#[utoipa::path(get, path = "/api/v1/retention/trash", params(ItemQuery),
    responses((status = 200, body = List<Trashed>)))]
pub async fn trash(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<ItemQuery>,
) -> Result<HttpResponse, Fault> {
    let page = ops::retention::in_trash(&app, &identity, query.before).await?;
    Ok(answer(&request, page))
}

/// Takes a product out of the trash; `If-Match` holds the row version that was looked at.
#[utoipa::path(post, path = "/api/v1/products/{id}/restore", params(("id" = ProductId, Path)),
    request_body = Because, responses((status = 204, description = "It is what it was")))]
pub async fn restore(
    app: Data<App>,
    identity: Identity,
    guard: Guard,
    id: Path<ProductId>,
    body: Json<Because>,
) -> Result<HttpResponse, Fault> {
    ops::retention::restore(&app, &identity, *id, guard.0, &body.reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Puts a product into the trash, if nothing protects it; `If-Match` holds the row version.
#[utoipa::path(delete, path = "/api/v1/products/{id}", params(("id" = ProductId, Path)),
    request_body = Because, responses((status = 204, description = "It is in the trash")))]
pub async fn collect(
    app: Data<App>,
    identity: Identity,
    guard: Guard,
    id: Path<ProductId>,
    body: Json<Because>,
) -> Result<HttpResponse, Fault> {
    ops::retention::collect(&app, &identity, *id, guard.0, &body.reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Tells every reason why a product is kept, or that it is not.
#[utoipa::path(get, path = "/api/v1/products/{id}/why-kept", params(("id" = ProductId, Path)),
    responses((status = 200, body = WhyKept)))]
pub async fn why(
    app: Data<App>,
    identity: Identity,
    id: Path<ProductId>,
) -> Result<HttpResponse, Fault> {
    let why = ops::retention::why(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(why))
}

/// Has every stored file read now, to see whether it is right.
#[utoipa::path(post, path = "/api/v1/retention/scrub",
    responses((status = 202, description = "It is being done")))]
pub async fn scrub(app: Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    ops::retention::scrub(&app, &identity).await?;
    Ok(HttpResponse::Accepted().finish())
}
