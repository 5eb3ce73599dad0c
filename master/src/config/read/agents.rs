//! `[agent.NAME]`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::entries::{Entry, Noun};
use crate::config::keys;
use crate::config::resolved::Agent;

/// Builds at a time on one machine; above, a pool of machines is meant.
const SLOTS_MAX: i64 = 256;
/// An agent that restarts needs up to a minute to dial again.
const LOST_AFTER_MIN: Duration = Duration::from_secs(10);
/// A master that is updated is away for less.
const LEASE_MIN: Duration = Duration::from_secs(60);
/// The most of both: a month.
const SPAN_MAX: Duration = Duration::from_secs(30 * 86_400);

/// Reads the entries.
pub(in crate::config) fn read(entries: &Noun<'_>) -> BTreeMap<String, Agent> {
    let agent = |entry: &Entry<'_>| {
        let title = format!("[agent.{}]", entry.name);
        let section = entry.value.section(title, keys::AGENT)?;
        let usual = Agent::default();
        let labels = section.key("labels").map(|value| value.text_map());
        let slots = match section.key("slots") {
            Some(value) => value.whole(1..=SLOTS_MAX)?,
            None => i64::from(usual.slots),
        };
        let span = |key: &str, least: Duration, usual: Duration| match section.key(key) {
            Some(value) => value.duration(least..=SPAN_MAX),
            None => Some(usual),
        };
        let (lost_after, lease) = (
            span("lost_after", LOST_AFTER_MIN, usual.lost_after),
            span("lease", LEASE_MIN, usual.lease),
        );
        let agent = Agent {
            labels: labels.unwrap_or_default(),
            slots: u32::try_from(slots).unwrap_or(1),
            lost_after: lost_after?,
            lease: lease?,
        };
        Some((entry.name.to_owned(), agent))
    };
    entries.values().filter_map(agent).collect()
}
