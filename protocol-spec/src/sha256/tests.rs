//! Tests of `sha256`.
