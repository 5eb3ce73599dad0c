//! Addresses of files that say by themselves who gave them: an end and a signature over content,
//! name and end. Pure; where the keys are kept is the database's.

use crate::hex::hex;
use std::time::Duration;

use ring::hmac;

use crate::clock::Time;

/// Ends are whole multiples of this, so that an answer with such addresses stays the same for a
/// while and caches work.
const STEP: Duration = Duration::from_secs(3600);

/// What an address claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// When it ends, in seconds since 1970.
    pub expires: i64,
    /// HMAC-SHA-256 in hex.
    pub signature: String,
}

/// What an address of the file `name` with the content `sha256` claims that ends `span` from now,
/// rounded up to a whole hour.
#[must_use]
pub fn sign(key: &str, sha256: &str, name: &str, now: Time, span: Duration) -> Claim {
    let step = i64::try_from(STEP.as_secs()).unwrap_or(1);
    let end = now.after(span).unix_seconds();
    let expires = end.saturating_add(step - 1).div_euclid(step) * step;
    let tag = hmac::sign(&secret(key), message(sha256, name, expires).as_bytes());
    Claim {
        expires,
        signature: hex(tag.as_ref()),
    }
}

/// Whether the claim holds now under one of the keys; takes the same time for any wrong signature.
#[must_use]
pub fn holds(keys: &[String], sha256: &str, name: &str, now: Time, claim: &Claim) -> bool {
    if claim.expires <= now.unix_seconds() {
        return false;
    }
    let Some(given) = bytes(&claim.signature) else {
        return false;
    };
    let message = message(sha256, name, claim.expires);
    keys.iter()
        .any(|key| hmac::verify(&secret(key), message.as_bytes(), &given).is_ok())
}

/// The address with its claim.
#[must_use]
pub fn with_claim(path: &str, claim: &Claim) -> String {
    let Claim { expires, signature } = claim;
    format!("{path}?expires={expires}&signature={signature}")
}

/// Whether two secrets are the same, in a time that tells nothing of where they differ.
#[must_use]
pub fn same(known: &str, given: &str) -> bool {
    let tag = |text: &str| hmac::sign(&secret("compare"), text.as_bytes());
    hmac::verify(&secret("compare"), given.as_bytes(), tag(known).as_ref()).is_ok()
}

fn secret(key: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())
}

/// A hash has a fixed length and a number no line break, so nothing can be read in two ways.
fn message(sha256: &str, name: &str, expires: i64) -> String {
    format!("windlass file\n{sha256}\n{expires}\n{name}")
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs
        .remainder()
        .is_empty()
        .then(|| pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests;
