//! Changes: the list.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::frame::{Frame, html};
use super::paging::{given, links, parsed, query};
use super::{filters, state::Look};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::ids::BuildId;
use crate::model::{ChangeFilter, ChangeSummary};
use crate::ops;

/// Paths shown with a change; the rest is a number.
const FILES_SHOWN: usize = 3;

struct ChangeRow {
    message: String,
    revision: String,
    files: String,
    files_total: i64,
    author: String,
    repository: String,
    branch: String,
    seen_at: Time,
    builds: Vec<ChangeBuildRow>,
}

struct ChangeBuildRow {
    id: BuildId,
    builder: String,
    number: i64,
    look: Look,
}

impl ChangeRow {
    fn new(change: ChangeSummary) -> Self {
        let shown = change.files.len().min(FILES_SHOWN);
        let mut files = change.files[..shown].join(", ");
        if change.files.len() > shown {
            files.push_str(", …");
        }
        let builds = change.builds.into_iter().map(|build| ChangeBuildRow {
            id: build.id,
            look: Look::of_build(build.state, build.result),
            builder: build.builder,
            number: build.number,
        });
        Self {
            message: change.message,
            revision: change.revision,
            files,
            files_total: change.files_total,
            author: change.author,
            repository: change.repository,
            branch: change.branch,
            seen_at: change.seen_at,
            builds: builds.collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "changes/list.html")]
struct ListPage {
    frame: Frame,
    repository: String,
    branch: String,
    changes: Vec<ChangeRow>,
    pages: Vec<(&'static str, String)>,
}

/// The filter of the list.
#[derive(serde::Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    repository: String,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    before: String,
}

/// `GET /changes`.
pub async fn list(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let asked = asked.into_inner();
    let filter = ChangeFilter {
        repository: given(&asked.repository),
        branch: given(&asked.branch),
        before: parsed("before", &asked.before)?,
    };
    let is_first = filter.before.is_none();
    let page = ops::changes::list(&app, &identity, filter).await?;
    let parameters = [
        ("repository", asked.repository.as_str()),
        ("branch", asked.branch.as_str()),
    ];
    html(&ListPage {
        frame: Frame::new(&app, &identity, "/changes", "Changes")
            .rest(format!("/api/v1/changes{}", query(&parameters)))
            .live("change build"),
        pages: links("/changes", &parameters, is_first, page.next),
        changes: page.items.into_iter().map(ChangeRow::new).collect(),
        repository: asked.repository.clone(),
        branch: asked.branch.clone(),
    })
}
