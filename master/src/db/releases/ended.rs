//! The release of a branch and target that was taken back last: its fallback is what is offered
//! where nothing else is. One question for those who offer, who begin the next release, and who
//! collect; the same is said twice, as a query and as a condition.

use diesel::prelude::*;

use crate::db::schema::releases;
use crate::db::{Conn, DbResult};
use crate::ids::{BranchId, ProductId, ReleaseId};
use crate::model::ReleaseState;

const ENDED: [ReleaseState; 2] = [ReleaseState::Withdrawn, ReleaseState::RolledBack];

/// That release, and what it falls back to. One that never began counts for nothing.
pub fn last_ended(
    conn: &mut Conn,
    branch: BranchId,
    target: &str,
) -> DbResult<Option<(ReleaseId, Option<ProductId>)>> {
    let [withdrawn, rolled_back] = ENDED.map(ReleaseState::as_str);
    let found: Option<(i64, Option<i64>)> = releases::table
        .filter(releases::branch_id.eq(branch.0))
        .filter(releases::target.eq(target))
        .filter(
            releases::state
                .eq(withdrawn)
                .or(releases::state.eq(rolled_back)),
        )
        .filter(releases::live_at.is_not_null())
        .order((releases::live_at.desc(), releases::id.desc()))
        .select((releases::id, releases::fallback_product_id))
        .first(conn)
        .optional()?;
    Ok(found.map(|(id, fallback)| (ReleaseId(id), fallback.map(ProductId))))
}

/// Whether the row `r` of `releases` is the one that [`last_ended`] finds.
pub(in crate::db) fn is_last_ended(r: &str) -> String {
    let [withdrawn, rolled_back] = ENDED.map(ReleaseState::as_str);
    let ended = |r: &str| format!("{r}.state IN ('{withdrawn}', '{rolled_back}')");
    format!(
        "({} AND {r}.live_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM releases later \
         WHERE later.branch_id = {r}.branch_id AND later.target = {r}.target AND {} \
         AND (later.live_at, later.id) > ({r}.live_at, {r}.id)))",
        ended(r),
        ended("later")
    )
}
