//! What update feeds hand out of a product: its files with their sums, deltas and signatures.

use diesel::prelude::*;

use crate::clock::Time;
use crate::db::schema::{blobs, branches, product_files, products, projects, signatures};
use crate::db::{Conn, DbError, DbResult};
use crate::ids::ProductId;
use crate::model::{DeltaBase, Offer, OfferFile, OfferSignature, OfferedProduct, ProductState};

/// Files of one product that are read: a product step's globs are bounded below it.
const FILES_MAX: i64 = 1_000;
/// Signatures of one product that are read: a few per file.
const SIGNATURES_MAX: i64 = 4_000;

#[derive(Queryable)]
struct Row {
    project: String,
    branch: String,
    feed: String,
    target: String,
    version: String,
    feed_version: Option<String>,
    position: i64,
    build: i64,
    build_number: i64,
    revision: String,
    runtime_name: Option<String>,
    runtime_spec: Option<String>,
    min_os: Option<String>,
    max_os: Option<String>,
    notes: String,
    state: String,
    recorded_at: i64,
}

#[derive(Queryable)]
struct FileRow {
    id: i64,
    role: String,
    name: String,
    sha256: String,
    sha1: String,
    sha512: String,
    size: i64,
    delta_from: Option<i64>,
}

/// A product as feeds hand it out. Errors: [`DbError::NotFound`] where there is no such product,
/// or it has no file.
pub fn load(conn: &mut Conn, id: ProductId, critical: bool) -> DbResult<Offer> {
    let row: Row = products::table
        .inner_join(projects::table)
        .inner_join(branches::table)
        .filter(products::id.eq(id.0))
        .select((
            projects::name,
            branches::name,
            branches::feed_token,
            products::target,
            products::version,
            products::feed_version,
            products::seq_position,
            products::seq_build,
            products::build_number,
            products::revision,
            products::runtime_name,
            products::runtime_spec,
            products::min_os,
            products::max_os,
            products::notes,
            products::state,
            products::recorded_at,
        ))
        .first(conn)?;
    let files = files(conn, id)?;
    if files.is_empty() {
        return Err(DbError::NotFound);
    }
    Ok(Offer {
        product: product(id, row),
        files,
        critical,
    })
}

fn product(id: ProductId, row: Row) -> OfferedProduct {
    OfferedProduct {
        id,
        project: row.project,
        branch: row.branch,
        feed: row.feed,
        target: row.target,
        version: row.version,
        feed_version: row.feed_version,
        seq: (row.position, row.build, id.0),
        build_number: row.build_number,
        revision: row.revision,
        runtime: row.runtime_name.zip(row.runtime_spec),
        min_os: row.min_os,
        max_os: row.max_os,
        notes: row.notes,
        state: row.state.parse().unwrap_or(ProductState::Deleted),
        recorded_at: Time(row.recorded_at),
    }
}

fn files(conn: &mut Conn, id: ProductId) -> DbResult<Vec<OfferFile>> {
    let rows: Vec<FileRow> = product_files::table
        .inner_join(blobs::table)
        .filter(product_files::product_id.eq(id.0))
        .filter(product_files::gone_at.is_null())
        .order(product_files::id)
        .limit(FILES_MAX)
        .select((
            product_files::id,
            product_files::role,
            product_files::name,
            blobs::sha256,
            blobs::sha1,
            blobs::sha512,
            product_files::size,
            product_files::delta_from_product_id,
        ))
        .load(conn)?;
    let mut signed = signed(conn, id)?;
    rows.into_iter()
        .map(|row| {
            let is_its = |(file, _): &mut (i64, OfferSignature)| *file == row.id;
            let signatures = signed.extract_if(.., is_its).map(|(_, one)| one).collect();
            Ok(OfferFile {
                role: row.role,
                name: row.name,
                sha256: row.sha256,
                sha1: row.sha1,
                sha512: row.sha512,
                size: row.size,
                delta_from: delta_base(conn, row.delta_from)?,
                signatures,
            })
        })
        .collect()
}

fn delta_base(conn: &mut Conn, product: Option<i64>) -> DbResult<Option<DeltaBase>> {
    let Some(product) = product else {
        return Ok(None);
    };
    let base: Option<(String, Option<String>)> = products::table
        .find(product)
        .select((products::version, products::feed_version))
        .first(conn)
        .optional()?;
    Ok(base.map(|(version, feed_version)| DeltaBase {
        version,
        feed_version,
    }))
}

/// The signatures of all files of a product, each with the id of its file.
fn signed(conn: &mut Conn, id: ProductId) -> DbResult<Vec<(i64, OfferSignature)>> {
    type SignatureRow = (i64, String, String, String, String, String);
    let rows: Vec<SignatureRow> = signatures::table
        .inner_join(product_files::table)
        .filter(product_files::product_id.eq(id.0))
        .order(signatures::id)
        .limit(SIGNATURES_MAX)
        .select((
            signatures::product_file_id,
            signatures::scheme,
            signatures::key_id,
            signatures::value,
            signatures::trusted_comment,
            signatures::state,
        ))
        .load(conn)?;
    let signature = |row: SignatureRow| {
        let (file, scheme, key_id, value, trusted_comment, state) = row;
        let scheme = scheme.parse().ok()?;
        let signature = OfferSignature {
            scheme,
            key_id,
            value,
            trusted_comment,
            is_verified: state == "verified",
        };
        Some((file, signature))
    };
    Ok(rows.into_iter().filter_map(signature).collect())
}
