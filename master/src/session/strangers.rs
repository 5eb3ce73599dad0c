//! Connections that have not proved who they are: counted by address, so that none of them takes
//! the place of agents. Not here: the proof.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::limits::{ADDRESSES_MAX, REFUSALS_AUDITED_PER_HOUR, STRANGERS_PER_ADDRESS_MAX};
use crate::clock::Time;

/// What the count of refusals is per.
const HOUR: Duration = Duration::from_secs(3600);

/// The count; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Strangers {
    addresses: Arc<Mutex<HashMap<IpAddr, Visits>>>,
}

#[derive(Default)]
struct Visits {
    /// Unproved connections that are open.
    open: u32,
    /// Refusals audited since `since`.
    audited: u32,
    /// When the counting began.
    since: Time,
}

/// One stranger; leaving the count is dropping it.
pub(super) struct Stranger {
    strangers: Strangers,
    address: IpAddr,
}

impl Strangers {
    /// Counts one in; `None` when there are too many.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Stranger> {
        let mut addresses = self.lock();
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&address) {
            addresses.retain(|_, visits| visits.open > 0);
            if addresses.len() >= ADDRESSES_MAX {
                return None;
            }
        }
        let visits = addresses.entry(address).or_default();
        if visits.open >= STRANGERS_PER_ADDRESS_MAX {
            return None;
        }
        visits.open += 1;
        Some(Stranger {
            strangers: self.clone(),
            address,
        })
    }

    /// Whether a refusal of this address still gets an audit row.
    pub(super) fn may_audit(&self, address: IpAddr, now: Time) -> bool {
        let mut addresses = self.lock();
        // The table is full of others: one more row does no harm to the bound, forgetting does.
        let Some(visits) = addresses.get_mut(&address) else {
            return false;
        };
        if now.since(visits.since) >= HOUR {
            (visits.audited, visits.since) = (0, now);
        }
        visits.audited += 1;
        visits.audited <= REFUSALS_AUDITED_PER_HOUR
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Visits>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if let Some(visits) = self.strangers.lock().get_mut(&self.address) {
            visits.open = visits.open.saturating_sub(1);
        }
    }
}
