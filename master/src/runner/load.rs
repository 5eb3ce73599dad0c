//! What a build's task reads before the first step: its configuration, source and properties.

use std::sync::Mutex;

use crate::config::Config;
use crate::config::resolved::Builder;
use crate::db::builds::Build;
use crate::db::changes::Change;
use crate::db::requests::{Request, Stamp};
use crate::db::steps::Step;
use crate::db::{Conn, DbResult, agents, branches, builds, changes, projects, requests, steps};
use crate::dispatcher::step_names;
use crate::engine::environment::Surroundings;
use crate::engine::properties::{AgentFacts, Facts, SourceFacts, properties};
use crate::engine::scope::Scope;
use crate::updates::update_urls;
use crate::vcs::{RevisionFacts, VcsError};

use super::step::{Course, StepError};
use super::{Parts, Signals};

/// What the database has about a build.
struct Rows {
    /// The feed token of the first stamp's branch; absent for a branch that nothing was recorded
    /// for yet.
    feed: Option<String>,
    request: Request,
    stamps: Vec<Stamp>,
    changes: Vec<Change>,
    agent: agents::Agent,
}

fn read(conn: &mut Conn, build: &Build, project: &str) -> DbResult<Rows> {
    let stamps = requests::stamps(conn, build.request)?;
    let feed = match stamps.first() {
        Some(stamp) => branches::known_token(conn, project, &stamp.branch)?,
        None => None,
    };
    Ok(Rows {
        feed,
        request: requests::by_id(conn, build.request)?,
        stamps,
        changes: changes::of_request(conn, build.request)?,
        agent: agents::by_id(conn, build.agent)?,
    })
}

/// Makes a build ready for its steps. Its properties are set anew each time, from the same
/// source: nothing of them may depend on when they are set.
pub(super) async fn load<'a>(
    parts: &'a Parts,
    build: &'a Build,
    signals: &'a Signals,
    config: &'a Config,
    builder: &Builder,
) -> Result<Course<'a>, StepError> {
    let rows = {
        let (build, project) = (build.clone(), builder.project.clone());
        parts
            .db
            .read("build", move |conn| read(conn, &build, &project))
            .await?
    };
    let feed = match (rows.feed, rows.stamps.first()) {
        (None, Some(stamp)) => Some(begin_feed(parts, &builder.project, stamp).await?),
        (known, _) => known,
    };
    let facts = match rows.stamps.first() {
        Some(stamp) => revision(parts, signals, config, stamp).await?,
        None => None,
    };
    let source = rows.stamps.first().map(|stamp| {
        let author = rows
            .changes
            .iter()
            .max_by_key(|change| (change.position, change.id));
        let author = author.map(|change| change.author.clone());
        let told = facts.as_ref();
        SourceFacts {
            repository: stamp.codebase.clone(),
            branch: stamp.branch.clone(),
            revision: stamp.revision.clone(),
            position: stamp.position,
            describe: told.map(|facts| facts.describe.clone()).unwrap_or_default(),
            author: author
                .or(told.map(|facts| facts.author.clone()))
                .unwrap_or_default(),
        }
    });
    let (agent, told) = (&rows.agent, (&rows.agent.labels, rows.agent.slots));
    let configured = config.agent(&agent.name, agent.enrolled.then_some(told));
    let configured = configured.unwrap_or_default();
    let workspace = workspace(&rows.agent.facts, &build.folder);
    let all = properties(&Facts {
        builder: build.builder_name.clone(),
        project: builder.project.clone(),
        build: build.id.0,
        number: build.number,
        schedule: rows.request.schedule,
        reason: rows.request.reason,
        matrix: builder.matrix.clone(),
        requested: rows.request.properties,
        source,
        update_urls: update_urls(&config.master.url, &builder.project, feed.as_deref()),
        agent: AgentFacts {
            name: rows.agent.name,
            os: rows.agent.os.unwrap_or_default(),
            arch: rows.agent.arch.unwrap_or_default(),
            version: rows.agent.version.unwrap_or_default(),
            facts: rows.agent.facts,
            labels: configured.labels,
        },
    });
    let (id, stored) = (build.id, all.clone());
    let set = move |conn: &mut Conn| builds::set_properties(conn, id, &stored);
    parts.db.tx_progress("build properties", set).await?;
    Ok(Course {
        parts,
        build,
        agents: parts.agents.patient(configured.lost_after),
        lease: configured.lease,
        restarts: rows.request.restarts,
        signals,
        config,
        stamps: rows.stamps,
        leases: Mutex::default(),
        scope: Scope::new(&all),
        properties: all,
        around: Surroundings {
            build_url: format!("{}/builds/{}", config.master.url, build.id),
            committed_at_s: facts.map(|facts| facts.committed_at_s),
            workspace,
            // Each step has its own.
            traceparent: String::new(),
        },
    })
}

/// Makes the branch of a build that is the first of it, so that its feed's address can be built in.
async fn begin_feed(parts: &Parts, project: &str, stamp: &Stamp) -> Result<String, StepError> {
    let (project, branch) = (project.to_owned(), stamp.branch.clone());
    let now = parts.clock.now();
    let ensure = move |conn: &mut Conn| {
        let project = projects::id_by_name(conn, &project)?;
        let id = branches::ensure(conn, now, project, &branch)?;
        branches::token(conn, id)
    };
    // A token is built into applications: it must outlive a power cut.
    Ok(parts.db.tx("begin feed", ensure).await?)
}

/// The build's folder as the agent's machine knows it, where the agent tells its root.
fn workspace(agent_facts: &str, folder: &str) -> Option<String> {
    let told: serde_json::Value = serde_json::from_str(agent_facts).ok()?;
    // A root that is not UTF-8 was told with replacements, which would lead elsewhere.
    let root = told["root"]
        .as_str()
        .filter(|root| root.starts_with('/') && !root.contains('\u{fffd}'))?;
    Some(format!("{}/{folder}", root.trim_end_matches('/')))
}

/// What the mirror tells of the revision; nothing when it cannot (the source step says why).
async fn revision(
    parts: &Parts,
    signals: &Signals,
    config: &Config,
    stamp: &Stamp,
) -> Result<Option<RevisionFacts>, StepError> {
    let Some(repository) = config.repositories.get(&stamp.codebase) else {
        return Ok(None);
    };
    let mirror = parts.mirrors.of(&stamp.codebase, &repository.url);
    match mirror.facts(&stamp.revision, &signals.stop).await {
        Ok(facts) => Ok(Some(facts)),
        Err(VcsError::Cancelled) => Err(StepError::Stopping),
        Err(error) => {
            tracing::warn!(repository = stamp.codebase, %error, "nothing known of the revision");
            Ok(None)
        }
    }
}

/// The step rows of a build, if they still are those of the builder's configuration.
pub(super) async fn steps_of(
    parts: &Parts,
    build: &Build,
    builder: &Builder,
) -> Result<Option<Vec<Step>>, StepError> {
    let id = build.id;
    let rows = parts
        .db
        .read("build steps", move |conn| steps::of_build(conn, id))
        .await?;
    let names = step_names(builder);
    let same = rows.len() == names.len()
        && rows
            .iter()
            .zip(&names)
            .all(|(row, (name, kind))| row.name == *name && row.kind == *kind);
    Ok(same.then_some(rows))
}
