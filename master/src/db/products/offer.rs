//! What update feeds hand out of a product: its files with their sums, deltas and signatures.

use diesel::prelude::*;

use super::files::{self, Which};
use crate::clock::Time;
use crate::db::schema::{branches, products, projects};
use crate::db::{Conn, DbError, DbResult};
use crate::ids::ProductId;
use crate::model::{
    DeltaBase, Offer, OfferFile, OfferSignature, OfferedProduct, ProductFile, ProductState,
    Signature, SignatureState,
};

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
    let files = files::of_product(conn, id, Which::There)?;
    if files.is_empty() {
        return Err(DbError::NotFound);
    }
    Ok(Offer {
        product: product(id, row),
        files: files.into_iter().map(handed_out).collect(),
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

fn handed_out(file: ProductFile) -> OfferFile {
    let base = file.delta_from.map(|base| DeltaBase {
        version: base.version,
        feed_version: base.feed_version,
    });
    let signature = |signature: Signature| OfferSignature {
        scheme: signature.scheme,
        key_id: signature.key_id,
        value: signature.value,
        trusted_comment: signature.trusted_comment,
        is_verified: signature.state == SignatureState::Verified,
    };
    OfferFile {
        role: file.role,
        name: file.name,
        sha256: file.sha256,
        sha1: file.sha1,
        sha512: file.sha512,
        size: file.size,
        delta_from: base,
        signatures: file.signatures.into_iter().map(signature).collect(),
    }
}
