//! Who belongs to a rollout: decided by a hash, so that it needs no memory and never changes its
//! mind.

use sha2::{Digest as _, Sha256};

/// Whether the asker that calls itself `id` is among the first `percent` of a hundred.
///
/// The first 8 bytes of SHA-256(`salt` ‖ `id`), as a big-endian number, divided evenly into a
/// hundred parts: the same asker is always in the same part, so whoever is inside stays inside as
/// the percentage grows. Without an id: inside at 100 only.
#[must_use]
pub fn is_inside(salt: &str, id: Option<&str>, percent: i64) -> bool {
    if percent >= 100 {
        return true;
    }
    let Some(id) = id else { return false };
    let digest = Sha256::new_with_prefix(salt).chain_update(id).finalize();
    let first = digest.iter().take(8);
    let number = first.fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let part = (u128::from(number) * 100) >> 64;
    i128::try_from(part).is_ok_and(|part| part < i128::from(percent))
}

/// How far a release is rolled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// What ids are hashed with.
    pub salt: String,
    /// How many of a hundred get it.
    pub percent: i64,
}

impl Rollout {
    /// Whether it has reached the asker with this id.
    #[must_use]
    pub fn has_reached(&self, id: Option<&str>) -> bool {
        is_inside(&self.salt, id, self.percent)
    }
}
