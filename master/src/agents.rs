//! The agents that are connected now, and operations on them that survive cut connections. Who
//! they are is proved by `session`; what runs on them is decided by `runner`.

mod enrolment;
mod error;
mod exec;
mod orphans;
mod outputs;
mod registry;
mod status;
mod transfers;
mod upgrades;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bells::Bells;
use crate::clock::Clock;
use crate::db::{Db, Lane};
use crate::ids::AgentId;

pub use error::AgentError;
pub use outputs::{Bounds, Outputs};
pub use registry::AgentState;

/// How long an operation waits for its agent to come back, unless told ([`Agents::patient`]): an
/// agent that restarts is back within its back-off of a minute at most.
pub const AWAY_MAX: Duration = Duration::from_secs(120);

/// The registry of connected agents; cheap to clone.
#[derive(Clone)]
pub struct Agents {
    shared: Arc<Shared>,
    /// How long operations through this handle wait for an agent that is away.
    away_max: Duration,
}

struct Shared {
    db: Db,
    clock: Clock,
    bells: Bells,
    /// The master stops: operations end without touching their commands.
    stop: CancellationToken,
    /// What runs beside the connections.
    tracker: TaskTracker,
    /// One for each agent that ever connected to this master; bounded by the agents configured.
    seats: Mutex<HashMap<AgentId, Arc<registry::Seat>>>,
}

impl Agents {
    /// A registry without anybody in it. After `stop` every operation ends with
    /// [`AgentError::Stopping`].
    #[must_use]
    pub fn new(db: &Db, clock: Clock, bells: Bells, stop: CancellationToken) -> Self {
        Self {
            shared: Arc::new(Shared {
                db: db.lane(Lane::Agents),
                clock,
                bells,
                stop,
                tracker: TaskTracker::new(),
                seats: Mutex::default(),
            }),
            away_max: AWAY_MAX,
        }
    }

    /// The same registry, whose operations wait that long for an agent that is away before it
    /// counts as gone for good ([`AgentError::Away`]).
    #[must_use]
    pub fn patient(&self, away_max: Duration) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            away_max,
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }
}
