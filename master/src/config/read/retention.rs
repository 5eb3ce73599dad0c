//! `[retention.NAME]`, and the keys of `[master]` and `[project.NAME]` that are about the store.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{globs, mail};
use crate::config::collecting::{Collect, Collecting, Retention};
use crate::config::entries::{Entry, Noun};
use crate::config::keys;
use crate::config::reader::{Section, Value};

/// Longest time in days: a century, as of any duration.
const DAYS_MAX: i64 = 36_500;
/// Most newest products: more is a policy of days.
const NEWEST_MAX: i64 = 100_000;
/// Quotas from a megabyte, below which nothing can be stored, to what a size can say.
const QUOTA: std::ops::RangeInclusive<u64> = 1_000_000..=(1 << 53);
/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// Reads the entries; `projects` are there to be matched.
pub(in crate::config) fn read(
    entries: &Noun<'_>,
    projects: &Noun<'_>,
) -> BTreeMap<String, Retention> {
    let read = |entry: &Entry<'_>| Some((entry.name.to_owned(), one(entry, projects)?));
    entries.values().filter_map(read).collect()
}

fn one(entry: &Entry<'_>, projects: &Noun<'_>) -> Option<Retention> {
    let title = format!("[retention.{}]", entry.name);
    let section = entry.value.section(title, keys::RETENTION)?;
    let default = Retention::default();
    let count = |key: &str, least: i64| {
        let value = section.key(key)?.whole(least..=NEWEST_MAX)?;
        u32::try_from(value).ok()
    };
    let globs = |key: &str| section.key(key).map(|value| globs::branches(&value));
    if let Some(value) = section.key("projects") {
        tell_unmatched(&value, projects);
    }
    Some(Retention {
        projects: globs("projects").unwrap_or(default.projects),
        branches: globs("branches").unwrap_or(default.branches),
        // The newest of a branch is what its applications get: it always stays.
        keep_newest: count("keep_newest", 1).unwrap_or(default.keep_newest),
        keep_newest_good: count("keep_newest_good", 0).unwrap_or(default.keep_newest_good),
        keep: days(&section, "keep_days", 0).unwrap_or(default.keep),
        deleted_branches: days(&section, "deleted_branch_days", 0),
        bad: days(&section, "bad_days", 0),
        grace: days(&section, "grace_days", 0).unwrap_or(default.grace),
        trash: days(&section, "trash_days", 1).unwrap_or(default.trash),
        roles: roles(&section),
        logs: days(&section, "log_days", 1),
        builds: days(&section, "build_days", 1),
    })
}

/// A glob that no project fits would keep nothing and collect nothing: it is a mistake.
fn tell_unmatched(value: &Value<'_>, projects: &Noun<'_>) {
    for (entry, text) in value.texts() {
        let Ok(glob) = globset::Glob::new(text) else {
            continue;
        };
        let glob = glob.compile_matcher();
        if !projects.keys().any(|name| glob.is_match(name)) {
            let names: Vec<&str> = projects.keys().copied().take(10).collect();
            let help = match names.is_empty() {
                true => format!("add a table [project.{text}]"),
                false => format!("there are: {}", names.join(", ")),
            };
            entry.wrong(format!("there is no project `{text}`"), "", help);
        }
    }
}

fn roles(section: &Section<'_>) -> BTreeMap<String, Duration> {
    let Some(value) = section.key("role_days") else {
        return BTreeMap::new();
    };
    let entries = value.entries().into_iter();
    let role = |(value, role, _): (Value<'_>, &str, _)| {
        Some((role.to_owned(), span(value.whole(0..=DAYS_MAX)?)))
    };
    entries.filter_map(role).collect()
}

fn days(section: &Section<'_>, key: &str, least: i64) -> Option<Duration> {
    let value = section.key(key)?;
    Some(span(value.whole(least..=DAYS_MAX)?))
}

fn span(days: i64) -> Duration {
    DAY * u32::try_from(days).unwrap_or(0)
}

/// The keys of `[master]`.
pub(super) fn collecting(section: Option<&Section<'_>>) -> Collecting {
    let default = Collecting::default();
    let Some(section) = section else {
        return default;
    };
    let rate = |value: Value<'_>| match value.node.as_bool() {
        Some(false) => Some(0),
        _ => value.size(1..=1 << 40),
    };
    Collecting {
        collect: section
            .key("collect")
            .map_or(default.collect, |value| collect(&value)),
        applies: section
            .key("collect_applies")
            .and_then(|value| value.flag())
            .unwrap_or(default.applies),
        quota: section.key("quota").and_then(|value| value.size(QUOTA)),
        owners: section
            .key("store_owner")
            .map(|value| owners(&value))
            .unwrap_or_default(),
        store_grace: section
            .key("store_grace")
            // An upload may lie complete for an hour before it is named.
            .and_then(|value| value.duration(Duration::from_secs(3_600)..=DAY * 365))
            .unwrap_or(default.store_grace),
        scrub: section.key("scrub").and_then(rate).unwrap_or(default.scrub),
        hold_notice: days(section, "hold_notice_days", 0).unwrap_or(default.hold_notice),
        events: days(section, "event_days", 1).unwrap_or(default.events),
        audit: days(section, "audit_days", 30).unwrap_or(default.audit),
        mails: days(section, "mail_days", 4).unwrap_or(default.mails),
    }
}

/// `quota` of a project.
pub(super) fn quota(section: &Section<'_>) -> Option<u64> {
    section.key("quota").and_then(|value| value.size(QUOTA))
}

fn owners(value: &Value<'_>) -> Vec<String> {
    let entries = value.texts().into_iter();
    entries
        .filter_map(|(entry, _)| mail::address(&entry))
        .collect()
}

/// `"04:00"`, `"6h"`, or `false`.
fn collect(value: &Value<'_>) -> Option<Collect> {
    if value.node.as_bool() == Some(false) {
        return None;
    }
    let text = value.line()?;
    let Some((hour, minute)) = text.split_once(':') else {
        let least = Duration::from_secs(600);
        return value.duration(least..=DAY * 31).map(Collect::Every);
    };
    let number = |text: &str, most: u32| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<u32>().ok();
        number.filter(|number| digits && *number < most)
    };
    if let (Some(hour), Some(minute)) = (number(hour, 24), number(minute, 60)) {
        return Some(Collect::Daily {
            minute: hour * 60 + minute,
        });
    }
    let help = "write a time of day in UTC such as \"04:00\", a time between two such as \"6h\", \
                or false";
    value.wrong(format!("`{text}` is no time of day"), "", help);
    None
}
