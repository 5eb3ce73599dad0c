//! Drafts: products being uploaded, which nothing else sees. A draft becomes a product or is given
//! up, once; what is left of it is forgotten later. Its files are `uploads`', its place in the
//! order of products `place`'s.

use diesel::prelude::*;

use super::schema::{branches, drafts, product_files, products, uploads};
use super::{Conn, DbError, DbResult};
use crate::clock::Time;
use crate::ids::{BranchId, DraftId, ProductId};
use crate::model::{DraftState, PAGE_ROWS_MAX, ProductState, UploadState};

pub mod place;

/// Most drafts that one look of the sweep takes up; the rest waits for the next.
const SWEEP_MAX: i64 = 200;

/// A draft as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its id.
    pub id: DraftId,
    /// JSON of what was announced.
    pub record: String,
    /// Who uploads it.
    pub owner: String,
    /// Name of the project.
    pub project: String,
    /// Name of the branch.
    pub branch: String,
    /// What it is for.
    pub target: String,
    /// Version text.
    pub version: String,
    /// Position of the source change on its branch.
    pub seq_position: i64,
    /// Number of the build.
    pub build_number: i64,
    /// State.
    pub state: DraftState,
    /// The product that it became.
    pub product: Option<ProductId>,
    /// When it was made.
    pub created_at: Time,
    /// When it is given up.
    pub expires_at: Time,
}

/// A draft to make.
#[derive(Debug, Clone)]
pub struct NewDraft {
    /// JSON of what was announced.
    pub record: String,
    /// Who uploads it.
    pub owner: String,
    /// The key by which a request that is sent again finds it.
    pub key: Option<String>,
    /// Name of the project.
    pub project: String,
    /// Name of the branch.
    pub branch: String,
    /// What it is for.
    pub target: String,
    /// Version text.
    pub version: String,
    /// Revision of the first codebase; empty when nobody knows.
    pub revision: String,
    /// Position of the source change on its branch.
    pub seq_position: i64,
    /// Number of the build.
    pub build_number: i64,
    /// When it is given up.
    pub expires_at: Time,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = drafts)]
struct Row {
    id: i64,
    record: String,
    owner: String,
    project: String,
    branch: String,
    target: String,
    version: String,
    seq_position: i64,
    build_number: i64,
    state: String,
    product_id: Option<i64>,
    created_at: i64,
    expires_at: i64,
}

/// Adds a draft. Errors: [`DbError::Taken`] when the owner has used the key before.
pub fn insert(conn: &mut Conn, now: Time, new: &NewDraft) -> DbResult<DraftId> {
    let id: i64 = diesel::insert_into(drafts::table)
        .values((
            drafts::record.eq(&new.record),
            drafts::owner.eq(&new.owner),
            drafts::idempotency_key.eq(new.key.as_deref()),
            drafts::project.eq(&new.project),
            drafts::branch.eq(&new.branch),
            drafts::target.eq(&new.target),
            drafts::version.eq(&new.version),
            drafts::revision.eq(&new.revision),
            drafts::seq_position.eq(new.seq_position),
            drafts::build_number.eq(new.build_number),
            drafts::state.eq(DraftState::Open.as_str()),
            drafts::created_at.eq(now.0),
            drafts::expires_at.eq(new.expires_at.0),
        ))
        .returning(drafts::id)
        .get_result(conn)?;
    Ok(DraftId(id))
}

/// The draft of this id.
pub fn find(conn: &mut Conn, id: DraftId) -> DbResult<Draft> {
    let row: Row = drafts::table
        .find(id.0)
        .select(Row::as_select())
        .first(conn)?;
    Ok(draft(row))
}

/// The draft that the owner made with this key, unless it was given up.
pub fn by_key(conn: &mut Conn, owner: &str, key: &str) -> DbResult<Option<Draft>> {
    let row: Option<Row> = drafts::table
        .filter(drafts::owner.eq(owner))
        .filter(drafts::idempotency_key.eq(key))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(draft))
}

/// The open drafts, the newest first, of one owner where it is given; a page and one more.
pub fn open(conn: &mut Conn, owner: Option<&str>, before: Option<DraftId>) -> DbResult<Vec<Draft>> {
    let mut query = drafts::table
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .filter(drafts::id.lt(before.map_or(i64::MAX, |id| id.0)))
        .order(drafts::id.desc())
        .limit(PAGE_ROWS_MAX as i64 + 1)
        .select(Row::as_select())
        .into_boxed();
    if let Some(owner) = owner {
        query = query.filter(drafts::owner.eq(owner.to_owned()));
    }
    let rows: Vec<Row> = query.load(conn)?;
    Ok(rows.into_iter().map(draft).collect())
}

/// How many drafts are open.
pub fn open_total(conn: &mut Conn) -> DbResult<i64> {
    Ok(drafts::table
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .count()
        .get_result(conn)?)
}

/// Puts the end of an open draft off, since something came.
pub fn prolong(conn: &mut Conn, id: DraftId, expires_at: Time) -> DbResult<()> {
    diesel::update(drafts::table.find(id.0))
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .filter(drafts::expires_at.lt(expires_at.0))
        .set(drafts::expires_at.eq(expires_at.0))
        .execute(conn)?;
    Ok(())
}

/// Keeps others who commit to this branch waiting until the transaction ends, so that two who
/// bring the same product see each other.
pub fn lock_branch(conn: &mut Conn, id: BranchId) -> DbResult<()> {
    diesel::update(branches::table.find(id.0))
        .set(branches::name.eq(branches::name))
        .execute(conn)?;
    Ok(())
}

/// Notes what an open draft became. Its files are the product's now. Errors:
/// [`DbError::Changed`] when it is not open any more.
pub fn commit(conn: &mut Conn, id: DraftId, product: ProductId) -> DbResult<()> {
    end(conn, id, DraftState::Committed)?;
    diesel::update(drafts::table.find(id.0))
        .set(drafts::product_id.eq(product.0))
        .execute(conn)?;
    Ok(())
}

/// Gives an open draft up; what was stored of its files is nobody's. Its key may be used again.
/// Errors: [`DbError::Changed`] when it is not open any more.
pub fn abandon(conn: &mut Conn, now: Time, id: DraftId, why: &str) -> DbResult<()> {
    end(conn, id, DraftState::Abandoned)?;
    diesel::update(drafts::table.find(id.0))
        .set(drafts::idempotency_key.eq(None::<String>))
        .execute(conn)?;
    diesel::update(uploads::table.filter(uploads::draft_id.eq(id.0)))
        .filter(uploads::state.ne(UploadState::Refused.as_str()))
        .set((
            uploads::state.eq(UploadState::Refused.as_str()),
            uploads::state_text.eq(why),
            uploads::received.eq(0),
            uploads::hashes.eq(None::<String>),
            uploads::changed_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

fn end(conn: &mut Conn, id: DraftId, next: DraftState) -> DbResult<()> {
    let ended = diesel::update(drafts::table.find(id.0))
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .set(drafts::state.eq(next.as_str()))
        .execute(conn)?;
    if ended != 1 {
        return Err(DbError::Changed);
    }
    diesel::update(uploads::table.filter(uploads::draft_id.eq(id.0)))
        .set(uploads::blob_sha256.eq(None::<String>))
        .execute(conn)?;
    Ok(())
}

/// Open drafts whose time has run out, the oldest first.
pub fn expired(conn: &mut Conn, now: Time) -> DbResult<Vec<DraftId>> {
    let ids: Vec<i64> = drafts::table
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .filter(drafts::expires_at.le(now.0))
        .order(drafts::expires_at)
        .limit(SWEEP_MAX)
        .select(drafts::id)
        .load(conn)?;
    Ok(ids.into_iter().map(DraftId).collect())
}

/// Removes the rows of drafts that ended and would have expired before `before`; returns how many.
pub fn forget(conn: &mut Conn, before: Time) -> DbResult<usize> {
    let ids: Vec<i64> = drafts::table
        .filter(drafts::state.ne(DraftState::Open.as_str()))
        .filter(drafts::expires_at.lt(before.0))
        .limit(SWEEP_MAX)
        .select(drafts::id)
        .load(conn)?;
    diesel::delete(uploads::table.filter(uploads::draft_id.eq_any(ids.clone()))).execute(conn)?;
    Ok(diesel::delete(drafts::table.filter(drafts::id.eq_any(ids))).execute(conn)?)
}

/// A product of the same project, branch, target, version, revision and builder (and number, where
/// it was said) that is not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// Its id.
    pub id: ProductId,
    /// Its state.
    pub state: ProductState,
    /// Whether its files have the same names and contents.
    pub same_files: bool,
}

/// What two products of a branch have in common that are the same.
#[derive(Debug, Clone, Copy)]
pub struct Same<'a> {
    /// Target.
    pub target: &'a str,
    /// Version text.
    pub version: &'a str,
    /// Revision; empty when nobody knows.
    pub revision: &'a str,
    /// Name of the builder.
    pub builder: &'a str,
    /// Number of the build, where somebody said it.
    pub number: Option<i64>,
}

/// The product that is the same as `new` would be, one with the same files before others. `files`
/// are names and SHA-256.
pub fn twin(
    conn: &mut Conn,
    branch: BranchId,
    new: &Same<'_>,
    files: &[(String, String)],
) -> DbResult<Option<Twin>> {
    let mut query = products::table
        .filter(products::branch_id.eq(branch.0))
        .filter(products::target.eq(new.target))
        .filter(products::version.eq(new.version))
        .filter(products::revision.eq(new.revision))
        .filter(products::builder.eq(new.builder))
        .filter(products::state.ne(ProductState::Deleted.as_str()))
        .order(products::id.desc())
        .limit(SWEEP_MAX)
        .select((products::id, products::state))
        .into_boxed();
    if let Some(number) = new.number {
        query = query.filter(products::build_number.eq(number));
    }
    let known: Vec<(i64, String)> = query.load(conn)?;
    let mut wanted = files.to_vec();
    wanted.sort();
    let mut twins = Vec::new();
    for (id, state) in known {
        let mut files: Vec<(String, String)> = product_files::table
            .filter(product_files::product_id.eq(id))
            .select((product_files::name, product_files::blob_sha256))
            .load(conn)?;
        files.sort();
        twins.push(Twin {
            id: ProductId(id),
            state: state.parse().unwrap_or(ProductState::Recorded),
            same_files: files == wanted,
        });
    }
    twins.sort_by_key(|twin| !twin.same_files);
    Ok(twins.into_iter().next())
}

fn draft(row: Row) -> Draft {
    Draft {
        id: DraftId(row.id),
        record: row.record,
        owner: row.owner,
        project: row.project,
        branch: row.branch,
        target: row.target,
        version: row.version,
        seq_position: row.seq_position,
        build_number: row.build_number,
        state: row.state.parse().unwrap_or(DraftState::Abandoned),
        product: row.product_id.map(ProductId),
        created_at: Time(row.created_at),
        expires_at: Time(row.expires_at),
    }
}

#[cfg(test)]
pub(crate) mod tests;
