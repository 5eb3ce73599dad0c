//! The files of products, and which stored files are such, and whether they may still be had.

use diesel::prelude::*;

use crate::db::schema::{blobs, product_files, products, projects};
use crate::db::{Conn, DbResult, signatures};
use crate::ids::{ProductFileId, ProductId};
use crate::model::{BlobStore, DeltaStart, ProductFile, ProductState};

/// Files of one product that are read: a product step's globs are bounded below it.
const FILES_MAX: i64 = 1_000;
/// Products that one file may belong to and are looked at; more share one state in practice.
const PRODUCTS_MAX: i64 = 500;

/// A product that names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The product.
    pub product: ProductId,
    /// Its state.
    pub state: ProductState,
    /// Why it is in that state.
    pub reason: String,
    /// Whether its project is private.
    pub is_private: bool,
}

/// A file of the store: its bytes, and whether they are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: i64,
    /// Whether it may be served: `live`, or condemned and not yet removed.
    pub is_there: bool,
    /// Where it lies.
    pub store: BlobStore,
}

/// The products that name the content `sha256` with the file name `name`, newest first.
pub fn owners(conn: &mut Conn, sha256: &str, name: &str) -> DbResult<Vec<Owner>> {
    let rows: Vec<(i64, String, String, bool, Option<i64>)> = product_files::table
        .inner_join(products::table.inner_join(projects::table))
        .filter(product_files::blob_sha256.eq(sha256))
        .filter(product_files::name.eq(name))
        .order(products::id.desc())
        .limit(PRODUCTS_MAX)
        .select((
            products::id,
            products::state,
            products::state_reason,
            projects::private,
            product_files::gone_at,
        ))
        .load(conn)?;
    type Row = (i64, String, String, bool, Option<i64>);
    let owner = |(id, state, reason, is_private, gone_at): Row| Owner {
        product: ProductId(id),
        state: match state.parse() {
            // A file that stays longer than its product is there as long as its bytes are.
            Ok(ProductState::Deleted) if gone_at.is_some() => ProductState::Recorded,
            state => state.unwrap_or(ProductState::Deleted),
        },
        reason,
        is_private,
    };
    Ok(rows.into_iter().map(owner).collect())
}

/// The stored file of this content, if there ever was one.
pub fn stored(conn: &mut Conn, sha256: &str) -> DbResult<Option<Stored>> {
    let row: Option<(i64, String, String)> = blobs::table
        .find(sha256)
        .select((blobs::size, blobs::state, blobs::store))
        .first(conn)
        .optional()?;
    Ok(row.map(|(size, state, store)| Stored {
        size,
        store: store.parse().unwrap_or(BlobStore::Local),
        is_there: matches!(state.as_str(), "live" | "condemned"),
    }))
}

/// Which files of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All that were recorded.
    Recorded,
    /// Those that were not taken away since.
    There,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    role: String,
    name: String,
    sha256: String,
    sha1: String,
    sha512: String,
    size: i64,
    source_path: String,
    by_name: String,
    gone_at: Option<i64>,
    delta_from: Option<(i64, String, Option<String>)>,
}

/// All files of a product in the order in which they were recorded.
pub fn recorded(conn: &mut Conn, id: ProductId) -> DbResult<Vec<ProductFile>> {
    of_product(conn, id, Which::Recorded)
}

/// Files of a product in the order in which they were recorded.
pub fn of_product(conn: &mut Conn, id: ProductId, which: Which) -> DbResult<Vec<ProductFile>> {
    let bases = diesel::alias!(products as delta_bases);
    let is_base = bases.field(products::id).nullable();
    let rows: Vec<Row> = product_files::table
        .inner_join(blobs::table)
        .left_join(bases.on(is_base.eq(product_files::delta_from_product_id)))
        .filter(product_files::product_id.eq(id.0))
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
            product_files::source_path,
            product_files::by_name,
            product_files::gone_at,
            bases
                .fields((products::id, products::version, products::feed_version))
                .nullable(),
        ))
        .load(conn)?;
    let mut signatures = signatures::of_product(conn, id)?;
    let is_wanted = |row: &Row| which == Which::Recorded || row.gone_at.is_none();
    let wanted = rows.into_iter().filter(is_wanted);
    Ok(wanted
        .map(|row| {
            let is_its = |(file, _): &mut (ProductFileId, _)| file.0 == row.id;
            let own = signatures.extract_if(.., is_its).map(|(_, one)| one);
            let own = own.collect();
            let base = |(id, version, feed_version)| DeltaStart {
                product: ProductId(id),
                version,
                feed_version,
            };
            ProductFile {
                id: ProductFileId(row.id),
                role: row.role,
                name: row.name,
                sha256: row.sha256,
                sha1: row.sha1,
                sha512: row.sha512,
                size: row.size,
                source_path: row.source_path,
                delta_from: row.delta_from.map(base),
                signatures: own,
                by_name: row.by_name,
            }
        })
        .collect())
}
