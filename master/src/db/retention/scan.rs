//! Products as the decision needs them, in pages by branch and target, the newest first.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::roots;
use crate::clock::Time;
use crate::db::schema::{branches, projects};
use crate::db::{Conn, DbError, DbResult};
use crate::ids::ProductId;
use crate::model::ProductState;
use crate::retention::{Branch, Facts, Reasons};

/// Products read at a time: a few megabytes, and few enough readings.
pub const PAGE_MAX: i64 = 5_000;
/// Products with damaged files that a plan knows by heart; with more the store is to be repaired
/// before anything is collected.
const DAMAGED_MAX: i64 = 100_000;

/// A product with its place.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Id of its branch.
    pub branch: i64,
    /// Its target.
    pub target: String,
    /// Row version the decision is made on.
    pub row_version: i64,
    /// Bytes.
    pub size: i64,
    /// Project, for quotas.
    pub project: i64,
    /// The rest.
    pub facts: Facts,
    key: (i64, i64),
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    project_id: i64,
    #[diesel(sql_type = BigInt)]
    branch_id: i64,
    #[diesel(sql_type = Text)]
    target: String,
    #[diesel(sql_type = BigInt)]
    seq_position: i64,
    #[diesel(sql_type = BigInt)]
    seq_build: i64,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    row_version: i64,
    #[diesel(sql_type = BigInt)]
    size: i64,
    #[diesel(sql_type = BigInt)]
    files_total: i64,
    #[diesel(sql_type = BigInt)]
    recorded_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    expired_at: Option<i64>,
    #[diesel(sql_type = Text)]
    verdict: String,
    #[diesel(sql_type = Text)]
    needs: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    bad_since: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    unheld_at: Option<i64>,
    #[diesel(sql_type = BigInt)]
    refs: i64,
}

/// The products after `after` in the order of the walk: branch, target and place descending. With
/// `only` that product alone.
pub fn page(
    conn: &mut Conn,
    now: Time,
    after: Option<&Seen>,
    only: Option<ProductId>,
) -> DbResult<Vec<Seen>> {
    let from = match (only, after) {
        (Some(id), _) => format!("p.id = {id}"),
        (None, None) => "1 = 1".to_owned(),
        (None, Some(seen)) => format!(
            "(p.branch_id, p.target, p.seq_position, p.seq_build, p.id) < ({}, '{}', {}, {}, {})",
            seen.branch,
            seen.target.replace('\'', "''"),
            seen.key.0,
            seen.key.1,
            seen.facts.id
        ),
    };
    select(conn, now, &from, PAGE_MAX)
}

/// The products of the branch and target of `id` from the newest on, at most `limit`: as far as
/// `id` where it is among them.
pub fn group_of(conn: &mut Conn, now: Time, id: ProductId, limit: i64) -> DbResult<Vec<Seen>> {
    let from = format!(
        "EXISTS (SELECT 1 FROM products o WHERE o.id = {id} AND o.branch_id = p.branch_id \
         AND o.target = p.target AND (p.seq_position, p.seq_build, p.id) >= \
         (o.seq_position, o.seq_build, o.id))"
    );
    select(conn, now, &from, limit)
}

fn select(conn: &mut Conn, now: Time, from: &str, limit: i64) -> DbResult<Vec<Seen>> {
    let (references, bad_since) = (roots::references(now), roots::bad_since("p"));
    let needs = roots::needs("p");
    let text = format!(
        "SELECT p.id, p.project_id, p.branch_id, p.target, p.seq_position, p.seq_build, p.state, \
         p.row_version, p.size, p.files_total, p.recorded_at, p.expired_at, p.verdict, {needs} AS needs, \
         CASE WHEN p.verdict = 'bad' THEN {bad_since} END AS bad_since, \
         (SELECT MAX(COALESCE(h.lifted_at, h.until_at)) FROM holds h WHERE h.product_id = p.id) \
         AS unheld_at, {references} AS refs FROM products p \
         WHERE {from} AND p.state NOT IN ('expired', 'deleted') \
         ORDER BY p.branch_id DESC, p.target DESC, p.seq_position DESC, p.seq_build DESC, \
         p.id DESC LIMIT {limit}"
    );
    let rows: Vec<Row> = diesel::sql_query(text).load(conn)?;
    Ok(rows.into_iter().map(seen).collect())
}

fn seen(row: Row) -> Seen {
    Seen {
        branch: row.branch_id,
        target: row.target,
        row_version: row.row_version,
        size: row.size,
        project: row.project_id,
        key: (row.seq_position, row.seq_build),
        facts: Facts {
            id: ProductId(row.id),
            // A word that is not known keeps its product: `released` never goes.
            state: row.state.parse().unwrap_or(ProductState::Released),
            recorded_at: Time(row.recorded_at),
            restored_at: row.expired_at.map(Time),
            is_good: row.verdict == "good",
            bad_since: row.bad_since.map(Time),
            unheld_at: row.unheld_at.map(Time),
            is_complete: row.files_total > 0,
            needs: row.needs,
            has_block_map: false,
            references: Reasons(row.refs),
        },
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Products that have a file which is not in the store as it should be, ascending.
///
/// Errors: [`DbError::Open`] when there are so many that the store is to be repaired first.
pub fn damaged(conn: &mut Conn) -> DbResult<Vec<i64>> {
    let text = format!(
        "SELECT DISTINCT f.product_id AS id FROM blobs b \
         JOIN product_files f ON f.blob_sha256 = b.sha256 \
         JOIN products p ON p.id = f.product_id \
         WHERE b.state IN ('corrupt', 'condemned', 'gone') AND f.gone_at IS NULL \
         AND p.state NOT IN ('expired', 'deleted') ORDER BY 1 LIMIT {DAMAGED_MAX}"
    );
    let rows: Vec<Id> = diesel::sql_query(text).load(conn)?;
    if rows.len() as i64 == DAMAGED_MAX {
        let text = "so many stored files are damaged that nothing is collected: repair the store";
        return Err(DbError::Open(text.to_owned()));
    }
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Whether a product has a map of blocks.
pub fn has_block_map(conn: &mut Conn, id: ProductId) -> DbResult<bool> {
    use crate::db::schema::product_files as files;
    let found: i64 = files::table
        .filter(files::product_id.eq(id.0))
        .filter(files::role.eq("blockmap"))
        .count()
        .get_result(conn)?;
    Ok(found > 0)
}

/// The branch of this id. One that another branch follows answers for that one's applications, so
/// it counts as not deleted.
pub fn branch(conn: &mut Conn, id: i64) -> DbResult<Branch> {
    let (project, name, state, deleted_at): (String, String, String, Option<i64>) = branches::table
        .inner_join(projects::table)
        .filter(branches::id.eq(id))
        .select((
            projects::name,
            branches::name,
            branches::state,
            branches::deleted_at,
        ))
        .first(conn)?;
    let is_gone = state == "deleted" && !is_followed(conn, id)?;
    Ok(Branch {
        project,
        name,
        deleted_at: deleted_at.filter(|_| is_gone).map(Time),
    })
}

fn is_followed(conn: &mut Conn, id: i64) -> DbResult<bool> {
    let follower: Option<i64> = branches::table
        .filter(branches::follows_branch_id.eq(id))
        .select(branches::id)
        .first(conn)
        .optional()?;
    Ok(follower.is_some())
}
