//! How much is stored: figures of each day, and the room that a quota leaves.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::clock::Time;
use crate::db::conn::per_engine;
use crate::db::schema::{blobs, products, projects, store_figures as figures};
use crate::db::{Conn, DbResult};
use crate::model::Point;

/// The row of the whole store.
pub const WHOLE: i64 = 0;
/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;
/// Days of figures that stay, and that a chart shows.
const DAYS_KEPT: i64 = 366;

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = BigInt)]
    project_id: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// Bytes of the whole store and of each project, as they are now, with the newest product that is
/// counted.
#[derive(Debug, Clone)]
pub struct Taken {
    rows: Vec<(i64, i64)>,
    newest: i64,
}

/// Counts. Reads every row, so call it now and then only.
pub fn count(conn: &mut Conn) -> DbResult<Taken> {
    let newest: Option<i64> = products::table
        .select(diesel::dsl::max(products::id))
        .first(conn)?;
    let newest = newest.unwrap_or(0);
    let text = format!(
        "SELECT CAST(0 AS BIGINT) AS project_id, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes \
         FROM blobs WHERE state <> 'gone' UNION ALL \
         SELECT project_id, CAST(SUM(size) AS BIGINT) AS bytes FROM products \
         WHERE state <> 'deleted' AND id <= {newest} GROUP BY project_id"
    );
    let rows: Vec<Sum> = diesel::sql_query(text).load(conn)?;
    Ok(Taken {
        rows: rows
            .into_iter()
            .map(|row| (row.project_id, row.bytes))
            .collect(),
        newest,
    })
}

/// Keeps the figures of today, and forgets those of more than a year ago.
pub fn keep(conn: &mut Conn, now: Time, taken: &Taken) -> DbResult<()> {
    let day = now.0.div_euclid(DAY_US);
    for (project, bytes) in &taken.rows {
        let row = (
            figures::day.eq(day),
            figures::project_id.eq(project),
            figures::bytes.eq(bytes),
            figures::newest_product_id.eq(taken.newest),
        );
        per_engine!(conn, inner => diesel::insert_into(figures::table)
            .values(row)
            .on_conflict((figures::day, figures::project_id))
            .do_update()
            .set((
                figures::bytes.eq(bytes),
                figures::newest_product_id.eq(taken.newest),
            ))
            .execute(inner))?;
    }
    diesel::delete(figures::table.filter(figures::day.lt(day - DAYS_KEPT))).execute(conn)?;
    Ok(())
}

/// The whole store day by day, the oldest first.
pub fn points(conn: &mut Conn) -> DbResult<Vec<Point>> {
    let rows: Vec<(i64, i64)> = figures::table
        .filter(figures::project_id.eq(WHOLE))
        .order(figures::day)
        .select((figures::day, figures::bytes))
        .load(conn)?;
    let point = |(day, bytes)| Point {
        at: Time(day * DAY_US),
        bytes,
    };
    Ok(rows.into_iter().map(point).collect())
}

/// Bytes of each project by name, as last counted, the largest first.
pub fn of_projects(conn: &mut Conn) -> DbResult<Vec<(String, i64)>> {
    let newest: Option<i64> = figures::table
        .select(diesel::dsl::max(figures::day))
        .first(conn)?;
    Ok(figures::table
        .inner_join(projects::table.on(projects::id.eq(figures::project_id)))
        .filter(figures::day.eq(newest.unwrap_or(0)))
        .order(figures::bytes.desc())
        .select((projects::name, figures::bytes))
        .load(conn)?)
}

/// Bytes of the whole store and of a project: as last counted, and what was recorded since.
pub fn used(conn: &mut Conn, project: &str) -> DbResult<(i64, i64)> {
    let project: Option<i64> = projects::table
        .filter(projects::name.eq(project))
        .select(projects::id)
        .first(conn)
        .optional()?;
    let whole = used_by(conn, WHOLE)?;
    let project = project.map(|id| used_by(conn, id)).transpose()?;
    Ok((whole, project.unwrap_or(0)))
}

fn used_by(conn: &mut Conn, project: i64) -> DbResult<i64> {
    let last: Option<(i64, i64)> = figures::table
        .filter(figures::project_id.eq(project))
        .order(figures::day.desc())
        .select((figures::bytes, figures::newest_product_id))
        .first(conn)
        .optional()?;
    let (counted, newest) = last.unwrap_or((0, 0));
    let sum = diesel::dsl::sql::<BigInt>("CAST(COALESCE(SUM(products.size), 0) AS BIGINT)");
    let since = products::table.filter(products::id.gt(newest)).select(sum);
    let since: i64 = match project {
        WHOLE => since.first(conn)?,
        id => since.filter(products::project_id.eq(id)).first(conn)?,
    };
    Ok(counted.saturating_add(since))
}

/// Stored files that are missing or wrong.
pub fn corrupt(conn: &mut Conn) -> DbResult<i64> {
    Ok(blobs::table
        .filter(blobs::state.eq("corrupt"))
        .count()
        .get_result(conn)?)
}

/// Bytes of products in the trash.
pub fn trash_bytes(conn: &mut Conn) -> DbResult<i64> {
    let sum = diesel::dsl::sql::<BigInt>("CAST(COALESCE(SUM(size), 0) AS BIGINT)");
    Ok(products::table
        .filter(products::state.eq("expired"))
        .select(sum)
        .first(conn)?)
}
