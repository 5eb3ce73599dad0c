//! The end of a release: taken back, rolled back, or given up before it began.

use diesel::prelude::*;

use super::{move_product, set_state};
use crate::clock::Time;
use crate::db::schema::releases;
use crate::db::{Conn, DbResult, products};
use crate::model::{ProductState, Release, ReleaseState};

/// Ends a release in the state `end`. Its product leaves `released` (or `candidate`, where the
/// release never began) unless another release of it is open.
///
/// Errors: [`crate::db::DbError::Changed`] where somebody was faster, or it has ended.
pub fn finish(
    conn: &mut Conn,
    now: Time,
    release: &Release,
    end: ReleaseState,
    reason: &str,
) -> DbResult<()> {
    set_state(conn, release, end, reason)?;
    diesel::update(releases::table.find(release.id.0))
        .set(releases::ended_at.eq(now.0))
        .execute(conn)?;
    if has_other_open(conn, release)? {
        return Ok(());
    }
    match products::standing(conn, release.product)?.state {
        ProductState::Candidate => move_product(conn, release.product, ProductState::Recorded, ""),
        ProductState::Released => {
            let text = format!("release {} is {end}", release.id);
            move_product(conn, release.product, ProductState::Superseded, &text)
        }
        _ => Ok(()),
    }
}

/// Whether another release of the same product is open.
pub fn has_other_open(conn: &mut Conn, release: &Release) -> DbResult<bool> {
    let others: Vec<String> = releases::table
        .filter(releases::product_id.eq(release.product.0))
        .filter(releases::id.ne(release.id.0))
        .select(releases::state)
        .load(conn)?;
    let is_open = |text: &String| {
        text.parse::<ReleaseState>()
            .is_ok_and(ReleaseState::is_open)
    };
    Ok(others.iter().any(is_open))
}
