//! Branches: which there are, what their feeds offer and how often they were asked, and what people
//! change of them: the state, and which branch's feeds answer instead.

use super::audit::{Attempt, authorise};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::branches::view;
use crate::db::{
    Conn, DbError, DbResult, Lane, audit, events, releases, shutoffs, sight, update_counts,
};
use crate::error::{Error, Result};
use crate::ids::BranchId;
use crate::model::{
    AuditOutcome, Branch, BranchFilter, BranchState, Guide, Page, Release, Shutoff, UpdateCount,
};
use crate::updates::{self, HOPS_MAX};

/// Days that the counts of a branch's page go back.
const COUNT_DAYS: i64 = 30;

/// What a guide is about where a branch has no product yet: what most first builds are for.
const TARGET_OF_NONE: &str = "x86_64-linux";
/// Longest target that is looked at, as in a product.
const TARGET_CHARS_MAX: usize = 100;

/// A branch with what its feeds offer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct BranchDetail {
    /// What lists show.
    #[serde(flatten)]
    pub branch: Branch,
    /// What is stopped of it or of its project.
    pub shutoffs: Vec<Shutoff>,
    /// What it offers, by target; empty where its newest builds are offered.
    pub releases: Vec<Release>,
}

/// The branches that `filter` lets through, the newest first.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: BranchFilter,
) -> Result<Page<Branch, BranchId>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| view::list(conn, of, &filter);
    Ok(db.read("branches.list", read).await?)
}

/// One branch.
pub async fn show(app: &App, identity: &Identity, id: BranchId) -> Result<BranchDetail> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| {
        sight::branch(conn, of, id)?;
        detail(conn, id)
    };
    db.read("branches.show", read)
        .await
        .map_err(|error| not_found(error, id))
}

/// How an application of a branch is built for `target`; for the first of its targets where none is
/// named. Errors: `NotFound`, `BadInput` for a target that is too long.
pub async fn guide(
    app: &App,
    identity: &Identity,
    id: BranchId,
    target: Option<&str>,
) -> Result<Guide> {
    let branch = show(app, identity, id).await?.branch;
    super::privacy::admit(app, identity, &branch.project, None).await?;
    let targets = super::feeds::targets(app, &branch.project, &branch.feed).await?;
    let target = target.or(targets.first().map(String::as_str));
    let target = target.unwrap_or(TARGET_OF_NONE).to_owned();
    if target.chars().count() > TARGET_CHARS_MAX || target.chars().any(char::is_control) {
        let text = format!("at most {TARGET_CHARS_MAX} characters of plain text");
        return Err(Error::bad_input("target", text));
    }
    let url = app.config().master.url.clone();
    Ok(Guide {
        families: updates::families(&url, &branch.project, &branch.feed, &target),
        project: branch.project,
        branch: branch.name,
        target,
        targets,
    })
}

/// How often askers of a branch got which answer on each of the last days, the newest first.
pub async fn counts(app: &App, identity: &Identity, id: BranchId) -> Result<Vec<UpdateCount>> {
    identity.require(Permission::Read)?;
    let since = app.clock.now().unix_seconds().div_euclid(86_400) - COUNT_DAYS + 1;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| {
        sight::branch(conn, of, id)?;
        view::find(conn, id)?;
        update_counts::of_branch(conn, id, since)
    };
    db.read("branches.counts", read)
        .await
        .map_err(|error| not_found(error, id))
}

/// Lets the feeds of the branch `follows` of the same project answer for this one, or, without,
/// its own again.
///
/// Errors: `NotFound`; `BadInput` for `branch` where there is none of the name, or the way would
/// come back here or be too long.
pub async fn follow(
    app: &App,
    identity: &Identity,
    id: BranchId,
    follows: Option<&str>,
) -> Result<BranchDetail> {
    let object = id.to_string();
    let attempt = Attempt {
        action: "branch.follow",
        object_kind: "branch",
        object_id: &object,
    };
    authorise(app, identity, Permission::Release, attempt).await?;
    let (now, by) = (app.clock.now(), identity.name().to_owned());
    let follows = follows.map(str::to_owned);
    let work = move |conn: &mut Conn| {
        let own = view::find(conn, id)?;
        let next = match &follows {
            None => None,
            Some(name) => match view::by_name(conn, &own.project, name) {
                Err(DbError::NotFound) => {
                    let text = "the project has no branch of this name";
                    return Ok(Err(Error::bad_input("branch", text)));
                }
                other => Some(other?.id),
            },
        };
        if let Some(next) = next
            && let Some(text) = wrong_way(conn, id, next)?
        {
            return Ok(Err(Error::bad_input("branch", text)));
        }
        view::set_follows(conn, id, next)?;
        let to = follows.clone().unwrap_or_default();
        let seq = note(conn, now, &own, ("branch.follows", &by, &to))?;
        Ok(Ok((detail(conn, id)?, seq)))
    };
    let done = app.db.tx("branches.follow", work).await;
    told(app, done.map_err(|error| not_found(error, id))?)
}

/// Changes the state of a branch.
///
/// Errors: `NotFound`.
pub async fn set_state(
    app: &App,
    identity: &Identity,
    id: BranchId,
    state: BranchState,
) -> Result<BranchDetail> {
    let object = id.to_string();
    let attempt = Attempt {
        action: "branch.state",
        object_kind: "branch",
        object_id: &object,
    };
    authorise(app, identity, Permission::Release, attempt).await?;
    let (now, by) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let own = view::find(conn, id)?;
        view::set_state(conn, now, id, state)?;
        let seq = note(conn, now, &own, ("branch.state", &by, state.as_str()))?;
        Ok(Ok((detail(conn, id)?, seq)))
    };
    let done = app.db.tx("branches.state", work).await;
    told(app, done.map_err(|error| not_found(error, id))?)
}

/// Why `own` cannot follow `next`.
fn wrong_way(conn: &mut Conn, own: BranchId, next: BranchId) -> DbResult<Option<String>> {
    let mut at = Some(next);
    for _ in 1..HOPS_MAX {
        match at {
            None => return Ok(None),
            Some(id) if id == own => {
                return Ok(Some("that branch follows this one already".to_owned()));
            }
            Some(id) => at = view::find(conn, id)?.follows,
        }
    }
    let text = format!("that way leads through more than {HOPS_MAX} branches: name its end");
    Ok(at.map(|_| text))
}

fn detail(conn: &mut Conn, id: BranchId) -> DbResult<BranchDetail> {
    let project = view::project(conn, id)?;
    Ok(BranchDetail {
        branch: view::find(conn, id)?,
        shutoffs: shutoffs::of_branch(conn, project, id)?,
        releases: releases::live_of_branch(conn, id)?,
    })
}

fn note(
    conn: &mut Conn,
    now: Time,
    of: &Branch,
    (kind, by, detail): (&'static str, &str, &str),
) -> DbResult<i64> {
    let (done, id) = (AuditOutcome::Done, of.id.to_string());
    audit::append(conn, now, by, kind, "branch", &id, done, detail)?;
    let text = serde_json::json!({
        "branch_id": of.id,
        "project": of.project,
        "branch": of.name,
        "by": by,
        "detail": detail,
    });
    let event = events::NewEvent {
        kind,
        detail: text.to_string(),
        ..events::NewEvent::default()
    };
    events::append(conn, now, &event)
}

fn told(app: &App, done: Result<(BranchDetail, i64)>) -> Result<BranchDetail> {
    let (detail, seq) = done?;
    let raise = |newest: &mut i64| *newest = seq.max(*newest);
    app.bells.events.send_modify(raise);
    Ok(detail)
}

fn not_found(error: DbError, id: BranchId) -> Error {
    match error {
        DbError::NotFound => Error::NotFound(format!("there is no branch {id}")),
        other => other.into(),
    }
}
