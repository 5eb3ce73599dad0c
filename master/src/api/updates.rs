//! `/api/v1/updates/explain`: what an asker would be told, and why.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::lists::Filter;
use crate::app::App;
use crate::auth::Identity;
use crate::ops;
use crate::ops::updates::{Asker, Explanation, Place};
use crate::web::fault::Fault;

/// What an application would say of itself.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// Name of the project.
    project: String,
    /// Name of the branch, or its part of feed URLs.
    branch: String,
    /// Target.
    target: String,
    /// The version that it has.
    version: Option<String>,
    /// The build that it came from.
    build: Option<i64>,
    /// Version of its operating system.
    os_version: Option<String>,
    /// Its language runtime, such as `python 3.12.1`.
    runtime: Option<String>,
    /// What it calls itself.
    id: Option<String>,
    /// Whether a person asks.
    #[serde(default)]
    force: bool,
}

/// Explains what an application would be told: every rule in its order.
#[utoipa::path(get, path = "/api/v1/updates/explain", params(ExplainQuery),
    responses((status = 200, body = Explanation)))]
pub async fn explain(
    app: Data<App>,
    identity: Identity,
    Filter(query): Filter<ExplainQuery>,
) -> Result<HttpResponse, Fault> {
    let place = Place {
        project: query.project,
        branch: query.branch,
        target: query.target,
    };
    let asker = Asker {
        version: query.version,
        build: query.build,
        os_version: query.os_version,
        runtime: query.runtime,
        id: query.id,
        force: query.force,
    };
    let explanation = ops::updates::explain(&app, &identity, place, asker).await?;
    Ok(HttpResponse::Ok().json(explanation))
}
