//! What an update feed needs to know of products. The decision is `updates`'.

use diesel::prelude::*;

use crate::clock::Time;
use crate::db::schema::{blobs, branches, product_files, products, projects};
use crate::db::{Conn, DbError, DbResult};
use crate::ids::ProductId;
use crate::model::ProductState;
use crate::updates::{Asker, Candidate, is_offerable};

/// Products of the asker's version that are looked at: a version is built again a few times, not
/// hundreds.
const SAME_VERSION_MAX: i64 = 200;
/// Products looked at for a complete one, newest first: incomplete ones are a disk's fault and few.
const LATEST_MAX: i64 = 20;

/// Which products a feed is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Name of the project.
    pub project: String,
    /// The branch's feed token.
    pub token: String,
    /// Target.
    pub target: String,
}

/// What a feed tells of the product it offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Version text.
    pub version: String,
    /// Semantic version.
    pub feed_version: Option<String>,
    /// Number of the build.
    pub build_number: i64,
    /// Revision of the first codebase.
    pub revision: String,
    /// Language runtime and range.
    pub runtime: Option<(String, String)>,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Name of the file to fetch.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its bytes.
    pub size: i64,
}

type Row = (i64, i64, i64, String, Option<String>, i64, String);

/// The products from which an answer to `asker` is chosen: the newest that may be offered, and
/// those of the asker's version.
///
/// Errors: [`DbError::NotFound`] when project or feed are unknown; no product is no error.
pub fn candidates(conn: &mut Conn, feed: &Feed, asker: &Asker) -> DbResult<Vec<Candidate>> {
    let branch: i64 = branches::table
        .inner_join(projects::table)
        .filter(projects::name.eq(&feed.project))
        .filter(branches::feed_token.eq(&feed.token))
        .select(branches::id)
        .first(conn)?;
    let mut found = newest(conn, branch, &feed.target)?;
    if let Some(version) = &asker.version {
        found.extend(same_version(conn, branch, &feed.target, version)?);
    }
    found.sort_by_key(|row| row.0);
    found.dedup_by_key(|row| row.0);
    found.into_iter().map(|row| candidate(conn, row)).collect()
}

fn newest(conn: &mut Conn, branch: i64, target: &str) -> DbResult<Vec<Row>> {
    let [first, second, third] = offerable();
    let rows = products::table
        .filter(products::branch_id.eq(branch))
        .filter(products::target.eq(target))
        .filter(
            products::state
                .eq(first)
                .or(products::state.eq(second))
                .or(products::state.eq(third)),
        )
        .order((
            products::seq_position.desc(),
            products::seq_build.desc(),
            products::id.desc(),
        ))
        .limit(LATEST_MAX)
        .select(columns())
        .load(conn)?;
    Ok(rows)
}

fn same_version(conn: &mut Conn, branch: i64, target: &str, version: &str) -> DbResult<Vec<Row>> {
    let rows = products::table
        .filter(products::branch_id.eq(branch))
        .filter(products::target.eq(target))
        .filter(
            products::version
                .eq(version)
                .or(products::feed_version.eq(version)),
        )
        .order((products::seq_position.desc(), products::seq_build.desc()))
        .limit(SAME_VERSION_MAX)
        .select(columns())
        .load(conn)?;
    Ok(rows)
}

/// What the feed tells of a product: the file an application installs is the one of the role
/// `update`, else `installer`, else the first.
pub fn offer(conn: &mut Conn, id: ProductId) -> DbResult<Offer> {
    type OfferRow = (
        String,
        Option<String>,
        i64,
        String,
        Option<String>,
        Option<String>,
        i64,
    );
    let (version, feed_version, build_number, revision, runtime_name, runtime_spec, at): OfferRow =
        products::table
            .find(id.0)
            .select((
                products::version,
                products::feed_version,
                products::build_number,
                products::revision,
                products::runtime_name,
                products::runtime_spec,
                products::recorded_at,
            ))
            .first(conn)?;
    let files: Vec<(String, String, String, i64)> = product_files::table
        .filter(product_files::product_id.eq(id.0))
        .order(product_files::id)
        .select((
            product_files::role,
            product_files::name,
            product_files::blob_sha256,
            product_files::size,
        ))
        .load(conn)?;
    let rank = |role: &str| match role {
        "update" => 0,
        "installer" => 1,
        _ => 2,
    };
    let (_, name, sha256, size) = files
        .into_iter()
        .min_by_key(|(role, ..)| rank(role))
        .ok_or(DbError::NotFound)?;
    Ok(Offer {
        version,
        feed_version,
        build_number,
        revision,
        runtime: runtime_name.zip(runtime_spec),
        recorded_at: Time(at),
        name,
        sha256,
        size,
    })
}

/// The states that may be offered, as `updates` says.
fn offerable() -> [&'static str; 3] {
    let mut states = ProductState::ALL
        .iter()
        .filter(|state| is_offerable(**state))
        .map(|state| state.as_str());
    std::array::from_fn(|_| states.next().unwrap_or_default())
}

fn candidate(conn: &mut Conn, row: Row) -> DbResult<Candidate> {
    let (id, position, build, version, feed_version, build_number, state) = row;
    let states: Vec<String> = product_files::table
        .inner_join(blobs::table)
        .filter(product_files::product_id.eq(id))
        .select(blobs::state)
        .load(conn)?;
    Ok(Candidate {
        id: ProductId(id),
        seq: (position, build, id),
        version,
        feed_version,
        build_number,
        state: state.parse().unwrap_or(ProductState::Deleted),
        is_complete: !states.is_empty() && states.iter().all(|state| state == "live"),
    })
}

type Columns = (
    products::id,
    products::seq_position,
    products::seq_build,
    products::version,
    products::feed_version,
    products::build_number,
    products::state,
);

fn columns() -> Columns {
    (
        products::id,
        products::seq_position,
        products::seq_build,
        products::version,
        products::feed_version,
        products::build_number,
        products::state,
    )
}
