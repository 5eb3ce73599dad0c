//! What a mail tells of a build, read in one go. Rendering is `mail`'s.

use diesel::prelude::*;

use crate::clock::Time;
use crate::db::schema::{
    agents, builders, builds, changes, logs, product_files, products, projects, repositories,
    request_changes, requests, source_stamps, steps,
};
use crate::db::{Conn, DbResult, settings};
use crate::ids::{BuildId, LogId, ProductId};

/// Changes named in a mail; the rest is counted.
const CHANGES_MAX: i64 = 20;
/// Steps and products named in a mail: far above any sensible recipe.
const ROWS_MAX: i64 = 200;

/// A finished build as a mail tells of it.
#[derive(Debug, Clone, Default)]
pub struct MailBuild {
    /// The deployment's id, for thread and list headers.
    pub deployment: String,
    /// Name of the project.
    pub project: String,
    /// Its title for people.
    pub project_title: String,
    /// Id of the build.
    pub id: i64,
    /// Name of the builder.
    pub builder: String,
    /// Number of the build in its builder.
    pub number: i64,
    /// Text of its result.
    pub result: String,
    /// What it says of itself.
    pub state_text: String,
    /// Why it was asked for.
    pub reason: String,
    /// Name of the agent.
    pub agent: String,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// Source stamps.
    pub stamps: Vec<MailStamp>,
    /// The newest changes first.
    pub changes: Vec<MailChange>,
    /// Changes in all.
    pub changes_total: i64,
    /// Steps in order.
    pub steps: Vec<MailStep>,
    /// Products it recorded.
    pub products: Vec<MailProduct>,
}

/// A source stamp.
#[derive(Debug, Clone)]
pub struct MailStamp {
    /// Repository.
    pub repository: String,
    /// Branch.
    pub branch: String,
    /// Revision.
    pub revision: String,
}

/// A change; every text is from outside.
#[derive(Debug, Clone)]
pub struct MailChange {
    /// Revision.
    pub revision: String,
    /// Author.
    pub author: String,
    /// First line of the message.
    pub subject: String,
}

/// A step.
#[derive(Debug, Clone)]
pub struct MailStep {
    /// Name.
    pub name: String,
    /// Kind: `run`, `source`, …
    pub kind: String,
    /// Text of its result; empty when it has none.
    pub result: String,
    /// What it says of itself.
    pub state_text: String,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// Its first log.
    pub log: Option<LogId>,
}

/// A recorded product.
#[derive(Debug, Clone)]
pub struct MailProduct {
    /// Its id.
    pub id: ProductId,
    /// Version.
    pub version: String,
    /// Target.
    pub target: String,
    /// Names and sizes of its files.
    pub files: Vec<(String, i64)>,
}

/// Reads what a mail tells of `build`.
pub fn content(conn: &mut Conn, build: BuildId) -> DbResult<MailBuild> {
    let (mut told, request) = head(conn, build)?;
    told.deployment = settings::deployment(conn)?;
    let stamps: Vec<(String, String, String)> = source_stamps::table
        .inner_join(repositories::table)
        .filter(source_stamps::request_id.eq(request))
        .order(source_stamps::codebase)
        .select((
            repositories::name,
            source_stamps::branch,
            source_stamps::revision,
        ))
        .load(conn)?;
    told.stamps = stamps
        .into_iter()
        .map(|(repository, branch, revision)| MailStamp {
            repository,
            branch,
            revision,
        })
        .collect();
    let (changes, total) = changes_of(conn, request)?;
    told.changes = changes;
    told.changes_total = total;
    told.steps = steps_of(conn, build)?;
    told.products = products_of(conn, build)?;
    Ok(told)
}

type Head = (
    (String, String),
    (String, i64, Option<String>, String, i64, Option<i64>),
    (i64, String),
    String,
);

/// The build's own row and its neighbours, and the id of its request.
fn head(conn: &mut Conn, build: BuildId) -> DbResult<(MailBuild, i64)> {
    let (project, row, (request, reason), agent): Head = builds::table
        .inner_join(builders::table.inner_join(projects::table))
        .inner_join(requests::table)
        .inner_join(agents::table)
        .filter(builds::id.eq(build.0))
        .select((
            (projects::name, projects::title),
            (
                builders::name,
                builds::number,
                builds::result,
                builds::state_text,
                builds::started_at,
                builds::finished_at,
            ),
            (requests::id, requests::reason),
            agents::name,
        ))
        .first(conn)?;
    let told = MailBuild {
        id: build.0,
        project: project.0,
        project_title: project.1,
        builder: row.0,
        number: row.1,
        result: row.2.unwrap_or_default(),
        state_text: row.3,
        started_at: Time(row.4),
        finished_at: row.5.map(Time),
        reason,
        agent,
        ..MailBuild::default()
    };
    Ok((told, request))
}

fn changes_of(conn: &mut Conn, request: i64) -> DbResult<(Vec<MailChange>, i64)> {
    let total = request_changes::table
        .filter(request_changes::request_id.eq(request))
        .count()
        .get_result(conn)?;
    let rows: Vec<(String, String, String)> = request_changes::table
        .inner_join(changes::table)
        .filter(request_changes::request_id.eq(request))
        .order(changes::id.desc())
        .limit(CHANGES_MAX)
        .select((changes::revision, changes::author, changes::message))
        .load(conn)?;
    let rows = rows
        .into_iter()
        .map(|(revision, author, message)| MailChange {
            revision,
            author,
            subject: message.lines().next().unwrap_or_default().to_owned(),
        });
    Ok((rows.collect(), total))
}

type StepRow = (
    i64,
    String,
    String,
    Option<String>,
    String,
    Option<i64>,
    Option<i64>,
);

fn steps_of(conn: &mut Conn, build: BuildId) -> DbResult<Vec<MailStep>> {
    let rows: Vec<StepRow> = steps::table
        .filter(steps::build_id.eq(build.0))
        .order(steps::position)
        .limit(ROWS_MAX)
        .select((
            steps::id,
            steps::name,
            steps::kind,
            steps::result,
            steps::state_text,
            steps::started_at,
            steps::finished_at,
        ))
        .load(conn)?;
    let mut told = Vec::new();
    for (id, name, kind, result, state_text, started_at, finished_at) in rows {
        let log: Option<i64> = logs::table
            .filter(logs::step_id.eq(id))
            .order(logs::id)
            .select(logs::id)
            .first(conn)
            .optional()?;
        told.push(MailStep {
            name,
            kind,
            result: result.unwrap_or_default(),
            state_text,
            started_at: started_at.map(Time),
            finished_at: finished_at.map(Time),
            log: log.map(LogId),
        });
    }
    Ok(told)
}

fn products_of(conn: &mut Conn, build: BuildId) -> DbResult<Vec<MailProduct>> {
    let rows: Vec<(i64, String, String)> = products::table
        .filter(products::build_id.eq(build.0))
        .order(products::id)
        .limit(ROWS_MAX)
        .select((products::id, products::version, products::target))
        .load(conn)?;
    let mut told = Vec::new();
    for (id, version, target) in rows {
        let files = product_files::table
            .filter(product_files::product_id.eq(id))
            .order(product_files::name)
            .limit(ROWS_MAX)
            .select((product_files::name, product_files::size))
            .load(conn)?;
        told.push(MailProduct {
            id: ProductId(id),
            version,
            target,
            files,
        });
    }
    Ok(told)
}
