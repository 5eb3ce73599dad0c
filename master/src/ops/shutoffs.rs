//! Shut-offs: updates of a project or a branch stop at once, whatever is released, until somebody
//! lets them go on.

use super::audit::{Attempt, authorise};
use super::words::checked_reason;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::{Conn, DbError, DbResult, Lane, audit, branches, events, projects, shutoffs};
use crate::error::{Error, Result};
use crate::ids::ShutoffId;
use crate::model::{AuditOutcome, Page, Shutoff};

/// The shut-offs, the newest first; those in force alone where `live` says so.
pub async fn list(
    app: &App,
    identity: &Identity,
    live: bool,
    before: Option<ShutoffId>,
) -> Result<Page<Shutoff, ShutoffId>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let sight = identity.sight();
    let read = move |conn: &mut Conn| shutoffs::list(conn, sight, live, before);
    Ok(db.read("shutoffs.list", read).await?)
}

/// Stops updates of a project, or of its branch of this name.
///
/// Errors: `BadInput` for `project`, `branch` or `reason`; `Conflict` when they are stopped.
pub async fn shut_off(
    app: &App,
    identity: &Identity,
    project: &str,
    branch: Option<&str>,
    reason: &str,
) -> Result<Shutoff> {
    let attempt = Attempt {
        action: "updates.shut-off",
        object_kind: "project",
        object_id: project,
    };
    authorise(app, identity, Permission::Release, attempt).await?;
    let reason = checked_reason("reason", reason)?;
    let (now, by) = (app.clock.now(), identity.name().to_owned());
    let (project, branch) = (project.to_owned(), branch.map(str::to_owned));
    let work = move |conn: &mut Conn| {
        let id = match projects::id_by_name(conn, &project) {
            Err(DbError::NotFound) => {
                let text = "there is no project of this name";
                return Ok(Err(Error::bad_input("project", text)));
            }
            other => other?,
        };
        let of = match branch
            .as_deref()
            .map(|name| branches::view::by_name(conn, &project, name))
        {
            Some(Err(DbError::NotFound)) => {
                let text = "the project has no branch of this name";
                return Ok(Err(Error::bad_input("branch", text)));
            }
            other => other.transpose()?,
        };
        let of = of.map(|branch| branch.id);
        let id = match shutoffs::insert(conn, now, (id, of), &reason, &by) {
            Err(DbError::Changed) => {
                let text = "updates are shut off already";
                return Ok(Err(Error::Conflict(text.to_owned())));
            }
            other => other?,
        };
        let made = shutoffs::find(conn, id)?;
        let seq = note(conn, now, &made, ("updates.shut-off", &by, &reason))?;
        Ok(Ok((made, seq)))
    };
    told(app, app.db.tx("shutoffs.insert", work).await?)
}

/// Lets updates go on.
///
/// Errors: `NotFound`, `Conflict` when they do already.
pub async fn lift(app: &App, identity: &Identity, id: ShutoffId) -> Result<Shutoff> {
    let object = id.to_string();
    let attempt = Attempt {
        action: "updates.resume",
        object_kind: "shutoff",
        object_id: &object,
    };
    authorise(app, identity, Permission::Release, attempt).await?;
    let (now, by) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        match shutoffs::lift(conn, now, id, &by) {
            Err(DbError::NotFound) => {
                let text = format!("there is no shut-off {id}");
                return Ok(Err(Error::NotFound(text)));
            }
            Err(DbError::Changed) => {
                let text = format!("shut-off {id} was lifted before");
                return Ok(Err(Error::Conflict(text)));
            }
            other => other?,
        }
        let lifted = shutoffs::find(conn, id)?;
        let seq = note(conn, now, &lifted, ("updates.resumed", &by, ""))?;
        Ok(Ok((lifted, seq)))
    };
    told(app, app.db.tx("shutoffs.lift", work).await?)
}

fn note(
    conn: &mut Conn,
    now: Time,
    of: &Shutoff,
    (kind, by, reason): (&'static str, &str, &str),
) -> DbResult<i64> {
    let (done, id) = (AuditOutcome::Done, of.id.to_string());
    audit::append(conn, now, by, kind, "shutoff", &id, done, reason)?;
    let detail = serde_json::json!({
        "shutoff": of.id,
        "project": of.project,
        "branch": of.branch,
        "by": by,
        "reason": of.reason,
    });
    let event = events::NewEvent {
        kind,
        detail: detail.to_string(),
        ..events::NewEvent::default()
    };
    events::append(conn, now, &event)
}

fn told(app: &App, done: Result<(Shutoff, i64)>) -> Result<Shutoff> {
    let (shutoff, seq) = done?;
    let raise = |newest: &mut i64| *newest = seq.max(*newest);
    app.bells.events.send_modify(raise);
    Ok(shutoff)
}
