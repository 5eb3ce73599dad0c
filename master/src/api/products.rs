//! `/api/v1/products`.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::ids::{BuildId, ProductId};
use crate::model::{Product, ProductDetail, ProductFilter, ProductState, Verdict};
use crate::ops;
use crate::web::fault::Fault;
use crate::web::products::query::{moment, property_of};

/// Which products to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProductQuery {
    /// Name of the project.
    project: Option<String>,
    /// Name of the branch.
    branch: Option<String>,
    /// Target.
    target: Option<String>,
    /// Part of the version text.
    version: Option<String>,
    /// State.
    state: Option<ProductState>,
    /// Whether a hold protects it.
    held: Option<bool>,
    /// Name of the builder.
    builder: Option<String>,
    /// Id of the build that made it.
    build: Option<BuildId>,
    /// `NAME:VALUE` of a property.
    property: Option<String>,
    /// What the last who tested it found.
    verdict: Option<Verdict>,
    /// Recorded at that moment or later: `2026-11-20T10:39:21Z`, or the beginning of a day in UTC.
    from: Option<String>,
    /// Recorded before that moment, or before the end of a day in UTC.
    until: Option<String>,
    /// Recorded before this one only.
    before: Option<ProductId>,
}

/// Lists products, the newest recorded first. A page may hold fewer than 50 though there is a next
/// one: a search ends with the rows that one request may look at.
#[utoipa::path(get, path = "/api/v1/products", params(ProductQuery),
    responses((status = 200, body = List<Product>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<ProductQuery>,
) -> Result<HttpResponse, Fault> {
    let property = query.property.as_deref().map(property_of).transpose()?;
    let filter = ProductFilter {
        project: query.project,
        branch: query.branch,
        target: query.target,
        version: query.version,
        state: query.state,
        held: query.held,
        builder: query.builder,
        build: query.build,
        property,
        verdict: query.verdict,
        from: moment("from", query.from.as_deref().unwrap_or_default(), false)?,
        until: moment("until", query.until.as_deref().unwrap_or_default(), true)?,
        before: query.before,
    };
    let page = ops::products::list(&app, &identity, filter).await?;
    Ok(answer(&request, page))
}

/// Shows a product with its files, properties and holds.
#[utoipa::path(get, path = "/api/v1/products/{id}", params(("id" = ProductId, Path)),
    responses((status = 200, body = ProductDetail)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<ProductId>,
) -> Result<HttpResponse, Fault> {
    let product = ops::products::show(&app, &identity, *id).await?;
    Ok(HttpResponse::Ok().json(product))
}
