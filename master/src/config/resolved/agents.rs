//! `[agents]` and `[agent.NAME]`.

use std::collections::BTreeMap;
use std::time::Duration;

/// `[agents]`: what holds for every agent that does not say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentDefaults {
    /// Mail address of whoever looks after them.
    pub owner: Option<String>,
    /// How else they are reached.
    pub contact: Option<String>,
    /// Away for longer, the owner is told.
    pub missing_after: Duration,
    /// Only agents with a table of their own may build; tokens are for those alone.
    pub named_only: bool,
}

impl Default for AgentDefaults {
    fn default() -> Self {
        Self {
            owner: None,
            contact: None,
            // A machine that is updated and started again is back by then.
            missing_after: Duration::from_secs(600),
            named_only: false,
        }
    }
}

/// `[agent.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// What it is, for builders to choose by (`os`, `arch`, …).
    pub labels: BTreeMap<String, String>,
    /// Builds at a time, 1 to 256.
    pub slots: u32,
    /// `host:port` where it listens and the master dials; else it dials.
    pub dial: Option<String>,
    /// Away for longer, it counts as gone for good.
    pub lost_after: Duration,
    /// How long its commands may run without a master.
    pub lease: Duration,
    /// Mail address of whoever looks after it, who is told when it is missing.
    pub owner: Option<String>,
    /// How else that person, or the machine, is reached: a room, a telephone number.
    pub contact: Option<String>,
    /// Away for longer, the owner is told.
    pub missing_after: Duration,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            labels: BTreeMap::new(),
            slots: 1,
            dial: None,
            // A machine that is updated and started again is back within the hour.
            lost_after: Duration::from_secs(3_600),
            // A master that fell over on Friday evening is found on Monday morning.
            lease: Duration::from_secs(3 * 86_400),
            owner: None,
            contact: None,
            missing_after: AgentDefaults::default().missing_after,
        }
    }
}
