//! Keeping products and lifting holds: QA's word against collection.

use std::time::Duration;

use super::audit::{Attempt, authorise};
use super::products::not_found;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::products::{compare, view};
use crate::db::{Conn, DbError, DbResult, Lane, audit, events, holds, sight};
use crate::error::{Error, Result};
use crate::ids::{HoldId, ProductId, UserId};
use crate::model::{AuditOutcome, HeldProduct, Hold, HoldFilter, PAGE_ROWS_MAX, Page};

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

/// Keeps a product and those of its branch and revision for other targets, as one group that is
/// lifted together. The product's own hold is the first.
///
/// Errors: as [`keep`].
pub async fn keep_revision(
    app: &App,
    identity: &Identity,
    product: ProductId,
    reason: &str,
    until: Option<Time>,
) -> Result<Vec<Hold>> {
    let what = product.to_string();
    let user = authorised_user(app, identity, "product.keep", "product", &what).await?;
    let reason = checked_reason(reason)?;
    let now = app.clock.now();
    checked_until(until, now)?;
    let actor = identity.name().to_owned();
    let work = move |conn: &mut Conn| {
        let one = view::find(conn, now, product)?;
        let siblings = compare::siblings(conn, now, &one)?;
        // Nobody makes two such holds in the same microsecond on one product.
        let group = format!("{product}-{}", now.0);
        let (mut kept, mut seq) = (Vec::new(), 0);
        for id in [product]
            .into_iter()
            .chain(siblings.iter().map(|one| one.id))
        {
            let wish = (user, reason.as_str(), until);
            let hold = holds::keep_in_group(conn, now, id, wish, Some(&group))?;
            note(conn, now, &actor, "product.keep", id, &reason)?;
            seq = announce(conn, now, "product.kept", id, hold, &actor)?;
            kept.push(holds::find(conn, hold)?);
        }
        Ok((kept, seq))
    };
    let kept = app.db.tx("holds.keep_revision", work).await;
    let (kept, seq) = kept.map_err(|error| match error {
        DbError::Changed => Error::Conflict(format!(
            "product {product} has been collected: it can no longer be kept"
        )),
        other => not_found(other, product),
    })?;
    super::products::told(app, seq);
    Ok(kept)
}

/// Ends a hold and all that were made together with it.
///
/// Errors: as [`lift`].
pub async fn lift_group(
    app: &App,
    identity: &Identity,
    hold: HoldId,
    reason: &str,
) -> Result<Vec<Hold>> {
    let first = lift(app, identity, hold, reason).await?;
    let mut lifted = vec![first.clone()];
    let Some(group) = first.group else {
        return Ok(lifted);
    };
    let now = app.clock.now();
    let read = move |conn: &mut Conn| holds::of_group(conn, now, &group);
    for other in app.db.read("holds.of_group", read).await? {
        lifted.push(lift(app, identity, other.id, reason).await?);
    }
    Ok(lifted)
}

/// Ends every live hold of a product. Errors: as [`lift`]; `Conflict` when there is none.
pub async fn lift_all(
    app: &App,
    identity: &Identity,
    product: ProductId,
    reason: &str,
) -> Result<()> {
    identity.require(Permission::Keep)?;
    let now = app.clock.now();
    let read = move |conn: &mut Conn| holds::live_of(conn, now, &[product]);
    let live = app.db.read("holds.live_of", read).await?;
    if live.is_empty() {
        return Err(Error::Conflict(format!("product {product} is not kept")));
    }
    for hold in live {
        lift(app, identity, hold.id, reason).await?;
    }
    Ok(())
}

/// The live holds that `filter` lets through with their products, in its order.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: HoldFilter,
) -> Result<Page<HeldProduct, HoldId>> {
    identity.require(Permission::Read)?;
    let now = app.clock.now();
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| {
        let rows = holds::live(conn, of, now, &filter, PAGE_ROWS_MAX + 1)?;
        let page = Page::of(rows, |hold| hold.id);
        let ids: Vec<ProductId> = page.items.iter().map(|hold| hold.product).collect();
        let products = view::find_all(conn, now, &ids)?;
        let with_product = |hold: Hold| {
            let of = products.iter().find(|one| one.id == hold.product)?;
            let of = of.clone();
            Some(HeldProduct { hold, of })
        };
        Ok(Page {
            next: page.next,
            items: page.items.into_iter().filter_map(with_product).collect(),
        })
    };
    Ok(db.read("holds.list", read).await?)
}

/// One hold, live or not.
pub async fn show(app: &App, identity: &Identity, id: HoldId) -> Result<Hold> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| {
        sight::hold(conn, of, id)?;
        holds::find(conn, id)
    };
    db.read("holds.show", read)
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

pub(super) fn checked_reason(reason: &str) -> Result<String> {
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
