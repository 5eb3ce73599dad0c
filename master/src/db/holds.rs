//! Holds: reasons why products must not be collected. Rows are added and ended, never removed.

use diesel::prelude::*;

use super::schema::{holds, products as rows, users};
use super::{Conn, DbError, DbResult, products};
use crate::clock::Time;
use crate::ids::{HoldId, ProductId, UserId};
use crate::model::Hold;

/// Holds of one product that are listed: a person adds them one by one.
const HOLDS_MAX: i64 = 500;

type Row = (
    i64,
    i64,
    String,
    String,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<i64>,
);

/// Keeps a product: adds a hold and raises the product's row version, so that a collection decided
/// before fails. Errors: as [`products::touch`].
pub fn keep(
    conn: &mut Conn,
    now: Time,
    product: ProductId,
    owner: UserId,
    reason: &str,
    until: Option<Time>,
) -> DbResult<HoldId> {
    products::touch(conn, product)?;
    let id: i64 = diesel::insert_into(holds::table)
        .values((
            holds::product_id.eq(product.0),
            holds::kind.eq("keep"),
            holds::reason.eq(reason),
            holds::owner_id.eq(owner.0),
            holds::created_at.eq(now.0),
            holds::until_at.eq(until.map(|until| until.0)),
        ))
        .returning(holds::id)
        .get_result(conn)?;
    settle(conn, product)?;
    Ok(HoldId(id))
}

/// Ends a hold and returns its product. Errors: [`DbError::NotFound`] when there is no such hold,
/// [`DbError::Changed`] when it was lifted already.
pub fn lift(
    conn: &mut Conn,
    now: Time,
    hold: HoldId,
    user: UserId,
    reason: &str,
) -> DbResult<ProductId> {
    let product: i64 = holds::table
        .find(hold.0)
        .select(holds::product_id)
        .first(conn)?;
    // The product's row first, as `keep` does, so that both wait for each other in one order.
    match products::touch(conn, ProductId(product)) {
        Ok(()) | Err(DbError::Changed) => {}
        Err(error) => return Err(error),
    }
    let lifted = diesel::update(holds::table.find(hold.0))
        .filter(holds::lifted_at.is_null())
        .set((
            holds::lifted_at.eq(now.0),
            holds::lifted_by.eq(user.0),
            holds::lift_reason.eq(reason),
        ))
        .execute(conn)?;
    if lifted == 1 {
        settle(conn, ProductId(product))?;
        Ok(ProductId(product))
    } else {
        Err(DbError::Changed)
    }
}

/// Writes the latest end of the product's holds into its row: 0 for none, the highest number for
/// one that lasts until it is lifted.
fn settle(conn: &mut Conn, product: ProductId) -> DbResult<()> {
    let ends: Vec<Option<i64>> = holds::table
        .filter(holds::product_id.eq(product.0))
        .filter(holds::lifted_at.is_null())
        .select(holds::until_at)
        .load(conn)?;
    let ends = ends.into_iter().map(|end| end.unwrap_or(i64::MAX));
    let latest = ends.max().unwrap_or(0);
    diesel::update(rows::table.find(product.0))
        .set(rows::held_until.eq(latest))
        .execute(conn)?;
    Ok(())
}

/// Every hold there ever was on a product, newest first.
pub fn of_product(conn: &mut Conn, product: ProductId) -> DbResult<Vec<Hold>> {
    let rows = holds::table
        .filter(holds::product_id.eq(product.0))
        .order(holds::id.desc())
        .limit(HOLDS_MAX)
        .load(conn)?;
    rows.into_iter().map(|row| hold(conn, row)).collect()
}

/// The hold of this id.
pub fn find(conn: &mut Conn, id: HoldId) -> DbResult<Hold> {
    let row: Row = holds::table.find(id.0).first(conn)?;
    hold(conn, row)
}

/// The live holds of all products, the newest first, those before `before` where it is given.
pub fn live(
    conn: &mut Conn,
    now: Time,
    before: Option<HoldId>,
    rows_max: i64,
) -> DbResult<Vec<Hold>> {
    let rows = holds::table
        .filter(holds::lifted_at.is_null())
        .filter(holds::until_at.is_null().or(holds::until_at.gt(now.0)))
        .filter(holds::id.lt(before.map_or(i64::MAX, |id| id.0)))
        .order(holds::id.desc())
        .limit(rows_max)
        .load(conn)?;
    rows.into_iter().map(|row| hold(conn, row)).collect()
}

fn hold(conn: &mut Conn, row: Row) -> DbResult<Hold> {
    let (id, product, kind, reason, owner, created, until, lifted, lifted_by, lift_reason, _, _) =
        row;
    Ok(Hold {
        id: HoldId(id),
        product: ProductId(product),
        kind,
        reason,
        owner: user_name(conn, owner)?,
        owner_id: UserId(owner),
        created_at: Time(created),
        until: until.map(Time),
        lifted_at: lifted.map(Time),
        lifted_by: lifted_by.map(|user| user_name(conn, user)).transpose()?,
        lift_reason,
    })
}

fn user_name(conn: &mut Conn, id: i64) -> DbResult<String> {
    Ok(users::table.find(id).select(users::name).first(conn)?)
}

#[cfg(test)]
pub(crate) mod tests;
