//! Keeping products and lifting holds: QA's word against collection.

use std::time::Duration;

use super::audit::{Attempt, authorise};
use super::products::not_found;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::{Conn, DbError, DbResult, Lane, audit, events, holds};
use crate::error::{Error, Result};
use crate::ids::{HoldId, ProductId, UserId};
use crate::model::{AuditOutcome, Hold, PAGE_ROWS_MAX, Page};

/// Longest reason: a few sentences and a link, which a list can still show.
const REASON_CHARS_MAX: usize = 1_000;
/// Furthest end of a hold; who means for ever leaves the end out.
const UNTIL_MAX: Duration = Duration::from_secs(20 * 366 * 86_400);

/// Keeps a product. The reason is required; without `until` the hold lasts until it is lifted.
///
/// Errors: `BadInput` for `reason` or `until`, `NotFound`, `Conflict` when the product has been
/// collected already.
pub async fn keep(
    app: &App,
    identity: &Identity,
    product: ProductId,
    reason: &str,
    until: Option<Time>,
) -> Result<Hold> {
    let what = product.to_string();
    let user = authorised_user(app, identity, "product.keep", "product", &what).await?;
    let reason = checked_reason(reason)?;
    let now = app.clock.now();
    checked_until(until, now)?;
    let actor = identity.name().to_owned();
    let work = move |conn: &mut Conn| {
        let id = holds::keep(conn, now, product, user, &reason, until)?;
        note(conn, now, &actor, "product.keep", product, &reason)?;
        let seq = announce(conn, now, "product.kept", product, id, &actor)?;
        Ok((holds::find(conn, id)?, seq))
    };
    let kept = app.db.tx("holds.keep", work).await;
    let kept = kept.map_err(|error| match error {
        DbError::Changed => Error::Conflict(format!(
            "product {product} has been collected: it can no longer be kept"
        )),
        other => not_found(other, product),
    })?;
    Ok(told(app, kept))
}

/// Ends a hold and tells why.
///
/// Errors: `BadInput` for `reason`, `NotFound`, `Conflict` when it was lifted already.
pub async fn lift(app: &App, identity: &Identity, hold: HoldId, reason: &str) -> Result<Hold> {
    let what = hold.to_string();
    let user = authorised_user(app, identity, "product.lift", "hold", &what).await?;
    let reason = checked_reason(reason)?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let product = holds::lift(conn, now, hold, user, &reason)?;
        note(conn, now, &actor, "product.lift", product, &reason)?;
        let seq = announce(conn, now, "product.lifted", product, hold, &actor)?;
        Ok((holds::find(conn, hold)?, seq))
    };
    let lifted = app.db.tx("holds.lift", work).await;
    let lifted = lifted.map_err(|error| match error {
        DbError::NotFound => Error::NotFound(format!("there is no hold {hold}")),
        DbError::Changed => Error::Conflict(format!("hold {hold} was lifted before")),
        other => other.into(),
    })?;
    Ok(told(app, lifted))
}

/// The live holds of all products, the newest first; those before `before` where it is given.
pub async fn list(
    app: &App,
    identity: &Identity,
    before: Option<HoldId>,
) -> Result<Page<Hold, HoldId>> {
    identity.require(Permission::Read)?;
    let now = app.clock.now();
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| {
        let rows = holds::live(conn, now, before, PAGE_ROWS_MAX as i64 + 1)?;
        Ok(Page::of(rows, |hold| hold.id))
    };
    Ok(db.read("holds.list", read).await?)
}

/// One hold, live or not.
pub async fn show(app: &App, identity: &Identity, id: HoldId) -> Result<Hold> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    db.read("holds.show", move |conn| holds::find(conn, id))
        .await
        .map_err(|error| match error {
            DbError::NotFound => Error::NotFound(format!("there is no hold {id}")),
            other => other.into(),
        })
}

/// Tells open pages that there is a new event.
fn told(app: &App, (hold, seq): (Hold, i64)) -> Hold {
    let raise = |newest: &mut i64| *newest = seq.max(*newest);
    app.bells.events.send_modify(raise);
    hold
}

/// The user who may do it. A hold has an owner to ask, so the master itself cannot.
async fn authorised_user(
    app: &App,
    identity: &Identity,
    action: &'static str,
    object_kind: &'static str,
    object_id: &str,
) -> Result<UserId> {
    let attempt = Attempt {
        action,
        object_kind,
        object_id,
    };
    authorise(app, identity, Permission::Keep, attempt).await?;
    identity
        .user()
        .ok_or(Error::Unauthenticated(Permission::Keep.as_str()))
}

fn checked_reason(reason: &str) -> Result<String> {
    let reason = reason.trim();
    let chars = reason.chars().count();
    if chars == 0 {
        return Err(Error::bad_input("reason", "say why in a few words"));
    }
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if chars > REASON_CHARS_MAX || reason.chars().any(is_control) {
        let text = format!("at most {REASON_CHARS_MAX} characters of plain text");
        return Err(Error::bad_input("reason", text));
    }
    Ok(reason.to_owned())
}

fn checked_until(until: Option<Time>, now: Time) -> Result<()> {
    match until {
        Some(until) if until <= now => Err(Error::bad_input(
            "until",
            "this moment is over: choose a later one, or none to keep it until somebody lifts it",
        )),
        Some(until) if until > now.after(UNTIL_MAX) => Err(Error::bad_input(
            "until",
            "that is more than 20 years away: leave it out to keep it until somebody lifts it",
        )),
        _ => Ok(()),
    }
}

fn note(
    conn: &mut Conn,
    now: Time,
    actor: &str,
    action: &str,
    product: ProductId,
    reason: &str,
) -> DbResult<()> {
    let (done, id) = (AuditOutcome::Done, product.to_string());
    audit::append(conn, now, actor, action, "product", &id, done, reason).map(|_| ())
}

fn announce(
    conn: &mut Conn,
    now: Time,
    kind: &'static str,
    product: ProductId,
    hold: HoldId,
    actor: &str,
) -> DbResult<i64> {
    let event = events::NewEvent {
        kind,
        product: Some(product),
        detail: serde_json::json!({ "hold": hold, "by": actor }).to_string(),
        ..events::NewEvent::default()
    };
    events::append(conn, now, &event)
}

#[cfg(test)]
mod tests;
