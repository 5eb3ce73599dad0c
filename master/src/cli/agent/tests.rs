//! What `windlass agent list` tells of an agent.

use std::collections::BTreeMap;

use super::line;
use crate::clock::Time;
use crate::ids::AgentId;
use crate::model::AgentSummary;

#[test]
fn an_agent_that_the_master_holds_is_told_as_connected() {
    let mut agent = AgentSummary {
        id: AgentId(1),
        name: "linux-1".to_owned(),
        version: None,
        os: None,
        arch: None,
        facts: BTreeMap::new(),
        labels: BTreeMap::new(),
        slots: 1,
        active: true,
        paused: false,
        enrolled: false,
        has_old_key: false,
        owner: None,
        contact: None,
        peer: None,
        transport: None,
        confidential: None,
        status: None,
        refuses: None,
        missing_at: None,
        upgrade: None,
        // Only the master's own process knows better; commands run beside it.
        connected: false,
        has_key: true,
        connected_at: None,
        last_seen_at: None,
        running: Vec::new(),
    };
    assert!(line(&agent).ends_with("never seen"));
    agent.last_seen_at = Some(Time(7));
    assert!(line(&agent).contains("away since"));
    agent.connected_at = Some(Time(7));
    assert!(line(&agent).contains("connected since"));
}
