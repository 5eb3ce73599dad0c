//! `/api/v1/openapi.json`: the description of this interface, made from the code. What all
//! operations have in common (permission, errors, ids) is added from the table of routes.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{
    agent_tokens, agents, audit, builders, builds, changes, desks, drafts, holds, logs, me,
    privacy, products, requests, retention, stores, uploads, verdicts,
};
use super::{branches, releases, shutoffs, updates, withdrawals};
use crate::auth::Permission;
use crate::error::Error;
use crate::model::HoldOrder;
use crate::routes;
use crate::web::fault::Fault;

/// A refusal, by RFC 9457.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
struct Problem {
    /// Names the kind of problem.
    r#type: String,
    /// The status in words.
    title: String,
    /// HTTP status.
    status: u16,
    /// What is wrong and what would be right.
    detail: String,
    /// Path of the request.
    instance: String,
    /// Number under which the master's log tells more.
    request_id: String,
    /// The input at fault.
    field: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Windlass",
        description = "Builders, builds, logs, changes, agents, requests, products and holds. \
                       Send `Authorization: Bearer TOKEN`; make tokens with `windlass token create`."
    ),
    components(schemas(Problem, HoldOrder)),
    paths(
        agents::list,
        agents::show,
        agents::pause,
        agents::resume,
        agents::key,
        agents::retire_key,
        agents::upgrade,
        agents::remove,
        agent_tokens::list,
        agent_tokens::create,
        agent_tokens::revoke,
        agent_tokens::programs,
        audit::list,
        branches::list,
        branches::show,
        branches::counts,
        branches::guide,
        branches::follow,
        branches::set_state,
        builders::list,
        builders::show,
        builds::list,
        builds::show,
        builds::steps,
        builds::artifacts,
        builds::cancel,
        builds::rebuild,
        changes::list,
        changes::show,
        drafts::create,
        drafts::list,
        drafts::show,
        drafts::abandon,
        drafts::commit,
        holds::list,
        holds::show,
        holds::keep,
        holds::lift,
        logs::show,
        logs::text,
        me::show,
        document,
        privacy::feed_keys,
        privacy::rotate,
        privacy::sign,
        privacy::rotate_key,
        products::list,
        products::show,
        releases::list,
        releases::show,
        releases::create,
        releases::sign,
        releases::schedule,
        releases::unschedule,
        releases::go,
        releases::rollout,
        releases::pause,
        releases::resume,
        releases::withdraw,
        releases::rollback,
        products::compare,
        products::find,
        products::bulk,
        verdicts::list,
        verdicts::judge,
        verdicts::labels,
        verdicts::label,
        verdicts::unlabel,
        verdicts::checklist,
        desks::show,
        desks::list,
        desks::keep,
        desks::remove,
        stores::show,
        stores::relocate,
        retention::show,
        retention::plans,
        retention::make,
        retention::plan,
        retention::items,
        retention::apply,
        retention::trash,
        retention::restore,
        retention::collect,
        retention::why,
        retention::scrub,
        requests::list,
        requests::show,
        requests::force,
        requests::cancel,
        uploads::show,
        uploads::receive,
        shutoffs::list,
        shutoffs::create,
        shutoffs::lift,
        updates::explain,
        withdrawals::withdraw,
        withdrawals::reinstate,
    )
)]
struct Document;

static DOCUMENT: LazyLock<Result<String, String>> = LazyLock::new(|| {
    let mut document = serde_json::to_value(Document::openapi()).map_err(|e| e.to_string())?;
    complete(&mut document);
    serde_json::to_string(&document).map_err(|e| e.to_string())
});

/// Describes this interface.
#[utoipa::path(get, path = "/api/v1/openapi.json",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object)))]
pub async fn document() -> Result<HttpResponse, Fault> {
    let body = DOCUMENT.as_ref().map_err(|e| Error::internal(e.as_str()))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(body.as_str()))
}

/// Adds what the table of routes knows to every operation.
fn complete(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer" }
    });
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, methods) in paths {
        let Some(methods) = methods.as_object_mut() else {
            continue;
        };
        for (method, operation) in methods {
            if let Some(operation) = operation.as_object_mut() {
                describe(operation, method, path);
            }
        }
    }
}

fn describe(operation: &mut Map<String, Value>, method: &str, path: &str) {
    let route = routes::TABLE
        .iter()
        .find(|route| route.path == path && route.method.eq_ignore_ascii_case(method));
    let permission = route.map_or(Permission::Administer, |route| route.permission);
    let words = path.trim_start_matches("/api/v1/");
    let name: String = words
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let noun = words.split(['/', '.']).next().unwrap_or_default();
    operation.insert("operationId".to_owned(), json!(format!("{method}_{name}")));
    operation.insert("tags".to_owned(), json!([noun]));
    operation.insert("x-permission".to_owned(), json!(permission.as_str()));
    let security = match permission {
        Permission::Public => json!([]),
        Permission::Read => json!([{ "bearer": [] }, {}]),
        _ => json!([{ "bearer": [] }]),
    };
    operation.insert("security".to_owned(), security);
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    responses["default"] = json!({
        "description": "What is wrong and what would be right",
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" }
        } }
    });
}
