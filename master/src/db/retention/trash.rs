//! The trash of products: what is in it, back out of it, and the end.

use diesel::prelude::*;

use super::apply::announce;
use super::roots;
use crate::clock::Time;
use crate::db::schema::{blobs, branches, product_files as files, products, projects};
use crate::db::{Conn, DbError, DbResult};
use crate::ids::ProductId;
use crate::model::{PAGE_ROWS_MAX, ProductState, Trashed};
use crate::retention::Terms;

/// A product whose time in the trash may be over.
#[derive(Debug, Clone)]
pub struct Due {
    /// The product.
    pub product: ProductId,
    /// Its row version.
    pub row_version: i64,
    /// When it was collected.
    pub expired_at: Time,
    /// Name of its project.
    pub project: String,
    /// Name of its branch.
    pub branch: String,
}

/// Products in the trash before `before`, the newest product first, a page and one more.
pub fn list(conn: &mut Conn, before: Option<ProductId>) -> DbResult<Vec<Trashed>> {
    type Row = (
        i64,
        String,
        String,
        String,
        String,
        i64,
        String,
        i64,
        Option<i64>,
    );
    let rows: Vec<Row> = products::table
        .inner_join(projects::table)
        .inner_join(branches::table.on(branches::id.eq(products::branch_id)))
        .filter(products::state.eq("expired"))
        .filter(products::id.lt(before.map_or(i64::MAX, |id| id.0)))
        .order(products::id.desc())
        .limit(PAGE_ROWS_MAX as i64 + 1)
        .select((
            products::id,
            projects::name,
            branches::name,
            products::target,
            products::version,
            products::size,
            products::state_reason,
            products::row_version,
            products::expired_at,
        ))
        .load(conn)?;
    let trashed = |row: Row| Trashed {
        product: ProductId(row.0),
        project: row.1,
        branch: row.2,
        target: row.3,
        version: row.4,
        bytes: row.5,
        reason: row.6,
        row_version: row.7,
        expired_at: Time(row.8.unwrap_or(0)),
    };
    Ok(rows.into_iter().map(trashed).collect())
}

/// Products that came into the trash before `before`, in that order after `after`, some hundred.
pub fn due(conn: &mut Conn, before: Time, after: (i64, i64)) -> DbResult<Vec<Due>> {
    /// A page of them: a few milliseconds to read.
    const DUE_MAX: i64 = 500;
    type Row = (i64, i64, Option<i64>, String, String);
    let later = products::expired_at
        .gt(after.0)
        .or(products::expired_at
            .eq(after.0)
            .and(products::id.gt(after.1)))
        .assume_not_null();
    let rows: Vec<Row> = products::table
        .inner_join(projects::table)
        .inner_join(branches::table.on(branches::id.eq(products::branch_id)))
        .filter(products::state.eq("expired"))
        .filter(products::expired_at.le(before.0))
        .filter(later)
        .order((products::expired_at, products::id))
        .limit(DUE_MAX)
        .select((
            products::id,
            products::row_version,
            products::expired_at,
            projects::name,
            branches::name,
        ))
        .load(conn)?;
    let due = |(id, row_version, at, project, branch): Row| Due {
        product: ProductId(id),
        row_version,
        expired_at: Time(at.unwrap_or(0)),
        project,
        branch,
    };
    Ok(rows.into_iter().map(due).collect())
}

/// Takes a product out of the trash: it is again what it was.
///
/// Errors: [`DbError::NotFound`]; [`DbError::Changed`] when it is not in the trash with this row
/// version, or a file of it is not in the store any more.
pub fn restore(
    conn: &mut Conn,
    now: Time,
    id: ProductId,
    row_version: i64,
    reason: &str,
) -> DbResult<i64> {
    let from: Option<String> = products::table
        .find(id.0)
        .select(products::expired_from)
        .first(conn)?;
    let missing: i64 = files::table
        .inner_join(blobs::table)
        .filter(files::product_id.eq(id.0))
        .filter(files::gone_at.is_null())
        .filter(blobs::state.ne("live"))
        .count()
        .get_result(conn)?;
    let state = from.and_then(|from| from.parse().ok());
    let state = state.unwrap_or(ProductState::Recorded);
    if missing > 0 || !ProductState::Expired.may_become(state) {
        return Err(DbError::Changed);
    }
    let restored = diesel::update(products::table.find(id.0))
        .filter(products::row_version.eq(row_version))
        .filter(products::state.eq("expired"))
        .set((
            products::state.eq(state.as_str()),
            products::state_reason.eq(reason),
            // From now on: when it came back.
            products::expired_at.eq(now.0),
            products::expired_from.eq(None::<String>),
            products::row_version.eq(products::row_version + 1),
        ))
        .execute(conn)?;
    match restored {
        1 => announce(conn, now, "product.restored", id, None, reason),
        _ => Err(DbError::Changed),
    }
}

/// Ends a product in the trash: its row stays as a tombstone, its files may go; those of roles that
/// stay longer stay. Returns the event's number, or none when it must stay in the trash.
pub fn delete(
    conn: &mut Conn,
    now: Time,
    due: &Due,
    terms: Option<&Terms>,
) -> DbResult<Option<i64>> {
    let referred = roots::is_referred_to(now);
    let text = format!(
        "UPDATE products AS p SET state = 'deleted', deleted_at = {}, \
         row_version = row_version + 1 WHERE p.id = {} AND p.row_version = {} \
         AND p.state = 'expired' AND NOT {referred}",
        now.0, due.product, due.row_version
    );
    if diesel::sql_query(text).execute(conn)? == 0 {
        return Ok(None);
    }
    let recorded: i64 = products::table
        .find(due.product.0)
        .select(products::recorded_at)
        .first(conn)?;
    for (role, stays) in terms.iter().flat_map(|terms| &terms.roles) {
        let end = Time(recorded).after(*stays);
        if end > now {
            diesel::update(files::table)
                .filter(files::product_id.eq(due.product.0))
                .filter(files::role.eq(role))
                .filter(files::gone_at.is_null())
                .set(files::gone_at.eq(end.0))
                .execute(conn)?;
        }
    }
    crate::failpoints::reach("expire.deleted");
    announce(conn, now, "product.deleted", due.product, None, "").map(Some)
}

/// Lets go of files of a role that stay shorter than their product, where nothing protects the
/// product; a piece after the file `after`. Returns the last file looked at, and how many went.
pub fn drop_files(
    conn: &mut Conn,
    now: Time,
    (role, stays): (&str, std::time::Duration),
    after: i64,
    policies: &crate::retention::Policies,
) -> DbResult<(Option<i64>, i64)> {
    /// Rows looked at in one transaction.
    const LOOKED_MAX: i64 = 200;
    let old: Vec<(i64, i64, i64)> = files::table
        .inner_join(products::table)
        .filter(files::id.gt(after))
        .filter(files::role.eq(role))
        .filter(files::gone_at.is_null())
        .filter(products::recorded_at.le(now.before(stays).0))
        .filter(products::state.ne_all(["expired", "deleted"]))
        .order(files::id)
        .limit(LOOKED_MAX)
        .select((files::id, files::product_id, products::branch_id))
        .load(conn)?;
    let mut gone = 0;
    for (file, product, branch) in &old {
        let branch = super::scan::branch(conn, *branch)?;
        let terms = policies.terms(&branch.project, &branch.name);
        let asked = terms.as_ref().and_then(|terms| terms.roles.get(role));
        if asked != Some(&stays) {
            continue;
        }
        let living = branch.is_living(terms.as_ref(), now);
        let root = roots::is_root(now, terms.as_ref(), living);
        let text = format!(
            "UPDATE product_files SET gone_at = {} WHERE id = {file} AND gone_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM products p WHERE p.id = {product} AND {root})",
            now.0
        );
        gone += diesel::sql_query(text).execute(conn)? as i64;
    }
    Ok((old.last().map(|row| row.0), gone))
}
