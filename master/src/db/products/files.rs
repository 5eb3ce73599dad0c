//! Which stored files are products' files, and whether they may still be had.

use diesel::prelude::*;

use crate::db::schema::{blobs, product_files, products, projects};
use crate::db::{Conn, DbResult};
use crate::ids::ProductId;
use crate::model::{BlobStore, ProductState};

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
