//! Holds: reasons why products must not be collected. Rows are added and ended, never removed.

use diesel::prelude::*;

use super::products::walk::{Bind, PUBLIC, ids};
use super::schema::{holds, products as rows, users};
use super::{Conn, DbError, DbResult, products};
use crate::clock::Time;
use crate::ids::{HoldId, ProductId, UserId};
use crate::model::{Hold, HoldFilter, HoldOrder, Sight};

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
    keep_in_group(conn, now, product, (owner, reason, until), None)
}

/// Like [`keep`] as one of the holds that were made together under the name `group`.
pub fn keep_in_group(
    conn: &mut Conn,
    now: Time,
    product: ProductId,
    (owner, reason, until): (UserId, &str, Option<Time>),
    group: Option<&str>,
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
            holds::cascade_group.eq(group),
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

/// The live holds that were made together under the name `group`.
pub fn of_group(conn: &mut Conn, now: Time, group: &str) -> DbResult<Vec<Hold>> {
    let rows: Vec<Row> = holds::table
        .filter(holds::cascade_group.eq(group))
        .filter(holds::lifted_at.is_null())
        .filter(holds::until_at.is_null().or(holds::until_at.gt(now.0)))
        .order(holds::id)
        .limit(HOLDS_MAX)
        .load(conn)?;
    rows.into_iter().map(|row| hold(conn, row)).collect()
}

/// The live holds of these products, newest first.
pub fn live_of(conn: &mut Conn, now: Time, products: &[ProductId]) -> DbResult<Vec<Hold>> {
    let ids: Vec<i64> = products.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = holds::table
        .filter(holds::product_id.eq_any(ids))
        .filter(holds::lifted_at.is_null())
        .filter(holds::until_at.is_null().or(holds::until_at.gt(now.0)))
        .order(holds::id.desc())
        .limit(HOLDS_MAX)
        .load(conn)?;
    rows.into_iter().map(|row| hold(conn, row)).collect()
}

/// The live holds that `filter` lets through, in its order, at most `rows_max`.
pub fn live(
    conn: &mut Conn,
    sight: Sight,
    now: Time,
    filter: &HoldFilter,
    rows_max: usize,
) -> DbResult<Vec<Hold>> {
    let mut sql = String::from(
        "SELECT h.id FROM holds h JOIN products p ON p.id = h.product_id \
         JOIN users u ON u.id = h.owner_id WHERE h.lifted_at IS NULL \
         AND (h.until_at IS NULL OR h.until_at > ?)",
    );
    let mut binds = vec![Bind::Int(now.0)];
    if sight == Sight::Public {
        sql.push_str(&format!(" AND {PUBLIC}"));
    }
    if let Some(owner) = &filter.owner {
        sql.push_str(" AND u.name = ?");
        binds.push(Bind::from(owner.as_str()));
    }
    if let Some(end) = filter.ends_before {
        sql.push_str(" AND h.until_at < ?");
        binds.push(Bind::Int(end.0));
    }
    let (key, sign, direction) = match filter.order {
        HoldOrder::Newest => ("0", '<', "DESC"),
        HoldOrder::Age => ("0", '>', "ASC"),
        HoldOrder::Size => ("p.size", '<', "DESC"),
        HoldOrder::Until => ("COALESCE(h.until_at, 9223372036854775807)", '>', "ASC"),
        HoldOrder::Owner => ("u.name", '>', "ASC"),
    };
    if let Some(after) = filter.after {
        // The place in the order is that of the hold itself, whatever has changed since.
        let of_it = key
            .replace("p.", "p2.")
            .replace("h.", "h2.")
            .replace("u.", "u2.");
        sql.push_str(&format!(
            " AND ({key}, h.id) {sign} (SELECT {of_it}, h2.id FROM holds h2 \
             JOIN products p2 ON p2.id = h2.product_id JOIN users u2 ON u2.id = h2.owner_id \
             WHERE h2.id = ?)"
        ));
        binds.push(Bind::Int(after.0));
    }
    let order = match key {
        "0" => format!("h.id {direction}"),
        key => format!("{key} {direction}, h.id {direction}"),
    };
    sql.push_str(&format!(" ORDER BY {order} LIMIT {rows_max}"));
    let ids = ids(conn, &sql, &binds)?;
    ids.into_iter().map(|id| find(conn, HoldId(id))).collect()
}

fn hold(conn: &mut Conn, row: Row) -> DbResult<Hold> {
    let (
        id,
        product,
        kind,
        reason,
        owner,
        created,
        until,
        lifted,
        lifted_by,
        lift_reason,
        group,
        _,
    ) = row;
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
        group,
    })
}

fn user_name(conn: &mut Conn, id: i64) -> DbResult<String> {
    Ok(users::table.find(id).select(users::name).first(conn)?)
}

#[cfg(test)]
pub(crate) mod tests;
