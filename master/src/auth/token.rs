//! Random secrets of sessions, tokens and agents, and the hashes that are stored of them.

use crate::hex::hex;
use sha2::{Digest as _, Sha256};

/// What a bearer token begins with, so that people and secret scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "windlass_";

/// A secret just made: shown once, then only its hash remains.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The secret itself.
    pub secret: String,
    /// SHA-256 of it in hex: what the database keeps.
    pub hash: String,
}

/// Makes a secret of 256 random bits in hex behind `prefix`.
#[must_use]
pub fn issue(prefix: &str) -> Issued {
    let secret = format!("{prefix}{}", hex(&random::<32>()));
    let hash = hash(&secret);
    Issued { secret, hash }
}

/// The stored form of a secret. Fast on purpose: 256 random bits cannot be guessed.
#[must_use]
pub fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// `N` bytes of the system's random source.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without random bytes no secret may be made.
    getrandom::fill(&mut bytes).expect("the system's random source works");
    bytes
}

#[cfg(test)]
mod tests;
