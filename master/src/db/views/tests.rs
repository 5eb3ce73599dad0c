//! Reading for pages over a filled database.
