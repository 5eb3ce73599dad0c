//! `/api/v1/products`.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ids::{BuildId, ProductId};
use crate::model::{Product, ProductDetail, ProductFilter, ProductState};
use crate::ops;
use crate::web::fault::Fault;

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
    /// Recorded before this one only.
    before: Option<ProductId>,
}

/// Lists products, the newest recorded first.
#[utoipa::path(get, path = "/api/v1/products", params(ProductQuery),
    responses((status = 200, body = List<Product>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<ProductQuery>,
) -> Result<HttpResponse, Fault> {
    let property = query.property.as_deref().map(property).transpose()?;
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

fn property(text: &str) -> Result<(String, String), Error> {
    text.split_once(':')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| Error::bad_input("property", "expected NAME:VALUE, such as flavour:release"))
}
