//! `/api/v1/agents`.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::model::{AgentSummary, Page};
use crate::ops;
use crate::web::fault::Fault;

/// Lists the agents by name, all on one page.
#[utoipa::path(get, path = "/api/v1/agents",
    responses((status = 200, body = List<AgentSummary>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let items = ops::agents::list(&app, &identity).await?;
    let page: Page<_, i64> = Page { items, next: None };
    Ok(answer(&request, page))
}

/// Shows an agent.
#[utoipa::path(get, path = "/api/v1/agents/{name}", params(("name" = String, Path)),
    responses((status = 200, body = AgentSummary)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    let agent = ops::agents::show(&app, &identity, &name).await?;
    Ok(HttpResponse::Ok().json(agent))
}
