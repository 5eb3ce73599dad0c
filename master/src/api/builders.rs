//! `/api/v1/builders`.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::model::{BuilderFilter, BuilderSummary, Page};
use crate::ops;
use crate::web::fault::Fault;

/// Which builders to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BuilderQuery {
    /// Name of the project.
    project: Option<String>,
    /// A tag it has.
    tag: Option<String>,
}

/// Lists the builders by name, all on one page.
#[utoipa::path(get, path = "/api/v1/builders", params(BuilderQuery),
    responses((status = 200, body = List<BuilderSummary>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: actix_web::HttpRequest,
    Filter(query): Filter<BuilderQuery>,
) -> Result<HttpResponse, Fault> {
    let filter = BuilderFilter {
        project: query.project,
        tag: query.tag,
        name: None,
    };
    let items = ops::builders::list(&app, &identity, filter).await?;
    let page: Page<_, i64> = Page { items, next: None };
    Ok(answer(&request, page))
}

/// Shows a builder.
#[utoipa::path(get, path = "/api/v1/builders/{name}", params(("name" = String, Path)),
    responses((status = 200, body = BuilderSummary)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    let builder = ops::builders::show(&app, &identity, &name).await?;
    Ok(HttpResponse::Ok().json(builder))
}
