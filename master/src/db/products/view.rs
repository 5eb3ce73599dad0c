//! Products as pages and REST read them: rows and what belongs to each. Which rows a list shows
//! is `list`'s.

use diesel::prelude::*;

use crate::clock::Time;
use crate::db::schema::{branches, product_properties, product_revisions, products, projects};
use crate::db::{Conn, DbResult};
use crate::ids::{BranchId, BuildId, ProductId};
use crate::model::{Product, ProductProperty, ProductRevision, ProductState, Verdict};

#[derive(Queryable)]
struct Row {
    id: i64,
    project: String,
    branch: String,
    feed: String,
    target: String,
    version: String,
    feed_version: Option<String>,
    seq_position: i64,
    seq_build: i64,
    build: Option<i64>,
    builder: String,
    build_number: i64,
    revision: String,
    runtime_name: Option<String>,
    runtime_spec: Option<String>,
    state: String,
    state_reason: String,
    row_version: i64,
    went_backwards: bool,
    built_at: i64,
    recorded_at: i64,
    recorded_by: String,
    min_os: Option<String>,
    max_os: Option<String>,
    verdict: String,
    held_until: i64,
    size: i64,
    files: i64,
}

/// The rows of products with their project's and branch's names.
macro_rules! rows {
    () => {
        products::table
            .inner_join(projects::table)
            .inner_join(branches::table)
            .select((
                products::id,
                projects::name,
                branches::name,
                branches::feed_token,
                products::target,
                products::version,
                products::feed_version,
                products::seq_position,
                products::seq_build,
                products::build_id,
                products::builder,
                products::build_number,
                products::revision,
                products::runtime_name,
                products::runtime_spec,
                products::state,
                products::state_reason,
                products::row_version,
                products::went_backwards,
                products::built_at,
                products::recorded_at,
                products::recorded_by,
                products::min_os,
                products::max_os,
                products::verdict,
                products::held_until,
                products::size,
                products::files_total,
            ))
    };
}

/// One product as lists show it.
pub fn find(conn: &mut Conn, now: Time, id: ProductId) -> DbResult<Product> {
    let row: Row = rows!().filter(products::id.eq(id.0)).first(conn)?;
    Ok(product(now, row))
}

/// The products of these ids as lists show them, the newest recorded first.
pub fn find_all(conn: &mut Conn, now: Time, ids: &[ProductId]) -> DbResult<Vec<Product>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = rows!()
        .filter(products::id.eq_any(ids))
        .order(products::id.desc())
        .load(conn)?;
    Ok(rows.into_iter().map(|row| product(now, row)).collect())
}

/// The branch of a product.
pub fn branch_of(conn: &mut Conn, id: ProductId) -> DbResult<BranchId> {
    let branch = products::table.find(id.0).select(products::branch_id);
    Ok(BranchId(branch.first(conn)?))
}

/// What is new in a product, Markdown; empty where nobody said.
pub fn notes(conn: &mut Conn, id: ProductId) -> DbResult<String> {
    Ok(products::table
        .find(id.0)
        .select(products::notes)
        .first(conn)?)
}

/// The revisions of a product by codebase.
pub fn revisions(conn: &mut Conn, id: ProductId) -> DbResult<Vec<ProductRevision>> {
    let rows: Vec<(String, String, String, String)> = product_revisions::table
        .filter(product_revisions::product_id.eq(id.0))
        .order(product_revisions::codebase)
        .select((
            product_revisions::codebase,
            product_revisions::repository,
            product_revisions::branch,
            product_revisions::revision,
        ))
        .load(conn)?;
    let revision = |(codebase, repository, branch, revision)| ProductRevision {
        codebase,
        repository,
        branch,
        revision,
    };
    Ok(rows.into_iter().map(revision).collect())
}

/// The properties of a product by name.
pub fn properties(conn: &mut Conn, id: ProductId) -> DbResult<Vec<ProductProperty>> {
    let rows: Vec<(String, String, String)> = product_properties::table
        .filter(product_properties::product_id.eq(id.0))
        .order(product_properties::name)
        .select((
            product_properties::name,
            product_properties::value,
            product_properties::source,
        ))
        .load(conn)?;
    let property = |(name, value, source)| ProductProperty {
        name,
        value,
        source,
    };
    Ok(rows.into_iter().map(property).collect())
}

fn product(now: Time, row: Row) -> Product {
    let held = row.held_until > now.0;
    Product {
        id: ProductId(row.id),
        project: row.project,
        branch: row.branch,
        feed: row.feed,
        target: row.target,
        version: row.version,
        feed_version: row.feed_version,
        seq_position: row.seq_position,
        seq_build: row.seq_build,
        build: row.build.map(BuildId),
        builder: row.builder,
        build_number: row.build_number,
        revision: row.revision,
        runtime: row.runtime_name.zip(row.runtime_spec),
        min_os: row.min_os,
        max_os: row.max_os,
        state: row.state.parse().unwrap_or(ProductState::Deleted),
        state_reason: row.state_reason,
        row_version: row.row_version,
        went_backwards: row.went_backwards,
        built_at: Time(row.built_at),
        recorded_at: Time(row.recorded_at),
        recorded_by: row.recorded_by,
        size: row.size,
        files: row.files,
        verdict: row.verdict.parse().unwrap_or(Verdict::Untested),
        held,
        held_until: (held && row.held_until < i64::MAX).then_some(Time(row.held_until)),
    }
}
