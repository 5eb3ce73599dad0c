//! Builds: what users see of them and do with them.

use super::audit::{Attempt, authorise};
use super::requests::{finish, make};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::events::NewEvent;
use crate::db::{Conn, DbError, Lane, audit, builds, events, requests, sight, views};
use crate::error::{Error, Result};
use crate::ids::{BuildId, RequestId};
use crate::model::{AuditOutcome, BuildDetail, BuildFilter, BuildSummary, Page};

/// The builds that `filter` lets through, newest first.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: BuildFilter,
) -> Result<Page<BuildSummary, BuildId>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let sight = identity.sight();
    let read = move |conn: &mut _| views::builds::list(conn, sight, &filter);
    Ok(db.read("builds.list", read).await?)
}

/// Every build that is not finished, oldest first.
pub async fn running(app: &App, identity: &Identity) -> Result<Vec<BuildSummary>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let sight = identity.sight();
    let read = move |conn: &mut _| views::builds::running(conn, sight);
    Ok(db.read("builds.running", read).await?)
}

/// One build with everything that hangs on it.
pub async fn show(app: &App, identity: &Identity, id: BuildId) -> Result<BuildDetail> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| {
        sight::build(conn, of, id)?;
        views::builds::show(conn, id)
    };
    db.read("builds.show", read)
        .await
        .map_err(|error| match error {
            DbError::NotFound => Error::NotFound(format!("there is no build {id}")),
            other => other.into(),
        })
}

/// Asks for the end of a running build; its commands are ended and it gets the result
/// `cancelled`.
pub async fn cancel(app: &App, identity: &Identity, id: BuildId) -> Result<()> {
    let object = id.to_string();
    let attempt = Attempt {
        action: "build.cancel",
        object_kind: "build",
        object_id: &object,
    };
    authorise(app, identity, Permission::Cancel, attempt).await?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let build = builds::by_id(conn, id)?;
        builds::ask_cancel(conn, now, id, &actor)?;
        let (object, done) = (id.to_string(), AuditOutcome::Done);
        audit::append(
            conn,
            now,
            &actor,
            "build.cancel",
            "build",
            &object,
            done,
            "",
        )?;
        let event = NewEvent {
            kind: "build.stopping",
            builder: Some(build.builder),
            build: Some(id),
            ..NewEvent::default()
        };
        events::append(conn, now, &event)
    };
    match app.db.tx("cancel build", work).await {
        Ok(seq) => {
            app.bells
                .events
                .send_modify(|newest| *newest = seq.max(*newest));
            app.bells.runner.notify_one();
            Ok(())
        }
        Err(DbError::NotFound) => Err(Error::NotFound(format!("there is no build {id}"))),
        Err(DbError::Changed) => Err(Error::Conflict(format!(
            "build {id} has ended or is being stopped already"
        ))),
        Err(error) => Err(error.into()),
    }
}

/// Asks for the same build again: same source, same values. It never becomes the latest product
/// of an older source.
pub async fn rebuild(app: &App, identity: &Identity, id: BuildId) -> Result<RequestId> {
    let object = id.to_string();
    let attempt = Attempt {
        action: "build.rebuild",
        object_kind: "build",
        object_id: &object,
    };
    authorise(app, identity, Permission::Force, attempt).await?;
    let build = show(app, identity, id).await?.summary;
    if !app.config().builders.contains_key(&build.builder) {
        return Err(Error::Gone(format!(
            "the configuration no longer has the builder `{}`",
            build.builder
        )));
    }
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let reason = format!("build {} again", build.number);
        let new = requests::same_as(conn, build.request, reason, Some(actor.clone()))?;
        make(conn, now, &new, "build.rebuild", &actor)
    };
    finish(app, app.db.tx("rebuild", work).await?)
}
