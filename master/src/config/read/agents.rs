//! `[agents]` and `[agent.NAME]`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::mail;
use crate::config::entries::{Entry, Noun};
use crate::config::keys;
use crate::config::reader::{Section, Value};
use crate::config::resolved::{Agent, AgentDefaults};

/// Builds at a time on one machine; above, a pool of machines is meant.
const SLOTS_MAX: i64 = 256;
/// An agent that restarts needs up to a minute to dial again.
const LOST_AFTER_MIN: Duration = Duration::from_secs(10);
/// A master that is updated is away for less.
const LEASE_MIN: Duration = Duration::from_secs(60);
/// The most of these: a month.
const SPAN_MAX: Duration = Duration::from_secs(30 * 86_400);
/// An agent is back from a cut within its back-off of a minute.
const MISSING_AFTER: RangeInclusive<Duration> = Duration::from_secs(60)..=SPAN_MAX;

/// Reads `[agents]`.
pub(in crate::config) fn defaults(section: Option<&Section<'_>>) -> AgentDefaults {
    let defaults = AgentDefaults::default();
    let Some(section) = section else {
        return defaults;
    };
    let named_only = section.key("named_only").and_then(|value| value.flag());
    AgentDefaults {
        named_only: named_only.unwrap_or(false),
        ..care(section, defaults)
    }
}

/// Who looks after an agent, as the section says, else as `defaults` do.
fn care(section: &Section<'_>, defaults: AgentDefaults) -> AgentDefaults {
    let owner = section.key("owner").and_then(|value| mail::mailbox(&value));
    let contact = section.key("contact");
    let contact = contact.and_then(|value| value.line().map(str::to_owned));
    let missing = section.key("missing_after");
    let missing = missing.and_then(|value| value.duration(MISSING_AFTER));
    AgentDefaults {
        owner: owner.or(defaults.owner),
        contact: contact.or(defaults.contact),
        missing_after: missing.unwrap_or(defaults.missing_after),
        named_only: defaults.named_only,
    }
}

/// Reads the entries.
pub(in crate::config) fn read(
    entries: &Noun<'_>,
    defaults: &AgentDefaults,
) -> BTreeMap<String, Agent> {
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
        let care = care(&section, defaults.clone());
        let agent = Agent {
            labels: labels.unwrap_or_default(),
            slots: u32::try_from(slots).unwrap_or(1),
            dial: section.key("dial").and_then(|value| dialled(&value)),
            lost_after: lost_after?,
            lease: lease?,
            owner: care.owner,
            contact: care.contact,
            missing_after: care.missing_after,
        };
        Some((entry.name.to_owned(), agent))
    };
    entries.values().filter_map(agent).collect()
}

/// Where an agent listens: `host:port`.
fn dialled(value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    let fits = text.rsplit_once(':').is_some_and(|(host, port)| {
        let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        !host.is_empty() && !bare_v6 && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if !fits {
        let help =
            "write the host and port of its `listen`, such as \"builder-7.acme.example:9990\"";
        value.wrong(format!("`{text}` is nothing to dial"), "", help);
    }
    fits.then(|| text.to_owned())
}
