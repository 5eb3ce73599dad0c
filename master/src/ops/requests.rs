//! Build requests: what users see of them and do with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::audit::{Attempt, authorise};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::config::Config;
use crate::config::resolved::{Builder, Parameter, StepKind, Trigger};
use crate::db::events::NewEvent;
use crate::db::requests::{NewRequest, Stamp};
use crate::db::{
    Conn, DbError, DbResult, Lane, audit, builders, changes, events, heads, repositories, requests,
    views,
};
use crate::engine::form::check;
use crate::error::{Error, Result};
use crate::ids::{BuilderId, RequestId};
use crate::model::{AuditOutcome, Page, RequestFilter, RequestState, RequestSummary};
use crate::schedules;
use crate::vcs::VcsError;

/// Somebody waits for a forced build; schedules ask with 0.
const FORCED_PRIORITY: i64 = 10;
/// Longest reason, bytes: a paragraph.
const REASON_BYTES_MAX: usize = 1_000;

/// The requests that `filter` lets through, newest first.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: RequestFilter,
) -> Result<Page<RequestSummary, RequestId>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let sight = identity.sight();
    let read = move |conn: &mut _| views::requests::list(conn, sight, &filter);
    Ok(db.read("requests.list", read).await?)
}

/// One request.
pub async fn show(app: &App, identity: &Identity, id: RequestId) -> Result<RequestSummary> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let sight = identity.sight();
    let read = move |conn: &mut _| views::requests::show(conn, sight, id);
    db.read("requests.show", read)
        .await
        .map_err(|error| match error {
            DbError::NotFound => Error::NotFound(format!("there is no request {id}")),
            other => other.into(),
        })
}

/// What somebody typed into a force form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Force {
    /// The force schedule whose form it is.
    pub schedule: String,
    /// Which of the schedule's builders; may be left out when it has one.
    pub builder: Option<String>,
    /// The branch to build; empty for builders without a source step.
    pub branch: String,
    /// A revision on it, full or abbreviated; the newest when absent.
    pub revision: Option<String>,
    /// Why.
    pub reason: String,
    /// Values of the schedule's parameters.
    pub values: BTreeMap<String, String>,
}

/// Asks for a build by hand. Errors name the field: `schedule`, `builder`, `branch`, `revision`,
/// `reason`, or that of the parameter.
pub async fn force(app: &App, identity: &Identity, form: Force) -> Result<RequestId> {
    let attempt = Attempt {
        action: "request.force",
        object_kind: "schedule",
        object_id: &form.schedule,
    };
    authorise(app, identity, Permission::Force, attempt).await?;
    let config = app.config();
    let (name, parameters) = chosen(&config, &form)?;
    let properties =
        check(parameters, &form.values).map_err(|bad| Error::bad_input(bad.name, bad.text))?;
    let builder = &config.builders[name];
    let first = match source_of(builder) {
        Some(repository) => Some(source(app, &config, repository, &form).await?),
        None => None,
    };
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let (name, config) = (name.to_owned(), Arc::clone(&config));
    let work = move |conn: &mut Conn| {
        let builder = &config.builders[&name];
        let stamps = match &first {
            Some(first) => schedules::ask::stamps(conn, &config, builder, first.clone())?,
            None => Vec::new(),
        };
        let new = NewRequest {
            builder: builders::id_by_name(conn, &name)?,
            schedule: Some(form.schedule.clone()),
            reason: form.reason.trim().to_owned(),
            requested_by: actor.clone(),
            priority: FORCED_PRIORITY,
            properties: serde_json::Value::Object(properties.clone()).to_string(),
            stamps,
            changes: Vec::new(),
        };
        make(conn, now, &new, "request.force", &actor)
    };
    finish(app, app.db.tx("force", work).await?)
}

/// Takes back a request that waits.
pub async fn cancel(app: &App, identity: &Identity, id: RequestId) -> Result<()> {
    let object = id.to_string();
    let attempt = Attempt {
        action: "request.cancel",
        object_kind: "request",
        object_id: &object,
    };
    authorise(app, identity, Permission::Cancel, attempt).await?;
    show(app, identity, id).await?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let (from, to) = (RequestState::Pending, RequestState::Cancelled);
        requests::advance(conn, now, id, from, to)?;
        let (object, done) = (id.to_string(), AuditOutcome::Done);
        audit::append(
            conn,
            now,
            &actor,
            "request.cancel",
            "request",
            &object,
            done,
            "",
        )?;
        let builder = requests::by_id(conn, id)?.builder;
        events::append(conn, now, &request_event("request.cancelled", builder, id))
    };
    match app.db.tx("cancel request", work).await {
        Ok(seq) => {
            app.bells
                .events
                .send_modify(|newest| *newest = seq.max(*newest));
            Ok(())
        }
        Err(DbError::Changed) => Err(Error::Conflict(format!(
            "request {id} does not wait any more: cancel its build instead"
        ))),
        Err(error) => Err(error.into()),
    }
}

/// Makes a request with its audit row and event; used by forms and rebuilds.
pub(super) fn make(
    conn: &mut Conn,
    now: Time,
    new: &NewRequest,
    action: &str,
    actor: &str,
) -> DbResult<(RequestId, i64)> {
    let id = requests::insert(conn, now, new)?;
    let (object, done) = (id.to_string(), AuditOutcome::Done);
    audit::append(
        conn,
        now,
        actor,
        action,
        "request",
        &object,
        done,
        &new.reason,
    )?;
    let seq = events::append(conn, now, &request_event("request.made", new.builder, id))?;
    Ok((id, seq))
}

/// Wakes who waits for a new request.
pub(super) fn finish(app: &App, (id, seq): (RequestId, i64)) -> Result<RequestId> {
    app.bells
        .events
        .send_modify(|newest| *newest = seq.max(*newest));
    app.bells.dispatcher.notify_one();
    Ok(id)
}

fn request_event(kind: &'static str, builder: BuilderId, request: RequestId) -> NewEvent {
    NewEvent {
        kind,
        builder: Some(builder),
        detail: serde_json::json!({ "request": request }).to_string(),
        ..NewEvent::default()
    }
}

/// The builder asked for and the parameters of its form.
fn chosen<'a>(config: &'a Config, form: &Force) -> Result<(&'a str, &'a [Parameter])> {
    let schedule = config.schedules.get(&form.schedule);
    let Some((builders, parameters)) = schedule.and_then(|schedule| match &schedule.trigger {
        Trigger::Force { parameters } => Some((&schedule.builders, parameters)),
        Trigger::Change { .. } => None,
    }) else {
        let text = format!("there is no force schedule `{}`", form.schedule);
        return Err(Error::bad_input("schedule", text));
    };
    let known = builders
        .iter()
        .filter(|name| config.builders.contains_key(*name));
    let known: Vec<&String> = known.collect();
    let name = match (&form.builder, known.as_slice()) {
        (Some(wanted), known) => known.iter().find(|name| **name == wanted),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(name) = name else {
        let names: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
        let text = format!("one of {} is expected", names.join(", "));
        return Err(Error::bad_input("builder", text));
    };
    if form.reason.len() > REASON_BYTES_MAX || form.reason.contains('\0') {
        let text = format!("a text of at most {REASON_BYTES_MAX} bytes is expected");
        return Err(Error::bad_input("reason", text));
    }
    Ok((name, parameters))
}

/// The repository of the builder's first source step.
fn source_of(builder: &Builder) -> Option<&str> {
    builder.steps.iter().find_map(|step| match &step.kind {
        StepKind::Source { repository, .. } => Some(repository.as_str()),
        _ => None,
    })
}

/// The source stamp of the branch and revision somebody typed.
async fn source(app: &App, config: &Config, repository: &str, form: &Force) -> Result<Stamp> {
    let branch = form.branch.trim().to_owned();
    let (name, wanted) = (repository.to_owned(), branch.clone());
    let look = move |conn: &mut Conn| {
        let id = repositories::id_by_name(conn, &name)?;
        Ok((
            id,
            heads::of_branch(conn, id, &wanted)?,
            heads::list(conn, id)?,
        ))
    };
    let (id, head, all) = app.db.lane(Lane::Pages).read("force source", look).await?;
    let Some(head) = head.filter(|head| !head.gone) else {
        let living = all.iter().filter(|head| !head.gone);
        let names: Vec<&str> = living.map(|head| head.branch.as_str()).take(10).collect();
        let text = match names.is_empty() {
            true => format!("no branch of `{repository}` was seen yet: wait for its first poll"),
            false if branch.is_empty() => format!("name one of {}", names.join(", ")),
            false => format!(
                "there is no branch `{branch}`: one of {} is expected",
                names.join(", ")
            ),
        };
        return Err(Error::bad_input("branch", text));
    };
    let url = &config.repositories[repository].url;
    let mirror = app.mirrors.of(repository, url);
    // A question to the local mirror; it has a time-out of its own.
    let stop = CancellationToken::new();
    let wanted = form
        .revision
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let revision = match wanted {
        None => head.revision.clone(),
        Some(wanted) => mirror
            .resolve(&branch, Some(wanted), &stop)
            .await
            .map_err(|error| vcs_error("revision", error))?,
    };
    let position = if revision == head.revision {
        head.position
    } else {
        let (branch, revision) = (branch.clone(), revision.clone());
        let seen = move |conn: &mut Conn| changes::by_revision(conn, id, &branch, &revision);
        app.db
            .lane(Lane::Pages)
            .read("force position", seen)
            .await?
            .map_or(0, |seen| seen.position)
    };
    let position = match position {
        0 => {
            let counted = mirror.count(&revision, &stop).await;
            let count = counted.map_err(|error| vcs_error("revision", error))?;
            // Never before the head, whatever forced pushes did to its position.
            i64::try_from(count).unwrap_or(i64::MAX).min(head.position)
        }
        known => known,
    };
    Ok(Stamp {
        codebase: repository.to_owned(),
        repository: id,
        branch,
        revision,
        position,
    })
}

fn vcs_error(field: &str, error: VcsError) -> Error {
    match error {
        VcsError::Unknown(text) => Error::bad_input(field, text),
        other => Error::internal(other),
    }
}

#[cfg(test)]
mod tests;
