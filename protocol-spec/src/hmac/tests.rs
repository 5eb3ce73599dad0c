//! Tests of `hmac`.
