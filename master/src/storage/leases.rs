//! Which contents are in use: read by somebody, or written and not yet named by a row. Kept in
//! memory alone, since a restart ends every use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts of leases by content.
#[derive(Debug, Default, Clone)]
pub(super) struct Leases {
    held: Arc<Mutex<HashMap<String, usize>>>,
}

/// While it lives its content is in use and neither goes to the trash nor is unlinked.
#[derive(Debug)]
pub struct Lease {
    leases: Leases,
    sha256: String,
}

impl Leases {
    pub(super) fn take(&self, sha256: &str) -> Lease {
        *self.lock().entry(sha256.to_owned()).or_default() += 1;
        Lease {
            leases: self.clone(),
            sha256: sha256.to_owned(),
        }
    }

    pub(super) fn is_held(&self, sha256: &str) -> bool {
        self.lock().contains_key(sha256)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The content that is in use.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        self.leases.take(&self.sha256)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut held = self.leases.lock();
        if let Some(count) = held.get_mut(&self.sha256) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.sha256);
            }
        }
    }
}
