//! HMAC-SHA-256 (RFC 2104) and comparison in constant time.

use crate::sha256::{Sha256, digest};
use std::hint::black_box;

/// A key made ready: both padded blocks are hashed once and cloned for each message.
#[derive(Clone)]
pub struct Hmac {
    /// The hash after the inner padded key.
    inner: Sha256,
    /// The hash after the outer padded key.
    outer: Sha256,
}

impl std::fmt::Debug for Hmac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hmac(secret)")
    }
}

impl Hmac {
    /// A key of any length.
    pub fn new(key: &[u8]) -> Self {
        let mut block = [0u8; 64];
        if key.len() > 64 {
            block[..32].copy_from_slice(&digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let keyed = |pad: u8| {
            let mut hash = Sha256::new();
            hash.update(&block.map(|b| b ^ pad));
            hash
        };
        Self {
            inner: keyed(0x36),
            outer: keyed(0x5c),
        }
    }

    /// The code of a message given in parts, as if they were one.
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.sign_beside(parts, &[], None)
    }

    /// `sign`, with `last` as the last part, which is taken into another hash at the same time:
    /// that costs less than one after the other.
    pub fn sign_beside(
        &self,
        parts: &[&[u8]],
        last: &[u8],
        beside: Option<&mut Sha256>,
    ) -> [u8; 32] {
        let mut inner = self.inner.clone();
        parts.iter().for_each(|part| inner.update(part));
        match beside {
            Some(beside) => Sha256::update_both([&mut inner, beside], [last, last]),
            None => inner.update(last),
        }
        let mut outer = self.outer.clone();
        outer.update(&inner.finish());
        outer.finish()
    }
}

/// Whether two values are equal, in a time that depends on their lengths alone.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    let differ = a
        .iter()
        .zip(b)
        .fold(0, |acc, (x, y)| black_box(acc | (x ^ y)));
    a.len() == b.len() && black_box(differ) == 0
}

#[cfg(test)]
mod tests;
