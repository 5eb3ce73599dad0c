//! The entries of all files together: one list per noun, each name once.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::keys;
use super::mistakes::{Check, Place};
use super::reader::{Value, place, wrong_key};
use super::suggest::nearest;
use crate::model::Name;

/// Most entries of one noun.
const NOUN_ENTRIES_MAX: usize = 10_000;

/// A `[noun.NAME]` table.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    /// Where its name stands.
    pub(super) key: Place,
    pub(super) value: Value<'a>,
}

/// The entries of one noun by name.
pub(super) type Noun<'a> = BTreeMap<&'a str, Entry<'a>>;

/// Everything that was written.
#[derive(Default)]
pub(super) struct Entries<'a> {
    pub(super) master: Option<Entry<'a>>,
    pub(super) mail: Option<Entry<'a>>,
    pub(super) agents: Option<Entry<'a>>,
    pub(super) uploads: Option<Entry<'a>>,
    nouns: BTreeMap<&'static str, Noun<'a>>,
}

/// The nouns whose entries have names.
const NOUNS: [&str; 7] = [
    "project",
    "repository",
    "agent",
    "builder",
    "schedule",
    "notify",
    "retention",
];

impl<'a> Entries<'a> {
    /// The entries of `noun`.
    pub(super) fn noun(&self, noun: &str) -> Noun<'a> {
        self.nouns.get(noun).cloned().unwrap_or_default()
    }

    /// Adds one file's tables.
    pub(super) fn add(&mut self, check: &'a Check<'a>, file: usize, table: &'a DeTable<'a>) {
        for (key, node) in table {
            let name = key.get_ref().as_ref();
            let value = Value::new(check, file, node, name);
            let key = place(file, key);
            let entry = Entry { name, key, value };
            match name {
                "include" if file > 0 => super::files::refuse_include(&entry.value),
                "include" => drop(entry.value.texts()),
                "master" => once(&mut self.master, entry),
                "mail" => once(&mut self.mail, entry),
                "agents" => once(&mut self.agents, entry),
                "uploads" => once(&mut self.uploads, entry),
                _ => match NOUNS.iter().find(|noun| **noun == name) {
                    Some(noun) => self.add_noun(noun, &entry.value),
                    None => wrong_key(check, key, "the configuration", name, keys::ROOT),
                },
            }
        }
    }

    fn add_noun(&mut self, noun: &'static str, table: &Value<'a>) {
        let DeValue::Table(_) = table.node else {
            let help = format!("write it as [{noun}.NAME]");
            table.wrong(format!("`{noun}` must be a table of tables"), "", help);
            return;
        };
        let check = table.check;
        let all = self.nouns.entry(noun).or_default();
        for (value, name, key) in table.entries() {
            if let Err(error) = name.parse::<Name>() {
                check.wrong(key, error.to_string(), "", "choose another name");
            } else if let Some(first) = all.get(name) {
                let help = format!("the first one is in {}", check.show(first.key));
                check.wrong(key, format!("there are two of [{noun}.{name}]"), "", help);
            } else if all.len() < NOUN_ENTRIES_MAX {
                all.insert(name, Entry { name, key, value });
            }
        }
    }
}

fn once<'a>(slot: &mut Option<Entry<'a>>, entry: Entry<'a>) {
    let check = entry.value.check;
    match slot {
        None => *slot = Some(entry),
        Some(first) => {
            let help = format!("the first one is in {}", check.show(first.key));
            check.wrong(
                entry.key,
                format!("there are two of [{}]", entry.name),
                "",
                help,
            );
        }
    }
}

/// The entry called `value`; told with the nearest name when there is none.
pub(super) fn known<'n, 'a>(
    value: &Value<'_>,
    noun: &str,
    entries: &'n Noun<'a>,
) -> Option<&'n Entry<'a>> {
    let name = value.text()?;
    let found = entries.get(name);
    if found.is_none() {
        let help = match nearest(name, entries.keys().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if entries.is_empty() => format!("add a table [{noun}.{name}]"),
            None => {
                let names: Vec<&str> = entries.keys().copied().take(10).collect();
                format!("there are: {}", names.join(", "))
            }
        };
        value.wrong(format!("there is no {noun} `{name}`"), "", help);
    }
    found
}
