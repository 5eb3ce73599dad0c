//! `/api/v1/agent-tokens`, and the programs that machines fetch with one.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::ids::AgentTokenId;
use crate::model::{AgentToken, Page, Program};
use crate::ops;
use crate::ops::agent_tokens::{Lines, NewToken};
use crate::web::fault::Fault;

/// A token to make.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Make {
    /// The name of the agent, or a beginning of names followed by `*`.
    name: String,
    /// Labels it gets unless the configuration names it.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Builds at a time, likewise; 1 when absent.
    slots: Option<u32>,
}

/// A token just made.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Made {
    /// Its id.
    id: AgentTokenId,
    /// The token (`wlt1_…`), shown once.
    token: String,
    /// When it ends.
    expires_at: Time,
    /// What to paste on the machine.
    lines: Lines,
}

/// Lists the newest tokens, without their secrets.
#[utoipa::path(get, path = "/api/v1/agent-tokens",
    responses((status = 200, body = List<AgentToken>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let items = ops::agent_tokens::list(&app, &identity).await?;
    let page: Page<_, i64> = Page { items, next: None };
    Ok(answer(&request, page))
}

/// Makes a token, good for one machine and an hour.
#[utoipa::path(post, path = "/api/v1/agent-tokens", request_body = Make,
    responses((status = 201, body = Made)))]
pub async fn create(
    app: Data<App>,
    identity: Identity,
    body: Json<Make>,
) -> Result<HttpResponse, Fault> {
    let Make {
        name,
        labels,
        slots,
    } = body.into_inner();
    let new = NewToken {
        names: name,
        labels,
        slots: slots.unwrap_or(1),
    };
    let made = ops::agent_tokens::create(&app, &identity, new).await?;
    Ok(HttpResponse::Created().json(Made {
        id: made.id,
        token: made.secret,
        expires_at: made.expires_at,
        lines: made.lines,
    }))
}

/// Takes back a token that was not used.
#[utoipa::path(post, path = "/api/v1/agent-tokens/{id}/revoke",
    params(("id" = AgentTokenId, Path)),
    responses((status = 204, description = "It is no longer valid")))]
pub async fn revoke(
    app: Data<App>,
    identity: Identity,
    id: Path<AgentTokenId>,
) -> Result<HttpResponse, Fault> {
    ops::agent_tokens::revoke(&app, &identity, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists the agent's programs that the master hands out at `/agent/bin/`.
#[utoipa::path(get, path = "/api/v1/agent-programs",
    responses((status = 200, body = List<Program>)))]
pub async fn programs(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let items = ops::programs::list(&app, &identity).await?;
    let page: Page<_, i64> = Page { items, next: None };
    Ok(answer(&request, page))
}
