//! Choices of the desk that a tester comes back to, and up to where each was seen.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::desks;
use super::{Conn, DbError, DbResult};
use crate::clock::Time;
use crate::ids::{DeskId, ProductId, UserId};
use crate::model::Desk;

/// Choices kept of one user; of those without a name the oldest make room.
pub const DESKS_MAX: i64 = 100;

type Row = (i64, Option<String>, String, i64);
const COLUMNS: (desks::id, desks::name, desks::query, desks::seen_product_id) =
    (desks::id, desks::name, desks::query, desks::seen_product_id);

fn desk((id, name, query, seen): Row) -> Desk {
    Desk {
        id: DeskId(id),
        name,
        query,
        seen: ProductId(seen),
    }
}

/// The choices of a user, those with a name first.
pub fn of_user(conn: &mut Conn, user: UserId) -> DbResult<Vec<Desk>> {
    let rows: Vec<Row> = desks::table
        .filter(desks::user_id.eq(user.0))
        .order((desks::name, desks::changed_at.desc()))
        .limit(DESKS_MAX)
        .select(COLUMNS)
        .load(conn)?;
    Ok(rows.into_iter().map(desk).collect())
}

/// Remembers a choice: with a name where one is given, and that everything up to `seen` was seen.
/// Errors: [`DbError::Changed`] when the user has too many with a name.
pub fn keep(
    conn: &mut Conn,
    now: Time,
    user: UserId,
    query: &str,
    name: Option<&str>,
    seen: Option<ProductId>,
) -> DbResult<Desk> {
    let of_user = desks::table.filter(desks::user_id.eq(user.0));
    let known: Option<i64> = of_user
        .filter(desks::query.eq(query))
        .select(desks::id)
        .first(conn)
        .optional()?;
    if known.is_none() {
        make_room(conn, user)?;
    }
    let (seen_at_first, changed_at) = (seen.map_or(0, |id| id.0), now.0);
    per_engine!(conn, inner => diesel::insert_into(desks::table)
        .values((
            desks::user_id.eq(user.0),
            desks::query.eq(query),
            desks::name.eq(name),
            desks::seen_product_id.eq(seen_at_first),
            desks::changed_at.eq(changed_at),
        ))
        .on_conflict((desks::user_id, desks::query))
        .do_update()
        .set(desks::changed_at.eq(changed_at))
        .execute(inner)?);
    let this = || {
        desks::table
            .filter(desks::user_id.eq(user.0))
            .filter(desks::query.eq(query))
    };
    if let Some(name) = name {
        diesel::update(this())
            .set(desks::name.eq(name))
            .execute(conn)?;
    }
    if let Some(seen) = seen {
        diesel::update(this().filter(desks::seen_product_id.lt(seen.0)))
            .set(desks::seen_product_id.eq(seen.0))
            .execute(conn)?;
    }
    let row: Row = this().select(COLUMNS).first(conn)?;
    Ok(desk(row))
}

/// Forgets a choice. Errors: [`DbError::NotFound`] when the user has no such.
pub fn remove(conn: &mut Conn, user: UserId, id: DeskId) -> DbResult<()> {
    let removed = diesel::delete(desks::table.find(id.0).filter(desks::user_id.eq(user.0)));
    match removed.execute(conn)? {
        0 => Err(DbError::NotFound),
        _ => Ok(()),
    }
}

fn make_room(conn: &mut Conn, user: UserId) -> DbResult<()> {
    let of_user = desks::table.filter(desks::user_id.eq(user.0));
    let count: i64 = of_user.count().get_result(conn)?;
    if count < DESKS_MAX {
        return Ok(());
    }
    let oldest: Option<i64> = desks::table
        .filter(desks::user_id.eq(user.0))
        .filter(desks::name.is_null())
        .order(desks::changed_at)
        .select(desks::id)
        .first(conn)
        .optional()?;
    let oldest = oldest.ok_or(DbError::Changed)?;
    diesel::delete(desks::table.find(oldest)).execute(conn)?;
    Ok(())
}
