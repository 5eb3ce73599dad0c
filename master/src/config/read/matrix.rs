//! The matrix of a builder: each combination becomes a builder of its own.

use std::collections::BTreeMap;

use crate::config::entries::{Entry, Noun};
use crate::config::keys;
use crate::config::names::NAMES;
use crate::config::reader::{Section, Value};
use crate::model::Name;

/// Builders out of one table: a matrix that makes more was not meant.
const COMBINATIONS_MAX: usize = 256;

/// One builder to read: the table and its combination.
pub(in crate::config) struct Plan<'a> {
    /// Its unfolded name, such as `package-x86_64`.
    pub(in crate::config) name: String,
    /// Name of the table.
    pub(super) family: &'a str,
    /// Its table.
    pub(super) section: Section<'a>,
    /// Its combination.
    pub(super) matrix: BTreeMap<String, String>,
}

/// Unfolds every builder, sorted by name.
pub(in crate::config) fn unfold<'a>(entries: &Noun<'a>) -> Vec<Plan<'a>> {
    let mut plans: Vec<Plan<'a>> = Vec::new();
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for entry in entries.values() {
        let title = format!("[builder.{}]", entry.name);
        let Some(section) = entry.value.section(title, keys::BUILDER) else {
            continue;
        };
        for (name, matrix) in combinations(entry, section.key("matrix").as_ref()) {
            if let Some(other) = seen.insert(name.clone(), entry.name) {
                let title = format!("there are two builders `{name}`");
                let help = format!("the other is made by [builder.{other}]: rename one");
                section.check.wrong(entry.key, title, "", help);
                continue;
            }
            plans.push(Plan {
                name,
                family: entry.name,
                section: section.clone(),
                matrix,
            });
        }
    }
    plans.sort_by(|one, other| one.name.cmp(&other.name));
    plans
}

type Combination = (String, BTreeMap<String, String>);

fn combinations(entry: &Entry<'_>, matrix: Option<&Value<'_>>) -> Vec<Combination> {
    let mut all: Vec<Combination> = vec![(entry.name.to_owned(), BTreeMap::new())];
    let Some(matrix) = matrix else { return all };
    for (axis, key, place) in matrix.entries() {
        check_key(&axis, key, place);
        let values = values(&axis);
        if all.len() * values.len() > COMBINATIONS_MAX {
            let title = format!("this matrix makes more than {COMBINATIONS_MAX} builders");
            matrix.wrong(title, "", "take values out, or split the builder");
            break;
        }
        let grown = all.iter().flat_map(|(name, done)| {
            values.iter().map(move |value| {
                let mut matrix = done.clone();
                matrix.insert(key.to_owned(), (*value).to_owned());
                (format!("{name}-{value}"), matrix)
            })
        });
        all = grown.collect();
    }
    if let Some((long, _)) = all.iter().find(|(name, _)| name.parse::<Name>().is_err()) {
        let title = format!("`{long}` would be too long for a builder's name");
        matrix.wrong(title, "", "shorten the builder's name or the values");
        all.retain(|(name, _)| name.parse::<Name>().is_ok());
    }
    all
}

fn check_key(axis: &Value<'_>, key: &str, place: crate::config::mistakes::Place) {
    let word = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let fixed = NAMES.iter().any(|entry| entry.name == key);
    if !word || fixed {
        let title = if fixed {
            format!("the matrix key `{key}` would hide the name `{{{key}}}`")
        } else {
            format!("`{key}` cannot be a matrix key")
        };
        axis.check.wrong(
            place,
            title,
            "",
            "choose a word such as `arch` or `flavour`",
        );
    }
}

fn values<'a>(axis: &Value<'a>) -> Vec<&'a str> {
    let texts = axis.texts();
    if texts.is_empty() {
        let title = format!("`{}` has no values", axis.name);
        axis.wrong(
            title,
            "",
            "write a list of texts, such as [\"x86_64\", \"aarch64\"]",
        );
    }
    let mut values: Vec<&str> = Vec::new();
    for (value, text) in texts {
        if text.parse::<Name>().is_err() {
            let title = format!("`{text}` cannot be part of a builder's name");
            value.wrong(title, "", "letters, digits, `.`, `_` and `-` are possible");
        } else if values.contains(&text) {
            value.wrong(format!("`{text}` is there twice"), "", "take one out");
        } else {
            values.push(text);
        }
    }
    values
}
