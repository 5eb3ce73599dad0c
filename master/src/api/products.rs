//! `/api/v1/products`.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::holds::{Keep, Lift};
use super::lists::{Filter, List, answer};
use super::verdicts::NewLabel;
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ids::{BuildId, ProductId};
use crate::model::{
    Comparison, FoundProduct, NewJudgement, Page, Product, ProductDetail, ProductFilter,
    ProductState, Verdict,
};
use crate::ops;
use crate::ops::products::bulk::{Deed, Outcome};
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

impl ProductQuery {
    /// The filter, or which part cannot be.
    pub(super) fn filter(self) -> Result<ProductFilter, Error> {
        let moment_of = |field: &str, text: &Option<String>, is_end: bool| {
            moment(field, text.as_deref().unwrap_or_default(), is_end)
        };
        Ok(ProductFilter {
            property: self.property.as_deref().map(property_of).transpose()?,
            from: moment_of("from", &self.from, false)?,
            until: moment_of("until", &self.until, true)?,
            project: self.project,
            branch: self.branch,
            target: self.target,
            version: self.version,
            state: self.state,
            held: self.held,
            builder: self.builder,
            build: self.build,
            verdict: self.verdict,
            public_only: false,
            before: self.before,
        })
    }
}

/// Two products.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PairQuery {
    /// The one, mostly the older.
    a: ProductId,
    /// The other.
    b: ProductId,
}

/// What is looked for.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindQuery {
    /// Version, build number (`#12`, `builder/12`), start of a revision, hash or name of a file.
    q: String,
}

/// The same for several products: exactly one of the last four.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// At most 100.
    products: Vec<ProductId>,
    /// Give this verdict.
    judge: Option<NewJudgement>,
    /// Keep them.
    keep: Option<Keep>,
    /// Lift all their live holds.
    lift: Option<Lift>,
    /// Set this label.
    label: Option<NewLabel>,
}

/// Tells what is different in one product from another: changes, files, properties, verdicts.
#[utoipa::path(get, path = "/api/v1/products/compare", params(PairQuery),
    responses((status = 200, body = Comparison)))]
pub async fn compare(
    app: Data<App>,
    identity: Identity,
    Filter(query): Filter<PairQuery>,
) -> Result<HttpResponse, Fault> {
    let found = ops::products::compare(&app, &identity, query.a, query.b).await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Finds the build somebody was given, at any age, by what they have in hand.
#[utoipa::path(get, path = "/api/v1/products/find", params(FindQuery),
    responses((status = 200, body = List<FoundProduct>)))]
pub async fn find(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<FindQuery>,
) -> Result<HttpResponse, Fault> {
    let items = ops::products::find(&app, &identity, &query.q).await?;
    Ok(answer(&request, Page::<_, i64> { items, next: None }))
}

/// Does the same to several products, one after the other, and tells what came of each.
#[utoipa::path(post, path = "/api/v1/products/bulk", request_body = Bulk,
    responses((status = 200, body = Vec<Outcome>)))]
pub async fn bulk(
    app: Data<App>,
    identity: Identity,
    body: Json<Bulk>,
) -> Result<HttpResponse, Fault> {
    let Bulk {
        products,
        judge,
        keep,
        lift,
        label,
    } = body.into_inner();
    let deeds = [
        judge.map(Deed::Judge),
        keep.map(Keep::deed),
        lift.map(Lift::deed),
        label.map(NewLabel::deed),
    ];
    let mut deeds = deeds.into_iter().flatten();
    let (Some(deed), None) = (deeds.next(), deeds.next()) else {
        let text = "give exactly one of judge, keep, lift and label";
        return Err(Fault(Error::bad_input("products", text)));
    };
    let all = ops::products::bulk::run(&app, &identity, products, &deed).await?;
    Ok(HttpResponse::Ok().json(all))
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
    let filter = query.filter()?;
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
