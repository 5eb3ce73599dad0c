//! Which links to products' files there should be below the folder `by-name`. The links
//! themselves are the work of `links`.

use diesel::prelude::*;

use crate::db::schema::{blobs, product_files, products};
use crate::db::{Conn, DbResult};
use crate::ids::{ProductFileId, ProductId};

/// Links read at once.
const LINKS_READ_MAX: i64 = 500;
/// States of products whose files nobody should find any more.
const GONE: [&str; 3] = ["withdrawn", "expired", "deleted"];

/// A link that should be there or should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its file.
    pub file: ProductFileId,
    /// Where it stands below the folder.
    pub path: String,
    /// The content that it leads to.
    pub sha256: String,
    /// Whether it should be there: the product can be had, and the file lies on this machine.
    pub is_wanted: bool,
}

type Row = (i64, String, String, String, String, String);

macro_rules! rows {
    () => {
        product_files::table
            .inner_join(products::table)
            .inner_join(blobs::table)
            .filter(product_files::by_name.ne(""))
            .order(product_files::id)
            .limit(LINKS_READ_MAX)
            .select((
                product_files::id,
                product_files::by_name,
                product_files::blob_sha256,
                products::state,
                blobs::state,
                blobs::store,
            ))
    };
}

/// The links of files after `after`, in order, at most 500; none when there are no more.
pub fn after(conn: &mut Conn, after: ProductFileId) -> DbResult<Vec<Link>> {
    let rows: Vec<Row> = rows!().filter(product_files::id.gt(after.0)).load(conn)?;
    Ok(rows.into_iter().map(link).collect())
}

/// The links of one product after the file `after`, likewise.
pub fn of_product(conn: &mut Conn, id: ProductId, after: ProductFileId) -> DbResult<Vec<Link>> {
    let rows: Vec<Row> = rows!()
        .filter(product_files::product_id.eq(id.0))
        .filter(product_files::id.gt(after.0))
        .load(conn)?;
    Ok(rows.into_iter().map(link).collect())
}

/// The links that stand at `paths`, of which there are at most 500.
pub fn at(conn: &mut Conn, paths: &[String]) -> DbResult<Vec<Link>> {
    let rows: Vec<Row> = rows!()
        .filter(product_files::by_name.eq_any(paths))
        .load(conn)?;
    Ok(rows.into_iter().map(link).collect())
}

fn link((file, path, sha256, product, blob, store): Row) -> Link {
    Link {
        file: ProductFileId(file),
        path,
        sha256,
        is_wanted: !GONE.contains(&product.as_str()) && blob == "live" && store == "local",
    }
}
