//! Recorded products: writing one with everything that belongs to it, and guarding its row.
//! Reading for pages and REST is in `view`, for update feeds in `feed`, for file addresses in
//! `files`.

use diesel::prelude::*;

use super::schema::{
    builds, product_files, product_properties, product_revisions, products as rows,
};
use super::{Conn, DbError, DbResult, blobs, branches, events, projects, signatures};
use crate::clock::Time;
use crate::ids::{BranchId, BuilderId, ProductFileId, ProductId, ProjectId};
pub use crate::model::{NewProduct, NewProductFile};
use crate::model::{ProductProperty, ProductRevision, ProductState, Verdict};
use crate::updates::{compare_by, link_path, own_link_path};

mod choices;
pub mod compare;
pub mod feed;
pub mod files;
pub mod find;
pub mod links;
pub mod list;
pub mod names;
pub mod offer;
pub mod picks;
pub mod view;
pub(in crate::db) mod walk;

/// Records a product whose files are complete and on disk, with the event `product.recorded`.
///
/// The branch is made when it is new. A build that records the same files for the same target and
/// version again (its step was done again after a restart) gets the product it has. Errors:
/// [`DbError::NotFound`] when there is no such project.
pub fn record(conn: &mut Conn, now: Time, new: &NewProduct) -> DbResult<ProductId> {
    if let Some(known) = same(conn, new)? {
        return Ok(known);
    }
    let project = projects::id_by_name(conn, &new.project)?;
    let branch = branches::ensure(conn, now, project, &new.branch)?;
    let went_backwards = follows_higher(conn, project, branch, new)?;
    let id = insert_row(conn, now, (project, branch), new, went_backwards)?;
    for file in &new.files {
        insert_file(conn, now, id, new, file)?;
    }
    for revision in &new.revisions {
        insert_revision(conn, id, revision)?;
    }
    for property in &new.properties {
        insert_property(conn, id, property)?;
    }
    let event = events::NewEvent {
        kind: "product.recorded",
        builder: builder_of(conn, new)?,
        build: new.build,
        product: Some(id),
        agent: None,
        detail: serde_json::json!({
            "project": new.project,
            "branch": new.branch,
            "target": new.target,
            "version": new.version,
            "went_backwards": went_backwards,
        })
        .to_string(),
    };
    events::append(conn, now, &event)?;
    Ok(id)
}

/// Raises the row version, so that whoever read the row before and wants to collect it finds it
/// changed; a guarded write of theirs and this one serialise on the row.
///
/// Errors: [`DbError::NotFound`] when there is no such product, [`DbError::Changed`] when it has
/// left the states in which it can be kept.
pub fn touch(conn: &mut Conn, id: ProductId) -> DbResult<()> {
    let gone = [ProductState::Expired, ProductState::Deleted].map(ProductState::as_str);
    let touched = diesel::update(rows::table.find(id.0))
        .filter(rows::state.ne(gone[0]))
        .filter(rows::state.ne(gone[1]))
        .set(rows::row_version.eq(rows::row_version + 1))
        .execute(conn)?;
    if touched == 1 {
        return Ok(());
    }
    rows::table
        .find(id.0)
        .select(rows::id)
        .first::<i64>(conn)
        .map_err(DbError::from)
        .and(Err(DbError::Changed))
}

/// The row version of a product.
pub fn row_version(conn: &mut Conn, id: ProductId) -> DbResult<i64> {
    Ok(rows::table
        .find(id.0)
        .select(rows::row_version)
        .first(conn)?)
}

/// Moves a product to another state if it still has the row version that the decision was made
/// on, and returns the new row version. Errors: [`DbError::Changed`] otherwise, or where the
/// transition table does not allow it.
pub fn set_state(
    conn: &mut Conn,
    id: ProductId,
    row_version: i64,
    next: ProductState,
    reason: &str,
) -> DbResult<i64> {
    let state: String = rows::table.find(id.0).select(rows::state).first(conn)?;
    let may = state
        .parse::<ProductState>()
        .is_ok_and(|state| state.may_become(next));
    if !may {
        return Err(DbError::Changed);
    }
    diesel::update(rows::table.find(id.0))
        .filter(rows::row_version.eq(row_version))
        .filter(rows::state.eq(state))
        .set((
            rows::state.eq(next.as_str()),
            rows::state_reason.eq(reason),
            rows::row_version.eq(rows::row_version + 1),
        ))
        .returning(rows::row_version)
        .get_result(conn)
        .optional()?
        .ok_or(DbError::Changed)
}

/// The product of this version (version text, or semantic version for update clients) of a branch
/// and target, the newest in the order; whatever its state, since applications have it. `None`
/// where there is none: a delta cannot start from it.
pub fn of_version(
    conn: &mut Conn,
    (project, branch, target): (&str, &str, &str),
    version: &str,
) -> DbResult<Option<ProductId>> {
    use super::schema::{branches as branch_rows, projects as project_rows};
    let id: Option<i64> = rows::table
        .inner_join(project_rows::table)
        .inner_join(branch_rows::table)
        .filter(project_rows::name.eq(project))
        .filter(branch_rows::name.eq(branch))
        .filter(rows::target.eq(target))
        .filter(rows::version.eq(version).or(rows::feed_version.eq(version)))
        .order((
            rows::seq_position.desc(),
            rows::seq_build.desc(),
            rows::id.desc(),
        ))
        .select(rows::id)
        .first(conn)
        .optional()?;
    Ok(id.map(ProductId))
}

/// Where a product stands: its state, and what guards and orders it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: ProductState,
    /// Rises with every change of the row.
    pub row_version: i64,
    /// Its place in the order.
    pub seq: crate::updates::Seq,
}

/// Reads where a product stands.
pub fn standing(conn: &mut Conn, id: ProductId) -> DbResult<Standing> {
    let (state, row_version, position, build): (String, i64, i64, i64) = rows::table
        .find(id.0)
        .select((
            rows::state,
            rows::row_version,
            rows::seq_position,
            rows::seq_build,
        ))
        .first(conn)?;
    Ok(Standing {
        state: state.parse().unwrap_or(ProductState::Deleted),
        row_version,
        seq: (position, build, id.0),
    })
}

/// What testers say of a product.
pub fn verdict(conn: &mut Conn, id: ProductId) -> DbResult<Verdict> {
    let text: String = rows::table.find(id.0).select(rows::verdict).first(conn)?;
    Ok(text.parse().unwrap_or(Verdict::Untested))
}

/// The branch of a product.
pub fn branch(conn: &mut Conn, id: ProductId) -> DbResult<BranchId> {
    let branch: i64 = rows::table.find(id.0).select(rows::branch_id).first(conn)?;
    Ok(BranchId(branch))
}

/// The product that the same build recorded with the same files before.
fn same(conn: &mut Conn, new: &NewProduct) -> DbResult<Option<ProductId>> {
    let Some(build) = new.build else {
        return Ok(None);
    };
    let known: Vec<i64> = rows::table
        .filter(rows::build_id.eq(build.0))
        .filter(rows::target.eq(&new.target))
        .filter(rows::version.eq(&new.version))
        .select(rows::id)
        .load(conn)?;
    let mut wanted: Vec<_> = new
        .files
        .iter()
        .map(|file| (&file.name, &file.blob.sha256))
        .collect();
    wanted.sort();
    for id in known {
        let files: Vec<(String, String)> = product_files::table
            .filter(product_files::product_id.eq(id))
            .select((product_files::name, product_files::blob_sha256))
            .load(conn)?;
        let mut files: Vec<_> = files.iter().map(|(name, sha256)| (name, sha256)).collect();
        files.sort();
        if files == wanted {
            return Ok(Some(ProductId(id)));
        }
    }
    Ok(None)
}

/// Whether the product just before in the order has a higher version by the project's scheme.
fn follows_higher(
    conn: &mut Conn,
    project: ProjectId,
    branch: BranchId,
    new: &NewProduct,
) -> DbResult<bool> {
    let before: Option<String> = rows::table
        .filter(rows::project_id.eq(project.0))
        .filter(rows::branch_id.eq(branch.0))
        .filter(rows::target.eq(&new.target))
        .filter(
            rows::seq_position
                .lt(new.seq_position)
                .or(rows::seq_position
                    .eq(new.seq_position)
                    .and(rows::seq_build.lt(new.build_number))),
        )
        .order((
            rows::seq_position.desc(),
            rows::seq_build.desc(),
            rows::id.desc(),
        ))
        .select(rows::version)
        .first(conn)
        .optional()?;
    Ok(before
        .and_then(|before| compare_by(new.scheme, &new.version, &before))
        .is_some_and(std::cmp::Ordering::is_lt))
}

fn builder_of(conn: &mut Conn, new: &NewProduct) -> DbResult<Option<BuilderId>> {
    let Some(build) = new.build else {
        return Ok(None);
    };
    let id: i64 = builds::table
        .find(build.0)
        .select(builds::builder_id)
        .first(conn)?;
    Ok(Some(BuilderId(id)))
}

fn insert_row(
    conn: &mut Conn,
    now: Time,
    (project, branch): (ProjectId, BranchId),
    new: &NewProduct,
    went_backwards: bool,
) -> DbResult<ProductId> {
    let sizes = new.files.iter().map(|file| stored_size(file.blob.size));
    let size: i64 = sizes.fold(0, i64::saturating_add);
    let (runtime_name, runtime_spec) = new.runtime.as_ref().map_or((None, None), |(name, spec)| {
        (Some(name.as_str()), Some(spec.as_str()))
    });
    let id: i64 = diesel::insert_into(rows::table)
        .values((
            rows::project_id.eq(project.0),
            rows::branch_id.eq(branch.0),
            rows::target.eq(&new.target),
            rows::version.eq(&new.version),
            rows::feed_version.eq(new.feed_version.as_deref()),
            rows::seq_position.eq(new.seq_position),
            rows::seq_build.eq(new.build_number),
            rows::build_id.eq(new.build.map(|id| id.0)),
            rows::builder.eq(&new.builder),
            rows::build_number.eq(new.build_number),
            rows::revision.eq(&new.revision),
            rows::runtime_name.eq(runtime_name),
            rows::runtime_spec.eq(runtime_spec),
            rows::state.eq(ProductState::Recorded.as_str()),
            rows::state_reason.eq(""),
            rows::row_version.eq(1),
            rows::went_backwards.eq(went_backwards),
            rows::built_at.eq(new.built_at.0),
            rows::recorded_at.eq(now.0),
            rows::recorded_by.eq(&new.recorded_by),
            rows::min_os.eq(new.min_os.as_deref()),
            rows::max_os.eq(new.max_os.as_deref()),
            rows::notes.eq(&new.notes),
            rows::size.eq(size),
            rows::files_total.eq(new.files.len() as i64),
        ))
        .returning(rows::id)
        .get_result(conn)?;
    Ok(ProductId(id))
}

fn insert_file(
    conn: &mut Conn,
    now: Time,
    id: ProductId,
    new: &NewProduct,
    file: &NewProductFile,
) -> DbResult<()> {
    blobs::insert(conn, now, &file.blob)?;
    let file_id: i64 = diesel::insert_into(product_files::table)
        .values((
            product_files::product_id.eq(id.0),
            product_files::role.eq(&file.role),
            product_files::name.eq(&file.name),
            product_files::blob_sha256.eq(&file.blob.sha256),
            product_files::size.eq(stored_size(file.blob.size)),
            product_files::source_path.eq(&file.source_path),
            product_files::delta_from_product_id.eq(file.delta_from.map(|id| id.0)),
            product_files::by_name.eq(free_link(conn, id, new, file)?),
        ))
        .returning(product_files::id)
        .get_result(conn)?;
    for signature in &file.signatures {
        signatures::insert(conn, ProductFileId(file_id), signature)?;
    }
    Ok(())
}

/// Where a file's link stands: at the short path if no other ever had it, else in a folder that
/// no other product can have.
fn free_link(
    conn: &mut Conn,
    id: ProductId,
    new: &NewProduct,
    file: &NewProductFile,
) -> DbResult<String> {
    let place = (&*new.project, &*new.branch, &*new.version);
    let short = link_path(place.0, place.1, place.2, &file.name);
    let is_taken: i64 = product_files::table
        .filter(product_files::by_name.eq(&short))
        .count()
        .get_result(conn)?;
    Ok(match is_taken {
        0 => short,
        _ => own_link_path(place, (&new.target, id.0), &file.name),
    })
}

fn stored_size(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn insert_revision(conn: &mut Conn, id: ProductId, revision: &ProductRevision) -> DbResult<()> {
    diesel::insert_into(product_revisions::table)
        .values((
            product_revisions::product_id.eq(id.0),
            product_revisions::codebase.eq(&revision.codebase),
            product_revisions::repository.eq(&revision.repository),
            product_revisions::branch.eq(&revision.branch),
            product_revisions::revision.eq(&revision.revision),
        ))
        .execute(conn)?;
    Ok(())
}

fn insert_property(conn: &mut Conn, id: ProductId, property: &ProductProperty) -> DbResult<()> {
    diesel::insert_into(product_properties::table)
        .values((
            product_properties::product_id.eq(id.0),
            product_properties::name.eq(&property.name),
            product_properties::value.eq(&property.value),
            product_properties::source.eq(&property.source),
        ))
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
