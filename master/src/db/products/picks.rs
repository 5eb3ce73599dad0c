//! Products that people name by what they are rather than by a number: the newest, the last good
//! one, the one with a label. Behind stable links; what an application is offered is `feed`'s.

use diesel::prelude::*;

use crate::clock::Time;
use crate::db::schema::{branches, labels, products, projects, releases};
use crate::db::{Conn, DbResult};
use crate::ids::{BranchId, ProductId};
use crate::model::{ProductState, ReleaseState, Verdict};

/// Which product of a branch and target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// The newest that may be had.
    Latest,
    /// The one labelled `last-good`, else the newest with the verdict good.
    LastGood,
    /// The newest with a live hold.
    LastKept,
    /// That of the live release, else the newest that was released.
    LastReleased,
    /// The one with this label.
    Label(String),
    /// The newest of the build with this number.
    Build(i64),
}

/// The label by which people move `last-good` by hand.
const LAST_GOOD: &str = "last-good";

/// A branch by its feed token: its id, its name and its project's title.
pub fn branch(conn: &mut Conn, project: &str, token: &str) -> DbResult<(BranchId, String)> {
    let (id, name): (i64, String) = branches::table
        .inner_join(projects::table)
        .filter(branches::feed_token.eq(token))
        .filter(projects::name.eq(project))
        .select((branches::id, branches::name))
        .first(conn)?;
    Ok((BranchId(id), name))
}

/// Products whose files may be had, of a branch and target, newest first.
macro_rules! served {
    ($branch:expr, $target:expr) => {
        products::table
            .filter(products::branch_id.eq($branch.0))
            .filter(products::target.eq($target))
            .filter(products::state.ne(ProductState::Withdrawn.as_str()))
            .filter(products::state.ne(ProductState::Expired.as_str()))
            .filter(products::state.ne(ProductState::Deleted.as_str()))
            .order((
                products::seq_position.desc(),
                products::seq_build.desc(),
                products::id.desc(),
            ))
            .select(products::id)
    };
}

/// The product that is meant; `None` where there is none.
pub fn pick(
    conn: &mut Conn,
    now: Time,
    branch: BranchId,
    target: &str,
    pick: &Pick,
) -> DbResult<Option<ProductId>> {
    let found: Option<i64> = match pick {
        Pick::Latest => served!(branch, target).first(conn).optional()?,
        Pick::LastGood => match labelled(conn, branch, target, LAST_GOOD)? {
            Some(id) => Some(id),
            None => served!(branch, target)
                .filter(products::verdict.eq(Verdict::Good.as_str()))
                .first(conn)
                .optional()?,
        },
        Pick::LastKept => served!(branch, target)
            .filter(products::held_until.gt(now.0))
            .first(conn)
            .optional()?,
        Pick::LastReleased => match released(conn, branch, target)? {
            Some(id) => Some(id),
            None => served!(branch, target)
                .filter(products::state.eq(ProductState::Released.as_str()))
                .first(conn)
                .optional()?,
        },
        Pick::Label(label) => labelled(conn, branch, target, label)?,
        Pick::Build(number) => served!(branch, target)
            .filter(products::build_number.eq(number))
            .first(conn)
            .optional()?,
    };
    Ok(found.map(ProductId))
}

/// The newest products of a branch whose files may be had, of one target or of all.
pub fn newest(
    conn: &mut Conn,
    branch: BranchId,
    target: Option<&str>,
    limit: i64,
) -> DbResult<Vec<ProductId>> {
    let ids: Vec<i64> = match target {
        Some(target) => served!(branch, target).limit(limit).load(conn)?,
        None => products::table
            .filter(products::branch_id.eq(branch.0))
            .filter(products::state.ne(ProductState::Withdrawn.as_str()))
            .filter(products::state.ne(ProductState::Expired.as_str()))
            .filter(products::state.ne(ProductState::Deleted.as_str()))
            .order(products::id.desc())
            .limit(limit)
            .select(products::id)
            .load(conn)?,
    };
    Ok(ids.into_iter().map(ProductId).collect())
}

fn labelled(conn: &mut Conn, branch: BranchId, target: &str, label: &str) -> DbResult<Option<i64>> {
    let found = labels::table
        .filter(labels::branch_id.eq(branch.0))
        .filter(labels::target.eq(target))
        .filter(labels::label.eq(label))
        .select(labels::product_id)
        .first(conn)
        .optional()?;
    Ok(found)
}

fn released(conn: &mut Conn, branch: BranchId, target: &str) -> DbResult<Option<i64>> {
    let found = releases::table
        .filter(releases::branch_id.eq(branch.0))
        .filter(releases::target.eq(target))
        .filter(releases::state.eq(ReleaseState::Live.as_str()))
        .order(releases::id.desc())
        .select(releases::product_id)
        .first(conn)
        .optional()?;
    Ok(found)
}
