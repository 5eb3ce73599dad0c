//! Builds: the list, the page of one, stopping and repeating it.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::excerpt::Excerpt;
use super::fault::Fault;
use super::frame::{Frame, html};
use super::paging::{given, links, parsed, query};
use super::rows::BuildRow;
use super::sessions::see;
use super::{filters, state::Look};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::ids::{BuildId, LogId};
use crate::model::{
    Artifact, BuildDetail, BuildFilter, BuildProduct, BuildResult, BuildState, ChangeSummary,
    LogSummary, Property, SourceStamp, StepState, StepSummary, StepUsage,
};
use crate::ops;

/// Lines of a running log on the page of its build: what fits on a screen.
const TAIL_LINES: usize = 40;
/// Lines before a problem: all in view without scrolling.
const PROBLEM_LINES: usize = 18;

#[derive(Template)]
#[template(path = "builds/list.html")]
struct ListPage {
    frame: Frame,
    query: ListQuery,
    results: &'static [BuildResult],
    states: &'static [BuildState],
    builds: Vec<BuildRow>,
    pages: Vec<(&'static str, String)>,
}

/// The filter of the list.
#[derive(serde::Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    builder: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    result: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    before: String,
}

/// `GET /builds`.
pub async fn list(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let asked = asked.into_inner();
    let filter = BuildFilter {
        builder: given(&asked.builder),
        project: given(&asked.project),
        branch: given(&asked.branch),
        state: parsed("state", &asked.state)?,
        result: parsed("result", &asked.result)?,
        agent: None,
        before: parsed("before", &asked.before)?,
    };
    let is_first = filter.before.is_none();
    let page = ops::builds::list(&app, &identity, filter).await?;
    let parameters = [
        ("builder", asked.builder.as_str()),
        ("project", asked.project.as_str()),
        ("branch", asked.branch.as_str()),
        ("result", asked.result.as_str()),
        ("state", asked.state.as_str()),
    ];
    html(&ListPage {
        frame: Frame::new(&app, &identity, "/builds", "Builds")
            .rest(format!("/api/v1/builds{}", query(&parameters)))
            .live("build"),
        results: BuildResult::ALL,
        states: BuildState::ALL,
        builds: BuildRow::all(page.items, app.clock.now()),
        pages: links("/builds", &parameters, is_first, page.next),
        query: asked,
    })
}

struct StepRow {
    name: String,
    kind: String,
    look: Look,
    state_text: String,
    logs: Vec<LogSummary>,
    span: Option<Duration>,
    /// What it took of the agent's machine, such as `12 s CPU, 340 MB`.
    usage: String,
    /// When in the build it ran, as an SVG of our own making.
    bar: String,
}

impl StepRow {
    fn new(step: StepSummary, from: Time, to: Time) -> Self {
        let look = Look::of_step(step.state, step.result);
        let end = step.finished_at.unwrap_or(to);
        Self {
            bar: step.started_at.map_or_else(String::new, |start| {
                bar(look, start.since(from), end.since(start), to.since(from))
            }),
            span: step.started_at.map(|start| end.since(start)),
            usage: step.usage.map_or_else(String::new, usage),
            look,
            name: step.name,
            kind: step.kind,
            state_text: step.state_text,
            logs: step.logs,
        }
    }
}

/// Processor time and peak memory in a few words.
fn usage(usage: StepUsage) -> String {
    let cpu = Duration::from_millis(usage.cpu_ms.unsigned_abs());
    let cpu = format!("{} CPU", filters::span_text(cpu));
    match usage.memory_bytes_max {
        0 => cpu,
        memory => format!("{cpu}, {}", filters::size_text(memory)),
    }
}

/// A bar of a step on the course of its build.
fn bar(look: Look, at: Duration, span: Duration, whole: Duration) -> String {
    let whole = whole.as_secs_f64().max(0.001);
    let x = (at.as_secs_f64() / whole * 1_000.0).min(990.0);
    let width = (span.as_secs_f64() / whole * 1_000.0).clamp(10.0, 1_000.0 - x);
    format!(
        "<svg class=\"bars\" viewBox=\"0 0 1000 8\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\"><rect class=\"track\" width=\"1000\" height=\"8\"/><rect \
         class=\"s-{}\" x=\"{x:.0}\" width=\"{width:.0}\" height=\"8\"/></svg>",
        look.symbol
    )
}

struct ArtifactRow {
    name: String,
    /// The last part of the name, for the address of the file.
    file: String,
    sha256: String,
    size: i64,
}

impl ArtifactRow {
    fn new(artifact: Artifact) -> Self {
        let file = artifact.name.rsplit('/').next().unwrap_or_default();
        Self {
            file: file.to_owned(),
            name: artifact.name,
            sha256: artifact.sha256,
            size: artifact.size,
        }
    }
}

/// The end of the log that matters most.
struct Tail {
    step: String,
    log: LogId,
    lines: i64,
    html: String,
    follow: String,
    problem: bool,
}

#[derive(Template)]
#[template(path = "builds/show.html")]
struct ShowPage {
    frame: Frame,
    build: BuildRow,
    project: String,
    schedule: Option<String>,
    requested_by: String,
    cancelled_by: Option<String>,
    sources: Vec<SourceStamp>,
    waited: Duration,
    usual: Option<Duration>,
    previous: Option<BuildRow>,
    finished: bool,
    may_cancel: bool,
    may_force: bool,
    tail: Option<Tail>,
    steps: Vec<StepRow>,
    changes: Vec<ChangeSummary>,
    products: Vec<BuildProduct>,
    artifacts: Vec<ArtifactRow>,
    properties: Vec<Property>,
}

/// `GET /builds/{id}`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<BuildId>,
) -> Result<HttpResponse, Fault> {
    let now = app.clock.now();
    let detail = ops::builds::show(&app, &identity, *id).await?;
    let tail = tail(&app, &detail).await;
    let build = detail.summary;
    let end = build.finished_at.unwrap_or(now);
    let start = build.started_at;
    let steps = detail.steps.into_iter();
    let path = format!("/builds/{}", build.id);
    let (sources, requested_by) = (build.sources.clone(), build.requested_by.clone());
    let waited = start.since(build.requested_at);
    let finished = build.state == BuildState::Finished;
    let row = BuildRow::new(build, now);
    let title = format!("{} {}", row.number, row.builder);
    html(&ShowPage {
        frame: Frame::new(&app, &identity, &path, title)
            .look(row.look)
            .rest(format!("/api/v1{path}"))
            .live("build"),
        build: row,
        project: detail.project,
        schedule: detail.schedule,
        requested_by,
        cancelled_by: detail.cancelled_by,
        sources,
        waited,
        usual: detail.usual,
        previous: detail.previous.map(|build| BuildRow::new(build, now)),
        finished,
        may_cancel: identity.require(Permission::Cancel).is_ok(),
        may_force: identity.require(Permission::Force).is_ok(),
        tail,
        steps: steps.map(|step| StepRow::new(step, start, end)).collect(),
        changes: detail.changes,
        products: detail.products,
        artifacts: detail.artifacts.into_iter().map(ArtifactRow::new).collect(),
        properties: detail.properties,
    })
}

/// The end of the first failed step's log, or of the running step's.
async fn tail(app: &App, detail: &BuildDetail) -> Option<Tail> {
    let is_problem = |step: &&StepSummary| {
        matches!(step.result, Some(BuildResult::Failure | BuildResult::Error))
    };
    let is_running = |step: &&StepSummary| step.state == StepState::Running;
    let problem = detail.steps.iter().find(is_problem);
    let chosen = problem.or_else(|| detail.steps.iter().find(is_running));
    let (step, log) = chosen.and_then(|step| Some((step, main_log(step)?)))?;
    let wanted = problem.map_or(TAIL_LINES, |_| PROBLEM_LINES);
    // A log whose file is gone is no reason not to show the build.
    let excerpt = Excerpt::load(app, log.id, wanted).await.ok()?;
    Some(Tail {
        step: step.name.clone(),
        log: log.id,
        lines: log.lines,
        html: excerpt.blocks.concat(),
        follow: excerpt.follow,
        problem: problem.is_some(),
    })
}

/// The newest log of a step's output, else the newest at all.
fn main_log(step: &StepSummary) -> Option<&LogSummary> {
    let output = step.logs.iter().rfind(|log| log.name == "output");
    output.or(step.logs.last())
}

/// `POST /builds/{id}/cancel`: asks for it to be stopped.
pub async fn cancel(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<BuildId>,
) -> Result<HttpResponse, Fault> {
    ops::builds::cancel(&app, &identity, *id).await?;
    Ok(see(&format!("/builds/{id}")).finish())
}

/// `POST /builds/{id}/rebuild`: asks for the same once more.
pub async fn rebuild(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<BuildId>,
) -> Result<HttpResponse, Fault> {
    ops::builds::rebuild(&app, &identity, *id).await?;
    Ok(see("/requests?state=all").finish())
}
