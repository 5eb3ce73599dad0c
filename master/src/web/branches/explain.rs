//! The page that explains what an application would be told.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ops;
use crate::ops::updates::{Asker, Explanation, Place};
use crate::web::fault::Fault;
use crate::web::filters;
use crate::web::frame::{Frame, html};
use crate::web::paging::{given, parsed, query};

#[derive(Template)]
#[template(path = "branches/explain.html")]
struct ExplainPage {
    frame: Frame,
    query: ExplainQuery,
    explanation: Option<Explanation>,
    error: Option<String>,
}

/// What an application would say of itself; the page alone when nothing is given.
#[derive(serde::Deserialize)]
pub struct ExplainQuery {
    #[serde(default)]
    project: String,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    build: String,
    #[serde(default)]
    os_version: String,
    #[serde(default)]
    runtime: String,
    #[serde(default)]
    id: String,
}

/// `GET /explain`.
pub async fn explain(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ExplainQuery>,
) -> Result<HttpResponse, Fault> {
    let asked = asked.into_inner();
    let explained = match given(&asked.project) {
        None => Ok(None),
        Some(_) => told(&app, &identity, &asked).await.map(Some),
    };
    let (explanation, error) = match explained {
        Ok(explanation) => (explanation, None),
        Err(error @ (Error::NotFound(_) | Error::BadInput { .. })) => {
            (None, Some(error.to_string()))
        }
        Err(error) => return Err(Fault(error)),
    };
    let parameters = [
        ("project", asked.project.as_str()),
        ("branch", asked.branch.as_str()),
        ("target", asked.target.as_str()),
        ("version", asked.version.as_str()),
        ("build", asked.build.as_str()),
        ("os_version", asked.os_version.as_str()),
        ("runtime", asked.runtime.as_str()),
        ("id", asked.id.as_str()),
    ];
    let rest = format!("/api/v1/updates/explain{}", query(&parameters));
    let mut frame = Frame::new(&app, &identity, "/branches", "Explain an answer");
    if explanation.is_some() {
        frame = frame.rest(rest);
    }
    html(&ExplainPage {
        frame,
        explanation,
        error,
        query: asked,
    })
}

async fn told(app: &App, identity: &Identity, asked: &ExplainQuery) -> Result<Explanation, Error> {
    let place = Place {
        project: asked.project.trim().to_owned(),
        branch: asked.branch.trim().to_owned(),
        target: asked.target.trim().to_owned(),
    };
    let asker = Asker {
        version: given(&asked.version),
        build: parsed("build", &asked.build)?,
        os_version: given(&asked.os_version),
        runtime: given(&asked.runtime),
        id: given(&asked.id),
        force: false,
    };
    ops::updates::explain(app, identity, place, asker).await
}
