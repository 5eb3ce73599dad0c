//! One product's way into the trash and out of it.

use super::deeds::{Came, Deed};
use super::{may_read, usable};
use crate::app::App;
use crate::auth::Identity;
use crate::db::retention::apply::{Outcome, expire_one};
use crate::db::retention::trash as rows;
use crate::db::{Conn, DbError, DbResult, Lane, products};
use crate::error::{Error, Result};
use crate::ids::ProductId;
use crate::model::{Page, Trashed};
use crate::ops::products::not_found;
use crate::ops::words::checked_reason;

/// What is in the trash, products before `before`.
pub async fn in_trash(
    app: &App,
    identity: &Identity,
    before: Option<ProductId>,
) -> Result<Page<Trashed, ProductId>> {
    may_read(app, identity).await?;
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| rows::list(conn, before);
    let rows = db.read("retention.trash", read).await?;
    Ok(Page::of(rows, |trashed| trashed.product))
}

/// Takes a product out of the trash; `seen` is the row version that the asker looked at, if they
/// say it.
///
/// Errors: `BadInput` for `reason`, `NotFound`, `Stale` when it was changed in between, `Conflict`
/// when it is not in the trash, or its files are not all there.
pub async fn restore(
    app: &App,
    identity: &Identity,
    id: ProductId,
    seen: Option<i64>,
    reason: &str,
) -> Result<()> {
    let deed = Deed::begin(app, identity, "product.restore", product(id)).await?;
    let (reason, now) = (checked_reason("reason", reason)?, deed.now());
    let said = reason.clone();
    let work = move |conn: &mut Conn| {
        let Some(version) = version(conn, id, seen)? else {
            return Ok(Came::Nothing(Err(stale(id))));
        };
        let seq = rows::restore(conn, now, id, version, &reason)?;
        Ok(Came::Done(Ok(()), seq))
    };
    let done = deed.perform(app, said, work).await;
    done.map_err(|error| match error {
        DbError::Changed => Error::Conflict(format!(
            "product {id} cannot be restored: it is not in the trash, or not all of its files are \
             there"
        )),
        other => not_found(other, id),
    })?
}

/// Puts one product into the trash. The same holds for it as for a plan: nothing that is protected
/// goes.
///
/// Errors: `BadInput` for `reason`, `NotFound`, `Stale` when it was changed since `seen`,
/// `Conflict` with what protects it.
pub async fn collect(
    app: &App,
    identity: &Identity,
    id: ProductId,
    seen: Option<i64>,
    reason: &str,
) -> Result<()> {
    let deed = Deed::begin(app, identity, "product.collect", product(id)).await?;
    let (policies, now) = (usable(app)?, deed.now());
    let reason = checked_reason("reason", reason)?;
    let why = format!("{}: {reason}", deed.who());
    let work = move |conn: &mut Conn| {
        let Some(version) = version(conn, id, seen)? else {
            return Ok(Came::Nothing(Err(stale(id))));
        };
        Ok(match expire_one(conn, now, id, version, &policies, &why)? {
            (Outcome::Expired, seq) => Came::Done(Ok(()), seq),
            (Outcome::Stays(why), _) => {
                let text = format!("product {id} stays: {why}");
                Came::Nothing(Err(Error::Conflict(text)))
            }
        })
    };
    let done = deed.perform(app, reason, work).await;
    done.map_err(|error| not_found(error, id))?
}

fn product(id: ProductId) -> (&'static str, String) {
    ("product", id.to_string())
}

/// The product's row version; none where it is not the one that was seen.
fn version(conn: &mut Conn, id: ProductId, seen: Option<i64>) -> DbResult<Option<i64>> {
    let version = products::row_version(conn, id)?;
    Ok(seen.is_none_or(|seen| seen == version).then_some(version))
}

fn stale(id: ProductId) -> Error {
    Error::Stale(format!(
        "product {id} was changed since you looked: look again"
    ))
}
