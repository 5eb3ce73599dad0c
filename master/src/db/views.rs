//! Reading for pages and REST: joined rows as the structs of `model`, always bounded. What the
//! engine reads for its own decisions is with each noun; nothing here writes.

pub mod agents;
pub mod builders;
pub mod builds;
pub mod changes;
pub mod requests;
mod sources;
pub mod steps;

use std::str::FromStr;

use super::{DbError, DbResult};
use crate::model::PAGE_ROWS_MAX;

/// One row more than a page holds tells that there is a next page.
const LIMIT: i64 = PAGE_ROWS_MAX as i64 + 1;

/// Parses a word that the database's own checks allow only in our spelling.
fn word<T: FromStr<Err = String>>(text: &str) -> DbResult<T> {
    text.parse()
        .map_err(|error: String| DbError::Open(format!("a row holds an unknown word: {error}")))
}

/// Parses a list stored as a JSON array of texts; anything else counts as empty.
fn texts(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}
