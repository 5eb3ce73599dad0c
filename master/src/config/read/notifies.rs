//! `[notify.NAME]`.

use std::collections::BTreeMap;

use super::{globs, mail};
use crate::config::entries::{Entry, Noun};
use crate::config::keys;
use crate::config::reader::Value;
use crate::config::resolved::{Notify, Occasion, Receiver};

/// Receivers of one entry; above, a mailing list is meant.
const RECEIVERS_MAX: usize = 100;

const OCCASIONS: [(&str, Occasion); 6] = [
    ("change", Occasion::Change),
    ("failing", Occasion::Failing),
    ("recovered", Occasion::Recovered),
    ("failure", Occasion::Failure),
    ("success", Occasion::Success),
    ("always", Occasion::Always),
];

/// Reads the entries; `builders` are the unfolded names.
pub(in crate::config) fn read(entries: &Noun<'_>, builders: &[&str]) -> BTreeMap<String, Notify> {
    let read = |entry: &Entry<'_>| Some((entry.name.to_owned(), notify(entry, builders)?));
    entries.values().filter_map(read).collect()
}

fn notify(entry: &Entry<'_>, builders: &[&str]) -> Option<Notify> {
    let title = format!("[notify.{}]", entry.name);
    let section = entry.value.section(title, keys::NOTIFY)?;
    let chosen = section.key("builders");
    let chosen = chosen.map(|value| globs::builders(&value, builders));
    let when = match section.key("when") {
        Some(value) => occasions(&value),
        None => vec![Occasion::Change],
    };
    let to = section.need("to", "[\"authors\", \"builds@acme.example\"]")?;
    Some(Notify {
        builders: chosen.unwrap_or_default(),
        when,
        to: receivers(&to),
    })
}

fn occasions(value: &Value<'_>) -> Vec<Occasion> {
    let texts = value.texts();
    if texts.is_empty() {
        let help = "write when = [\"change\"], or leave the key out";
        value.wrong("`when` names no occasion", "", help);
    }
    let entries = texts.into_iter();
    entries
        .filter_map(|(entry, _)| entry.one_of(&OCCASIONS))
        .collect()
}

fn receivers(value: &Value<'_>) -> Vec<Receiver> {
    let texts = value.texts();
    if texts.is_empty() || texts.len() > RECEIVERS_MAX {
        let title = format!("`to` names {} receivers", texts.len());
        let help =
            format!("1 to {RECEIVERS_MAX} are possible; \"authors\" are those of the changes");
        value.wrong(title, "", help);
    }
    let entries = texts.into_iter();
    let receiver = |(entry, text): (Value<'_>, &str)| match text {
        "authors" => Some(Receiver::Authors),
        _ => mail::address(&entry).map(Receiver::Address),
    };
    entries.filter_map(receiver).collect()
}
