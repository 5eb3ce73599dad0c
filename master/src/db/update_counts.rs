//! How often which answer was given: per day and version, without anything that tells who asked.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::update_counts;
use super::{Conn, DbResult};
use crate::ids::BranchId;
use crate::model::UpdateCount;

/// Rows of one page's chart: the most asked come first.
const ROWS_MAX: i64 = 5_000;

/// Adds to the count of one day, making its row where there is none.
pub fn add(conn: &mut Conn, branch: BranchId, count: &UpdateCount) -> DbResult<()> {
    let values = (
        update_counts::day.eq(count.day),
        update_counts::branch_id.eq(branch.0),
        update_counts::target.eq(&count.target),
        update_counts::format.eq(&count.format),
        update_counts::from_version.eq(&count.from_version),
        update_counts::outcome.eq(&count.outcome),
        update_counts::asked.eq(0),
    );
    per_engine!(conn, inner => diesel::insert_into(update_counts::table)
        .values(values)
        .on_conflict_do_nothing()
        .execute(inner))?;
    let row = update_counts::table.find((
        count.day,
        branch.0,
        &count.target,
        &count.format,
        &count.from_version,
        &count.outcome,
    ));
    diesel::update(row)
        .set(update_counts::asked.eq(update_counts::asked + count.asked))
        .execute(conn)?;
    Ok(())
}

/// Different versions that were counted for a branch on a day.
pub fn versions(conn: &mut Conn, branch: BranchId, day: i64) -> DbResult<Vec<String>> {
    Ok(update_counts::table
        .filter(update_counts::branch_id.eq(branch.0))
        .filter(update_counts::day.eq(day))
        .select(update_counts::from_version)
        .distinct()
        .limit(ROWS_MAX)
        .load(conn)?)
}

/// The counts of a branch from `day` on, the newest day first.
pub fn of_branch(conn: &mut Conn, branch: BranchId, day: i64) -> DbResult<Vec<UpdateCount>> {
    type Row = (i64, String, String, String, String, i64);
    let rows: Vec<Row> = update_counts::table
        .filter(update_counts::branch_id.eq(branch.0))
        .filter(update_counts::day.ge(day))
        .order((update_counts::day.desc(), update_counts::asked.desc()))
        .limit(ROWS_MAX)
        .select((
            update_counts::day,
            update_counts::target,
            update_counts::format,
            update_counts::from_version,
            update_counts::outcome,
            update_counts::asked,
        ))
        .load(conn)?;
    let count = |(day, target, format, from_version, outcome, asked): Row| UpdateCount {
        day,
        target,
        format,
        from_version,
        outcome,
        asked,
    };
    Ok(rows.into_iter().map(count).collect())
}
