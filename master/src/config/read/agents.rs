//! `[agent.NAME]`.

use std::collections::BTreeMap;

use crate::config::entries::{Entry, Noun};
use crate::config::keys;
use crate::config::resolved::Agent;

/// Builds at a time on one machine; above, a pool of machines is meant.
const SLOTS_MAX: i64 = 256;

/// Reads the entries.
pub(in crate::config) fn read(entries: &Noun<'_>) -> BTreeMap<String, Agent> {
    let agent = |entry: &Entry<'_>| {
        let title = format!("[agent.{}]", entry.name);
        let section = entry.value.section(title, keys::AGENT)?;
        let labels = section.key("labels").map(|value| value.text_map());
        let slots = match section.key("slots") {
            Some(value) => value.whole(1..=SLOTS_MAX)?,
            None => 1,
        };
        let agent = Agent {
            labels: labels.unwrap_or_default(),
            slots: u32::try_from(slots).unwrap_or(1),
        };
        Some((entry.name.to_owned(), agent))
    };
    entries.values().filter_map(agent).collect()
}
