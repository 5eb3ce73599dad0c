//! `/api/v1/agents`.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::model::{AgentSummary, AgentUpgrade, Page};
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

/// A key of an agent, shown once.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct NewKey {
    /// The line for the agent's key file, `wlk1_…`.
    key: String,
}

/// Keeps new builds from an agent; running ones go on.
#[utoipa::path(post, path = "/api/v1/agents/{name}/pause", params(("name" = String, Path)),
    responses((status = 200, body = AgentSummary)))]
pub async fn pause(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::set_paused(&app, &identity, &name, true).await?;
    show(app, identity, name).await
}

/// Lets builds come to an agent again.
#[utoipa::path(post, path = "/api/v1/agents/{name}/resume", params(("name" = String, Path)),
    responses((status = 200, body = AgentSummary)))]
pub async fn resume(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::set_paused(&app, &identity, &name, false).await?;
    show(app, identity, name).await
}

/// Makes another key for an agent, and the agent if there is none yet. The one before stays valid
/// until it is retired or the next is made.
#[utoipa::path(post, path = "/api/v1/agents/{name}/key", params(("name" = String, Path)),
    responses((status = 201, body = NewKey)))]
pub async fn key(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    let key = ops::agents::add(&app, &identity, &name).await?;
    Ok(HttpResponse::Created().json(NewKey { key }))
}

/// Ends the older of an agent's two keys.
#[utoipa::path(post, path = "/api/v1/agents/{name}/retire-key", params(("name" = String, Path)),
    responses((status = 200, body = AgentSummary)))]
pub async fn retire_key(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::retire_key(&app, &identity, &name).await?;
    show(app, identity, name).await
}

/// Sends an agent the program that the master hands out for its system. `upgrade` of the agent
/// tells how far it is.
#[utoipa::path(post, path = "/api/v1/agents/{name}/upgrade", params(("name" = String, Path)),
    responses((status = 202, body = Option<AgentUpgrade>)))]
pub async fn upgrade(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::upgrade(&app, &identity, &name).await?;
    let agent = ops::agents::show(&app, &identity, &name).await?;
    Ok(HttpResponse::Accepted().json(agent.upgrade))
}

/// Lets an agent go that the configuration does not name: its keys end.
#[utoipa::path(post, path = "/api/v1/agents/{name}/remove", params(("name" = String, Path)),
    responses((status = 204, description = "It cannot connect any more")))]
pub async fn remove(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::remove(&app, &identity, &name).await?;
    Ok(HttpResponse::NoContent().finish())
}
