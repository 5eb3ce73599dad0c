//! The limits of logging in: tries per name and address, and hashes computed at once.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::password;
use crate::clock::Time;

/// Tries a minute for one name from one address: far above typing errors, far below guessing.
pub const TRIES_MAX: u32 = 10;
/// Tries a minute from one address over all names; an office behind one address still fits.
const ADDRESS_TRIES_MAX: u32 = 100;
/// The window that the two count over.
const WINDOW: Duration = Duration::from_secs(60);
/// Entries kept: bounds what a stranger can make us remember to a few MB.
const ENTRIES_MAX: usize = 20_000;
/// Longest part of a name that is remembered, bytes.
const NAME_BYTES_MAX: usize = 64;
/// Hashes computed at once: each takes 19 MiB and one core.
const HASHES_MAX: usize = 4;

/// Counts tries and computes password hashes; one per master.
#[derive(Debug)]
pub struct Logins {
    /// First try in the window and number of tries, by address and name (empty: any name).
    tries: Mutex<HashMap<(String, String), (Time, u32)>>,
    hashing: Semaphore,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            tries: Mutex::default(),
            hashing: Semaphore::new(HASHES_MAX),
        }
    }
}

impl Logins {
    /// Counts a try of `name` from `address`; false when it is one too many.
    pub fn allow(&self, now: Time, name: &str, address: &str) -> bool {
        let name = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
        let mut tries = match self.tries.lock() {
            Ok(tries) => tries,
            Err(poisoned) => poisoned.into_inner(),
        };
        if tries.len() >= ENTRIES_MAX {
            tries.retain(|_, (first, _)| now.since(*first) < WINDOW);
        }
        if tries.len() >= ENTRIES_MAX {
            // A flood from everywhere: the hashing limit protects us, and people still get in.
            tries.clear();
        }
        let mut count = |name: &str, most: u32| {
            let key = (address.to_owned(), name.to_owned());
            let entry = tries.entry(key).or_insert((now, 0));
            if now.since(entry.0) >= WINDOW {
                *entry = (now, 0);
            }
            entry.1 = entry.1.saturating_add(1);
            entry.1 <= most
        };
        count("", ADDRESS_TRIES_MAX) && (name.is_empty() || count(name, TRIES_MAX))
    }

    /// Forgets the tries of `name` from `address` after a right password.
    pub fn forget(&self, name: &str, address: &str) {
        let name = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
        if let Ok(mut tries) = self.tries.lock() {
            tries.remove(&(address.to_owned(), name.to_owned()));
        }
    }

    /// Checks a password off the async threads, a few at a time. False when the master stops.
    pub async fn verify(&self, password: String, hash: Option<String>) -> bool {
        let Ok(_permit) = self.hashing.acquire().await else {
            return false;
        };
        tokio::task::spawn_blocking(move || password::verify(&password, hash.as_deref()))
            .await
            .unwrap_or(false)
    }

    /// Hashes a password off the async threads, a few at a time.
    pub async fn hash(&self, password: String) -> Result<String, String> {
        let permit = self.hashing.acquire().await;
        let _permit = permit.map_err(|_| "the master stops".to_owned())?;
        tokio::task::spawn_blocking(move || password::hash(&password))
            .await
            .map_err(|error| format!("hashing a password failed: {error}"))?
    }
}

#[cfg(test)]
mod tests;
