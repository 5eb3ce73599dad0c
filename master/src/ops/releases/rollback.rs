//! Rolling a release back: who has it is moved down to a product that is named. The way down is a
//! release of its own, begun in the same transaction; it waits for no sign-off.

use super::{detail, not_found, salt, stale, told, unfit};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::releases::{self, Deed, NewRelease, Refusal};
use crate::db::{Conn, DbResult, products};
use crate::error::{Error, Result};
use crate::failpoints;
use crate::ids::{ProductId, ReleaseId};
use crate::model::{Release, ReleaseDetail, ReleaseState};
use crate::ops::audit::{Attempt, authorise};
use crate::ops::words::checked_reason;

/// What to roll back to, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// The lower product.
    pub to: ProductId,
    /// Why.
    pub reason: String,
    /// Why that one, though testers say it is bad; empty where they do not.
    pub override_reason: String,
}

/// Rolls a release back, and returns the release that took its place.
///
/// Errors: `NotFound`, `Stale` when `guard` does not fit, `BadInput` for `product` or `reason`,
/// `Conflict` where the release is not offered.
pub async fn rollback(
    app: &App,
    identity: &Identity,
    id: ReleaseId,
    guard: Option<i64>,
    wanted: Rollback,
) -> Result<ReleaseDetail> {
    let object = id.to_string();
    let attempt = Attempt {
        action: "release.rollback",
        object_kind: "release",
        object_id: &object,
    };
    authorise(app, identity, Permission::Release, attempt).await?;
    let reason = checked_reason("reason", &wanted.reason)?;
    let override_reason = wanted.override_reason.trim().to_owned();
    let (now, by, salt) = (app.clock.now(), identity.name().to_owned(), salt()?);
    let work = move |conn: &mut Conn| {
        let release = releases::find(conn, id)?;
        if let Some(error) = stale(&release, guard) {
            return Ok(Err(error));
        }
        if !release.state.may_become(ReleaseState::RolledBack) {
            let text = format!("release {id} is {}: it is not offered", release.state);
            return Ok(Err(Error::Conflict(text)));
        }
        if let Some(error) = unfit_below(conn, now, &release, wanted.to, &override_reason)? {
            return Ok(Err(error));
        }
        let new = NewRelease {
            branch: release.branch_id,
            target: release.target.clone(),
            product: wanted.to,
            fallback: None,
            rollback_of: Some(release.product),
            rollout_percent: 100,
            salt: salt.clone(),
            watershed: false,
            critical: release.critical,
            override_reason: override_reason.clone(),
            signoffs_needed: Vec::new(),
            created_by: by.clone(),
        };
        let place = releases::insert(conn, now, &new)?;
        releases::finish(conn, now, &release, ReleaseState::RolledBack, &reason)?;
        let below = releases::find(conn, place)?;
        if let Some(Refusal(text)) = releases::refusal(conn, &below)? {
            return Err(crate::db::DbError::Open(text));
        }
        releases::begin(conn, now, &below, &format!("release {id} was rolled back"))?;
        let deed = |event| Deed {
            action: "release.rollback",
            event,
            by: &by,
            detail: &reason,
        };
        releases::note(conn, now, &release, deed("release.rolled-back"))?;
        let seq = releases::note(conn, now, &below, deed("release.live"))?;
        failpoints::reach("release.changing");
        Ok(Ok((detail(conn, place)?, seq)))
    };
    let done = app.db.tx("releases.rollback", work).await;
    told(app, done.map_err(|error| not_found(error, id))?)
}

/// Why `to` cannot take the place of a release.
fn unfit_below(
    conn: &mut Conn,
    now: Time,
    release: &Release,
    to: ProductId,
    override_reason: &str,
) -> DbResult<Option<Error>> {
    let wrong = |text: String| Ok(Some(Error::bad_input("product", text)));
    let lower = match products::view::find(conn, now, to) {
        Ok(lower) => lower,
        Err(crate::db::DbError::NotFound) => return wrong(format!("there is no product {to}")),
        Err(error) => return Err(error),
    };
    if products::branch(conn, to)? != release.branch_id || lower.target != release.target {
        return wrong("it must be of the same branch and target".to_owned());
    }
    let (own, below) = (
        products::standing(conn, release.product)?,
        products::standing(conn, to)?,
    );
    if below.seq >= own.seq {
        return wrong("it is not lower than what is offered: release it instead".to_owned());
    }
    let verdict = products::verdict(conn, to)?;
    Ok(unfit(lower.state, verdict, override_reason, to))
}
