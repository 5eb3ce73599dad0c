//! A typed reader over parsed TOML that keeps every span and goes on after a mistake. It knows
//! types and bounds; what the keys mean is `read`'s.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::Keys;
use super::mistakes::{Check, Place};
use super::suggest::nearest;
use super::units;

/// Entries of one array or table: far above any real configuration.
const ENTRIES_MAX: usize = 1_000;
/// Longest text value, bytes; scripts have their own file in the repository above that.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A value with its place and its name for messages.
#[derive(Clone)]
pub(super) struct Value<'a> {
    pub(super) check: &'a Check<'a>,
    pub(super) node: &'a DeValue<'a>,
    pub(super) place: Place,
    /// Such as `url`.
    pub(super) name: String,
}

/// A table whose keys are known.
#[derive(Clone)]
pub(super) struct Section<'a> {
    pub(super) check: &'a Check<'a>,
    table: &'a DeTable<'a>,
    /// Where it is named: what is missing is told here.
    pub(super) place: Place,
    /// Such as `[repository.editor]`.
    pub(super) title: String,
}

impl<'a> Value<'a> {
    pub(super) fn new(
        check: &'a Check<'a>,
        file: usize,
        node: &'a Spanned<DeValue<'a>>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            check,
            node: node.get_ref(),
            place: place(file, node),
            name: name.into(),
        }
    }

    /// Notes a mistake at this value.
    pub(super) fn wrong(&self, title: impl Into<String>, label: &str, help: impl Into<String>) {
        self.check.wrong(self.place, title, label, help);
    }

    fn wrong_type(&self, expected: &str, help: &str) {
        let title = format!("`{}` must be {expected}", self.name);
        let label = format!("this is {}", kind(self.node));
        self.check.wrong(self.place, title, label, help);
    }

    /// A text that is not empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        let Some(text) = self.node.as_str() else {
            self.wrong_type("a text", &format!("write {} = \"…\"", self.name));
            return None;
        };
        if text.trim().is_empty() {
            let title = format!("`{}` is empty", self.name);
            self.wrong(title, "", "write a value or leave the key out");
        } else if text.len() > TEXT_BYTES_MAX || text.contains('\0') {
            let title = format!("`{}` is no usable text", self.name);
            let help = format!("at most {TEXT_BYTES_MAX} bytes and no NUL are possible");
            self.wrong(title, "", help);
        } else {
            return Some(text);
        }
        None
    }

    /// One line of text without control characters.
    pub(super) fn line(&self) -> Option<&'a str> {
        let text = self.text()?;
        if text.chars().any(char::is_control) {
            let title = format!("`{}` must be one line of plain text", self.name);
            self.wrong(title, "", "take the control characters out");
            return None;
        }
        Some(text)
    }

    pub(super) fn flag(&self) -> Option<bool> {
        let flag = self.node.as_bool();
        if flag.is_none() {
            self.wrong_type("true or false", "write it without quotes");
        }
        flag
    }

    pub(super) fn whole(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let number = self
            .node
            .as_integer()
            .and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        if self.node.as_integer().is_none() {
            self.wrong_type("a whole number", "write it without quotes");
        } else if number.is_none_or(|number| !range.contains(&number)) {
            self.wrong_bounds(range.start(), range.end());
        }
        number.filter(|number| range.contains(number))
    }

    fn wrong_bounds(&self, least: impl Display, most: impl Display) {
        let title = format!("`{}` is out of bounds", self.name);
        self.wrong(title, "", format!("from {least} to {most} is possible"));
    }

    pub(super) fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let help = "write a number with its unit, such as \"30s\" or \"2h\"";
        let span = self.measure("a duration", help, units::parse_duration)?;
        if range.contains(&span) {
            return Some(span);
        }
        let (least, most) = (range.start(), range.end());
        self.wrong_bounds(units::show_duration(*least), units::show_duration(*most));
        None
    }

    pub(super) fn size(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let help = "write a number with its unit, such as \"64 MiB\"";
        let size = self.measure("a size", help, units::parse_size)?;
        if range.contains(&size) {
            return Some(size);
        }
        self.wrong_bounds(
            units::show_size(*range.start()),
            units::show_size(*range.end()),
        );
        None
    }

    /// A text that `parse` takes.
    fn measure<T>(&self, kind: &str, help: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
        let Some(text) = self.node.as_str() else {
            self.wrong_type(kind, help);
            return None;
        };
        let parsed = parse(text);
        if parsed.is_none() {
            let title = format!("`{}` must be {kind}", self.name);
            self.wrong(title, "a unit is missing or unknown", help);
        }
        parsed
    }

    /// The entries of an array.
    pub(super) fn array(&self) -> Option<Vec<Value<'a>>> {
        let Some(array) = self.node.as_array() else {
            self.wrong_type("a list", &format!("write {} = [ … ]", self.name));
            return None;
        };
        if array.len() > ENTRIES_MAX {
            let title = format!("`{}` has {} entries", self.name, array.len());
            self.wrong(title, "", format!("at most {ENTRIES_MAX} are possible"));
            return None;
        }
        let entries = array.iter().enumerate();
        let entry = |(at, node)| {
            let name = format!("{}[{at}]", self.name);
            Value::new(self.check, self.place.file, node, name)
        };
        Some(entries.map(entry).collect())
    }

    /// The texts of an array, or of a single text.
    pub(super) fn texts(&self) -> Vec<(Value<'a>, &'a str)> {
        let entries = match self.node {
            DeValue::String(_) => vec![self.clone()],
            _ => self.array().unwrap_or_default(),
        };
        entries
            .into_iter()
            .filter_map(|entry| entry.line().map(|text| (entry, text)))
            .collect()
    }

    /// A table with free keys, in the order they are written.
    pub(super) fn entries(&self) -> Vec<(Value<'a>, &'a str, Place)> {
        let Some(table) = self.node.as_table() else {
            self.wrong_type("a table", &format!("write {} = {{ … }}", self.name));
            return Vec::new();
        };
        if table.len() > ENTRIES_MAX {
            let title = format!("`{}` has {} entries", self.name, table.len());
            self.wrong(title, "", format!("at most {ENTRIES_MAX} are possible"));
            return Vec::new();
        }
        let file = self.place.file;
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, node)| {
                let name = format!("{}.{}", self.name, key.get_ref());
                let value = Value::new(self.check, file, node, name);
                (value, key.get_ref().as_ref(), place(file, key))
            })
            .collect();
        entries.sort_by_key(|(_, _, key)| key.start);
        entries
    }

    /// A table of texts with free keys.
    pub(super) fn text_map(&self) -> BTreeMap<String, String> {
        let lines = self.entries().into_iter().filter_map(|(value, key, _)| {
            let text = value.line()?;
            Some((key.to_owned(), text.to_owned()))
        });
        lines.collect()
    }

    /// A table whose keys are `keys`; others are told.
    pub(super) fn section(&self, title: impl Into<String>, keys: Keys) -> Option<Section<'a>> {
        let title = title.into();
        let Some(table) = self.node.as_table() else {
            self.wrong_type("a table", &format!("write {} = {{ … }}", self.name));
            return None;
        };
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !keys.keys.contains(&name) {
                wrong_key(self.check, place(self.place.file, key), &title, name, keys);
            }
        }
        Some(Section {
            check: self.check,
            table,
            place: self.place,
            title,
        })
    }

    /// One of `words`, by its text.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let all: Vec<String> = words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            let near = nearest(text, words.iter().map(|(word, _)| *word));
            let help = match near {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("possible: {}", all.join(", ")),
            };
            let title = format!("`{text}` is not possible for `{}`", self.name);
            self.wrong(title, "", help);
        }
        found.map(|(_, value)| *value)
    }
}

impl<'a> Section<'a> {
    /// The value of `key`, if it is written.
    pub(super) fn key(&self, key: &str) -> Option<Value<'a>> {
        let node = self.table.get(key)?;
        Some(Value::new(self.check, self.place.file, node, key))
    }

    /// Whether `key` is written.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of `key`; told when it is missing. `example` shows how it is written.
    pub(super) fn need(&self, key: &str, example: &str) -> Option<Value<'a>> {
        let found = self.key(key);
        if found.is_none() {
            let title = format!("{} has no `{key}`", self.title);
            let help = format!("add a line such as: {key} = {example}");
            self.check.wrong(self.place, title, "", help);
        }
        found
    }
}

/// Tells of a key that the table does not have.
pub(super) fn wrong_key(check: &Check<'_>, place: Place, title: &str, name: &str, keys: Keys) {
    let help = match nearest(name, keys.keys.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", keys.keys.join(", ")),
    };
    let shown: String = name.chars().take(64).collect();
    check.wrong(
        place,
        format!("{title} has no key `{shown}`"),
        "unknown key",
        help,
    );
}

/// Where a spanned thing lies.
pub(super) fn place<T>(file: usize, node: &Spanned<T>) -> Place {
    let span = node.span();
    Place {
        file,
        start: span.start,
        end: span.end,
    }
}

fn kind(node: &DeValue<'_>) -> &'static str {
    match node {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
