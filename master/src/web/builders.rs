//! Builders: the list and the page of one.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::frame::{Frame, html};
use super::paging::{given, links, parsed, query};
use super::rows::{BuildRow, history};
use super::{filters, state::Look};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::config::Config;
use crate::config::resolved::{Project, Trigger};
use crate::ids::BuildId;
use crate::model::{BuildFilter, BuildResult, BuilderFilter, BuilderSummary};
use crate::ops;

/// A builder as a row of a table.
pub(super) struct BuilderRow {
    pub(super) name: String,
    pub(super) project: String,
    pub(super) tags: Vec<String>,
    pub(super) active: bool,
    pub(super) look: Look,
    pub(super) class: String,
    pub(super) last: Option<BuildRow>,
    pub(super) since: Option<Time>,
    pub(super) running: usize,
    pub(super) pending: i64,
    pub(super) history: String,
    pub(super) is_broken: bool,
}

impl BuilderRow {
    pub(super) fn new(builder: BuilderSummary, now: Time) -> Self {
        let result = builder.last.as_ref().and_then(|last| last.result);
        let look = result.map_or(Look::NONE, Look::of_result);
        let recent: Vec<Look> = builder
            .recent
            .iter()
            .map(|build| Look::of_build(build.state, build.result))
            .collect();
        Self {
            class: format!("s-{}", look.symbol),
            look,
            is_broken: matches!(result, Some(BuildResult::Failure | BuildResult::Error)),
            history: history(&recent),
            running: builder.running.len(),
            last: builder.last.map(|last| BuildRow::new(last, now)),
            name: builder.name,
            project: builder.project,
            tags: builder.tags,
            active: builder.active,
            since: builder.since,
            pending: builder.pending,
        }
    }
}

#[derive(Template)]
#[template(path = "builders/list.html")]
struct ListPage {
    frame: Frame,
    builders: Vec<BuilderRow>,
    projects: BTreeSet<String>,
    tags: BTreeSet<String>,
    project: Option<String>,
    tag: Option<String>,
}

/// The filter of the list.
#[derive(serde::Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    project: String,
    #[serde(default)]
    tag: String,
}

/// `GET /builders`.
pub async fn list(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let filter = BuilderFilter {
        project: given(&asked.project),
        tag: given(&asked.tag),
        name: None,
    };
    let (project, tag) = (filter.project.clone(), filter.tag.clone());
    let now = app.clock.now();
    let builders = ops::builders::list(&app, &identity, filter).await?;
    let config = app.config();
    let is_seen = |one: &Project| !one.private || identity.sees_private();
    let rest = query(&[("project", &asked.project), ("tag", &asked.tag)]);
    html(&ListPage {
        frame: Frame::new(&app, &identity, "/builders", "Builders")
            .rest(format!("/api/v1/builders{rest}"))
            .live("build request"),
        builders: builders
            .into_iter()
            .map(|one| BuilderRow::new(one, now))
            .collect(),
        projects: config
            .projects
            .iter()
            .filter(|(_, one)| is_seen(one))
            .map(|(name, _)| name.clone())
            .collect(),
        tags: config
            .builders
            .values()
            .filter(|one| config.projects.get(&one.project).is_none_or(is_seen))
            .flat_map(|one| one.tags.clone())
            .collect(),
        project,
        tag,
    })
}

#[derive(Template)]
#[template(path = "builders/show.html")]
struct ShowPage {
    frame: Frame,
    builder: BuilderRow,
    forces: Vec<String>,
    builds: Vec<BuildRow>,
    pages: Vec<(&'static str, String)>,
}

/// The place in a builder's list of builds.
#[derive(serde::Deserialize)]
pub struct ShowQuery {
    #[serde(default)]
    before: String,
}

/// `GET /builders/{name}`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    name: web::Path<String>,
    asked: web::Query<ShowQuery>,
) -> Result<HttpResponse, Fault> {
    let now = app.clock.now();
    let builder = ops::builders::show(&app, &identity, &name).await?;
    let before: Option<BuildId> = parsed("before", &asked.before)?;
    let filter = BuildFilter {
        builder: Some(builder.name.clone()),
        before,
        ..BuildFilter::default()
    };
    let page = ops::builds::list(&app, &identity, filter).await?;
    let builder = BuilderRow::new(builder, now);
    let path = format!("/builders/{}", builder.name);
    let may_force = identity.require(Permission::Force).is_ok();
    let asks = may_force || identity.user().is_none();
    let forces = if asks {
        forces(&app.config(), &builder.name)
    } else {
        Vec::new()
    };
    html(&ShowPage {
        frame: Frame::new(&app, &identity, &path, builder.name.clone())
            .look(builder.look)
            .rest(format!("/api/v1{path}"))
            .live("build request"),
        forces: if builder.active { forces } else { Vec::new() },
        builds: BuildRow::all(page.items, now),
        pages: links(&path, &[], before.is_none(), page.next),
        builder,
    })
}

/// The force schedules that may start a builder.
fn forces(config: &Config, builder: &str) -> Vec<String> {
    config
        .schedules
        .iter()
        .filter(|(_, schedule)| matches!(schedule.trigger, Trigger::Force { .. }))
        .filter(|(_, schedule)| schedule.builders.iter().any(|name| name == builder))
        .map(|(name, _)| name.clone())
        .collect()
}
