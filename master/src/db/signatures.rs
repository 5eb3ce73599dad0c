//! Signatures of products' files as they were recorded. Checking them is `signatures`' work.

use diesel::prelude::*;

use super::schema::{product_files, signatures as rows};
use super::{Conn, DbResult};
use crate::ids::{ProductFileId, ProductId};
use crate::model::{Signature, SignatureScheme, SignatureState};

/// Signatures of one product that are read: ten for each of its files at most is far beyond use.
const SIGNATURES_MAX: i64 = 10_000;

/// Adds a signature of a file.
pub fn insert(conn: &mut Conn, file: ProductFileId, signature: &Signature) -> DbResult<()> {
    diesel::insert_into(rows::table)
        .values((
            rows::product_file_id.eq(file.0),
            rows::scheme.eq(signature.scheme.as_str()),
            rows::key_id.eq(&signature.key_id),
            rows::value.eq(&signature.value),
            rows::trusted_comment.eq(&signature.trusted_comment),
            rows::state.eq(signature.state.as_str()),
        ))
        .execute(conn)?;
    Ok(())
}

/// The signatures of all files of a product, in the order in which they were recorded.
pub fn of_product(conn: &mut Conn, id: ProductId) -> DbResult<Vec<(ProductFileId, Signature)>> {
    type Row = (i64, String, String, String, String, String);
    let found: Vec<Row> = rows::table
        .inner_join(product_files::table)
        .filter(product_files::product_id.eq(id.0))
        .order(rows::id)
        .limit(SIGNATURES_MAX)
        .select((
            rows::product_file_id,
            rows::scheme,
            rows::key_id,
            rows::value,
            rows::trusted_comment,
            rows::state,
        ))
        .load(conn)?;
    let signature = |(file, scheme, key_id, value, trusted_comment, state): Row| {
        let signature = Signature {
            // The table checks both words; a row beyond them is shown as nobody's.
            scheme: scheme.parse().unwrap_or(SignatureScheme::Gpg),
            key_id,
            value,
            trusted_comment,
            state: state.parse().unwrap_or(SignatureState::UnknownKey),
        };
        (ProductFileId(file), signature)
    };
    Ok(found.into_iter().map(signature).collect())
}
