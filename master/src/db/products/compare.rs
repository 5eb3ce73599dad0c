//! What lies between products: the one before, the changes from one revision to another, and those
//! of the same revision for other targets.

use diesel::prelude::*;

use super::view;
use crate::clock::Time;
use crate::db::schema::{changes, products, repositories};
use crate::db::views::changes::find_all;
use crate::db::{Conn, DbResult};
use crate::ids::{ChangeId, ProductId};
use crate::model::{ChangeSummary, Product, ProductState, Since};

/// Products of one revision that are looked at: a dozen targets, built again a few times.
const SIBLINGS_MAX: i64 = 200;

/// Changes of a codebase, and how many there are.
#[derive(Debug, Default)]
pub struct Changes {
    /// The newest.
    pub newest: Vec<ChangeSummary>,
    /// All of them.
    pub total: i64,
}

/// What came into `product` since the one before it on its branch and target, with at most
/// `rows_max` changes of its first codebase.
pub fn since_previous(conn: &mut Conn, product: &Product, rows_max: i64) -> DbResult<Since> {
    let (branch, project): (i64, i64) = products::table
        .find(product.id.0)
        .select((products::branch_id, products::project_id))
        .first(conn)?;
    let before: Option<(i64, String, i64)> = products::table
        .filter(products::project_id.eq(project))
        .filter(products::branch_id.eq(branch))
        .filter(products::target.eq(&product.target))
        .filter(
            products::seq_position
                .lt(product.seq_position)
                .or(products::seq_position
                    .eq(product.seq_position)
                    .and(products::seq_build.lt(product.seq_build))),
        )
        .order((
            products::seq_position.desc(),
            products::seq_build.desc(),
            products::id.desc(),
        ))
        .select((products::id, products::version, products::seq_position))
        .first(conn)
        .optional()?;
    let Some((id, version, position)) = before else {
        return Ok(Since::default());
    };
    let first = view::revisions(conn, product.id)?.into_iter();
    let first = first
        .filter(|one| one.revision == product.revision)
        .find(|one| !one.repository.is_empty());
    let found = match first {
        Some(one) => {
            let range = (position, product.seq_position);
            between(conn, &one.repository, &one.branch, range, rows_max)?
        }
        None => Changes::default(),
    };
    Ok(Since {
        product: Some(ProductId(id)),
        version,
        changes: found.newest,
        changes_total: found.total,
    })
}

/// The changes of a branch after the position `after` up to `until`, the newest `rows_max` of them.
pub fn between(
    conn: &mut Conn,
    repository: &str,
    branch: &str,
    (after, until): (i64, i64),
    rows_max: i64,
) -> DbResult<Changes> {
    let id: Option<i64> = repositories::table
        .filter(repositories::name.eq(repository))
        .select(repositories::id)
        .first(conn)
        .optional()?;
    let Some(id) = id else {
        return Ok(Changes::default());
    };
    let inside = || {
        changes::table
            .filter(changes::repository_id.eq(id))
            .filter(changes::branch.eq(branch))
            .filter(changes::position.gt(after))
            .filter(changes::position.le(until))
    };
    let total: i64 = inside().count().get_result(conn)?;
    let ids: Vec<i64> = inside()
        .order(changes::position.desc())
        .limit(rows_max)
        .select(changes::id)
        .load(conn)?;
    let ids: Vec<ChangeId> = ids.into_iter().map(ChangeId).collect();
    let newest = find_all(conn, &ids)?;
    Ok(Changes { newest, total })
}

/// The place of a revision on a branch of a repository, where it was recorded.
pub fn position(
    conn: &mut Conn,
    repository: &str,
    branch: &str,
    revision: &str,
) -> DbResult<Option<i64>> {
    Ok(changes::table
        .inner_join(repositories::table)
        .filter(repositories::name.eq(repository))
        .filter(changes::branch.eq(branch))
        .filter(changes::revision.eq(revision))
        .select(changes::position)
        .first(conn)
        .optional()?)
}

/// The products of the same branch and revision for other targets that are not collected: of each
/// target the latest.
pub fn siblings(conn: &mut Conn, now: Time, product: &Product) -> DbResult<Vec<Product>> {
    let branch: i64 = products::table
        .find(product.id.0)
        .select(products::branch_id)
        .first(conn)?;
    let gone = [ProductState::Expired, ProductState::Deleted].map(ProductState::as_str);
    let rows: Vec<(i64, String)> = products::table
        .filter(products::revision.eq(&product.revision))
        .filter(products::branch_id.eq(branch))
        .filter(products::target.ne(&product.target))
        .filter(products::state.ne(gone[0]))
        .filter(products::state.ne(gone[1]))
        .order((products::target, products::seq_build.desc()))
        .limit(SIBLINGS_MAX)
        .select((products::id, products::target))
        .load(conn)?;
    let mut latest: Vec<(i64, String)> = rows;
    latest.dedup_by(|later, first| later.1 == first.1);
    let ids: Vec<ProductId> = latest.into_iter().map(|(id, _)| ProductId(id)).collect();
    view::find_all(conn, now, &ids)
}
