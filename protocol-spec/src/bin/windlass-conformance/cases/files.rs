//! To come.
pub(crate) const ROWS: &[super::Row] = &[];
