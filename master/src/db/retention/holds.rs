//! Holds that run out soon, so that their owners can be told.

use diesel::prelude::*;

use crate::clock::Time;
use crate::db::schema::{branches, holds, products, projects, users};
use crate::db::{Conn, DbResult};
use crate::ids::{HoldId, ProductId};

/// Holds told of in one transaction.
const ENDING_MAX: i64 = 200;

/// A hold that runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The hold.
    pub hold: HoldId,
    /// Its product.
    pub product: ProductId,
    /// Project, branch, target and version of the product.
    pub what: String,
    /// Why it was kept.
    pub reason: String,
    /// When the hold ends.
    pub until: Time,
    /// The owner's mail address; none where there is none.
    pub owner: Option<String>,
}

/// Holds that end between `now` and `until` and whose owners were not told, by owner.
pub fn ending(conn: &mut Conn, now: Time, until: Time) -> DbResult<Vec<Ending>> {
    type Row = (
        (i64, i64, String, Option<i64>, Option<String>),
        (String, String, String, String),
    );
    let rows: Vec<Row> = holds::table
        .inner_join(users::table.on(users::id.eq(holds::owner_id)))
        .inner_join(products::table)
        .inner_join(projects::table.on(projects::id.eq(products::project_id)))
        .inner_join(branches::table.on(branches::id.eq(products::branch_id)))
        .filter(holds::lifted_at.is_null())
        .filter(holds::owner_told_at.is_null())
        .filter(holds::until_at.gt(now.0))
        .filter(holds::until_at.le(until.0))
        .order((holds::owner_id, holds::id))
        .limit(ENDING_MAX)
        .select((
            (
                holds::id,
                holds::product_id,
                holds::reason,
                holds::until_at,
                users::email,
            ),
            (
                projects::name,
                branches::name,
                products::target,
                products::version,
            ),
        ))
        .load(conn)?;
    let ending = |((id, product, reason, until, owner), what): Row| Ending {
        hold: HoldId(id),
        product: ProductId(product),
        what: format!("{} {} {} {}", what.0, what.1, what.2, what.3),
        reason,
        until: Time(until.unwrap_or(0)),
        owner,
    };
    Ok(rows.into_iter().map(ending).collect())
}

/// Notes that the owner was told; says whether nobody had been faster.
pub fn mark_told(conn: &mut Conn, now: Time, hold: HoldId) -> DbResult<bool> {
    let marked = diesel::update(holds::table.find(hold.0))
        .filter(holds::owner_told_at.is_null())
        .set(holds::owner_told_at.eq(now.0))
        .execute(conn)?;
    Ok(marked == 1)
}
