//! `/api/v1/qa`: the desk of a tester, and the choices they come back to.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use super::products::ProductQuery;
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ids::{DeskId, ProductId};
use crate::model::{Desk, DeskRow, Page};
use crate::ops;
use crate::web::fault::Fault;
use crate::web::products::query::ListQuery;

/// A choice to remember.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDesk {
    /// The query of the list, such as `branch=main&target=x86_64-linux`; empty for everything.
    #[serde(default)]
    query: String,
    /// The name to save it under; absent, it is only remembered what was seen.
    name: Option<String>,
    /// The newest product that was seen there: what came later is new.
    seen: Option<ProductId>,
}

/// Lists products as a tester's desk shows them: with the installer, the last verdict, live holds,
/// labels, and what came since the product before. What is new is told to a user alone.
#[utoipa::path(get, path = "/api/v1/qa", params(ProductQuery),
    responses((status = 200, body = List<DeskRow>)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<ProductQuery>,
) -> Result<HttpResponse, Fault> {
    let filter = query.filter()?;
    let choice = choice(request.query_string())?;
    let (page, _) = ops::desks::show(&app, &identity, filter, &choice).await?;
    Ok(answer(&request, page))
}

/// Lists the choices that one has saved or looked at, those with a name first.
#[utoipa::path(get, path = "/api/v1/qa/desks", responses((status = 200, body = List<Desk>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let items = ops::desks::of_user(&app, &identity).await?;
    Ok(answer(&request, Page::<_, i64> { items, next: None }))
}

/// Saves a choice under a name, or remembers up to which product it was seen.
#[utoipa::path(post, path = "/api/v1/qa/desks", request_body = NewDesk,
    responses((status = 200, body = Desk)))]
pub async fn keep(
    app: Data<App>,
    identity: Identity,
    body: Json<NewDesk>,
) -> Result<HttpResponse, Fault> {
    let query = choice(&body.query)?;
    let kept = ops::desks::keep(&app, &identity, &query, body.name.as_deref(), body.seen).await?;
    Ok(HttpResponse::Ok().json(kept))
}

/// Forgets a choice of one's own.
#[utoipa::path(delete, path = "/api/v1/qa/desks/{id}", params(("id" = DeskId, Path)),
    responses((status = 204)))]
pub async fn remove(
    app: Data<App>,
    identity: Identity,
    id: Path<DeskId>,
) -> Result<HttpResponse, Fault> {
    ops::desks::remove(&app, &identity, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The query as the page of the desk has it in its address, whatever the order of its parts.
fn choice(query: &str) -> Result<String, Error> {
    let query = query.trim_start_matches('?');
    let wrong = |error: &dyn std::fmt::Display| Error::bad_input("query", error.to_string());
    let known = Query::<ProductQuery>::from_query(query).map_err(|error| wrong(&error))?;
    known.into_inner().filter()?;
    let asked = Query::<ListQuery>::from_query(query).map_err(|error| wrong(&error))?;
    Ok(asked.choice())
}
