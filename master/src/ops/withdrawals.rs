//! Withdrawing a product: it is never offered, its files answer 410 with the reason, and its
//! releases end. And taking that back.

use super::audit::{Attempt, authorise};
use super::products::not_found;
use super::words::checked_reason;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::releases::{self, Deed};
use crate::db::{Conn, DbError, DbResult, audit, events, products};
use crate::error::{Error, Result};
use crate::failpoints;
use crate::ids::ProductId;
use crate::model::{AuditOutcome, Product, ProductState, ReleaseState};

/// Withdraws a product. Its releases end; their fallbacks are offered to new askers.
///
/// Errors: `NotFound`, `BadInput` for `reason`, `Stale` when `guard` does not fit, `Conflict` where
/// its state does not allow it.
pub async fn withdraw(
    app: &App,
    identity: &Identity,
    id: ProductId,
    guard: Option<i64>,
    reason: &str,
) -> Result<Product> {
    let change = Change {
        action: "product.withdraw",
        event: "product.withdrawn",
        next: ProductState::Withdrawn,
    };
    set(app, identity, id, guard, reason, change).await
}

/// Takes a withdrawal back: the product is as if freshly recorded; its releases stay ended.
///
/// Errors: as [`withdraw`].
pub async fn reinstate(
    app: &App,
    identity: &Identity,
    id: ProductId,
    guard: Option<i64>,
    reason: &str,
) -> Result<Product> {
    let change = Change {
        action: "product.reinstate",
        event: "product.reinstated",
        next: ProductState::Recorded,
    };
    set(app, identity, id, guard, reason, change).await
}

#[derive(Clone, Copy)]
struct Change {
    action: &'static str,
    event: &'static str,
    next: ProductState,
}

async fn set(
    app: &App,
    identity: &Identity,
    id: ProductId,
    guard: Option<i64>,
    reason: &str,
    change: Change,
) -> Result<Product> {
    let object = id.to_string();
    let attempt = Attempt {
        action: change.action,
        object_kind: "product",
        object_id: &object,
    };
    authorise(app, identity, Permission::Release, attempt).await?;
    let reason = checked_reason("reason", reason)?;
    let (now, by) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let standing = products::standing(conn, id)?;
        if guard.is_some_and(|guard| guard != standing.row_version) {
            let now = standing.row_version;
            let text = format!("product {id} was changed in between: it has row version {now} now");
            return Ok(Err(Error::Stale(text)));
        }
        let is_back = change.next == ProductState::Recorded;
        let may = standing.state.may_become(change.next)
            && (!is_back || standing.state == ProductState::Withdrawn);
        if !may {
            let text = format!("product {id} is {}", standing.state);
            return Ok(Err(Error::Conflict(text)));
        }
        if !is_back {
            end_releases(conn, now, id, &by, &reason)?;
        }
        let standing = products::standing(conn, id)?;
        let kept = if is_back { "" } else { reason.as_str() };
        products::set_state(conn, id, standing.row_version, change.next, kept)?;
        let done = AuditOutcome::Done;
        let object = id.to_string();
        audit::append(
            conn,
            now,
            &by,
            change.action,
            "product",
            &object,
            done,
            &reason,
        )?;
        let event = events::NewEvent {
            kind: change.event,
            product: Some(id),
            detail: serde_json::json!({ "by": by, "reason": reason }).to_string(),
            ..events::NewEvent::default()
        };
        let seq = events::append(conn, now, &event)?;
        failpoints::reach("release.changing");
        Ok(Ok((products::view::find(conn, now, id)?, seq)))
    };
    let done = app.db.tx("products.withdraw", work).await;
    let (product, seq) = done.map_err(|error: DbError| not_found(error, id))??;
    failpoints::reach("release.changed");
    let raise = |newest: &mut i64| *newest = seq.max(*newest);
    app.bells.events.send_modify(raise);
    Ok(product)
}

/// Ends every release of a product, those that others superseded too: they are watersheds no more.
fn end_releases(
    conn: &mut Conn,
    now: Time,
    product: ProductId,
    by: &str,
    reason: &str,
) -> DbResult<()> {
    for id in releases::of_product(conn, product)? {
        let release = releases::find(conn, id)?;
        let end = ReleaseState::Withdrawn;
        if !release.state.may_become(end) {
            continue;
        }
        releases::finish(conn, now, &release, end, "its product was withdrawn")?;
        let deed = Deed {
            action: "release.withdraw",
            event: "release.withdrawn",
            by,
            detail: reason,
        };
        releases::note(conn, now, &release, deed)?;
    }
    Ok(())
}
