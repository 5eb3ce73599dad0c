//! `[schedule.NAME]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::globs;
use crate::config::entries::{Entry, Noun, known};
use crate::config::keys;
use crate::config::load::Scope;
use crate::config::reader::{Section, Value};
use crate::config::resolved::{Parameter, ParameterKind, Schedule, Trigger};

/// A branch is quiet after this unless told otherwise: a push of several commits is one build.
const QUIET: Duration = Duration::from_secs(10);
/// Longest quiet time; longer ones are periodic builds.
const QUIET_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Fields of one form.
const PARAMETERS_MAX: usize = 50;
/// Choices of one field.
const CHOICES_MAX: usize = 200;
/// Longest default, bytes: the same bound as for what is typed.
const DEFAULT_BYTES_MAX: usize = 4_096;

#[derive(Clone, Copy)]
enum On {
    Change,
    Force,
}

/// Reads the entries; `builders` are the unfolded names.
pub(in crate::config) fn read(
    scope: &Scope<'_>,
    entries: &Noun<'_>,
    builders: &[&str],
) -> BTreeMap<String, Schedule> {
    let read = |entry: &Entry<'_>| Some((entry.name.to_owned(), schedule(scope, entry, builders)?));
    entries.values().filter_map(read).collect()
}

fn schedule(scope: &Scope<'_>, entry: &Entry<'_>, builders: &[&str]) -> Option<Schedule> {
    let title = format!("[schedule.{}]", entry.name);
    let on = match entry
        .value
        .node
        .as_table()
        .and_then(|table| table.get("on"))
    {
        Some(node) => {
            let value = Value::new(entry.value.check, entry.value.place.file, node, "on");
            value.one_of(&[("change", On::Change), ("force", On::Force)])?
        }
        None => {
            let title = format!("{title} does not say when it asks for builds");
            let help = "add a line such as: on = \"change\" (or \"force\")";
            entry.value.wrong(title, "", help);
            return None;
        }
    };
    let keys = match on {
        On::Change => keys::CHANGE,
        On::Force => keys::FORCE,
    };
    let section = entry.value.section(title, keys)?;
    let chosen = section
        .need("builders", "[\"*\"]")
        .map(|value| globs::builders(&value, builders));
    let trigger = match on {
        On::Change => change(scope, &section)?,
        On::Force => Trigger::Force {
            parameters: section
                .key("parameters")
                .map(|value| parameters(&value))
                .unwrap_or_default(),
        },
    };
    Some(Schedule {
        builders: chosen.unwrap_or_default(),
        trigger,
    })
}

fn change(scope: &Scope<'_>, section: &Section<'_>) -> Option<Trigger> {
    let quiet = match section.key("quiet") {
        Some(value) => value.duration(Duration::ZERO..=QUIET_MAX),
        None => Some(QUIET),
    };
    let branches = section.key("branches").map(|value| globs::branches(&value));
    let mut all = scope.repositories.values();
    let repository = match (section.key("repository"), all.next(), all.next()) {
        (Some(value), ..) => known(&value, "repository", &scope.repositories)?.name,
        (None, Some(only), None) => only.name,
        _ => {
            section.need("repository", "\"editor\"");
            return None;
        }
    };
    Some(Trigger::Change {
        repository: repository.to_owned(),
        branches: branches.unwrap_or_else(|| vec!["**".to_owned()]),
        quiet: quiet?,
    })
}

fn parameters(value: &Value<'_>) -> Vec<Parameter> {
    let entries = value.entries();
    if entries.len() > PARAMETERS_MAX {
        let title = format!("this form has {} fields", entries.len());
        value.wrong(title, "", format!("at most {PARAMETERS_MAX} are possible"));
    }
    let mut parameters: Vec<Parameter> = Vec::new();
    for (value, name, place) in entries {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let letter = |c: char| c.is_ascii_alphabetic();
        if name.len() > 64 || !name.starts_with(letter) || !name.chars().all(word) {
            let help = "letters, digits, `_` and `-` are possible, a letter first";
            let title = format!("`{name}` is no name of a parameter");
            value.check.wrong(place, title, "", help);
        } else if let Some(parameter) = parameter(&value, name) {
            parameters.push(parameter);
        }
    }
    parameters
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Text,
    Int,
    Bool,
    Choice,
}

fn parameter(value: &Value<'_>, name: &str) -> Option<Parameter> {
    let section = value.section(format!("the parameter `{name}`"), keys::PARAMETER)?;
    let kind = match section.key("type") {
        Some(value) => value.one_of(&[
            ("text", Type::Text),
            ("int", Type::Int),
            ("bool", Type::Bool),
            ("choice", Type::Choice),
        ])?,
        None if section.has("of") => Type::Choice,
        None => Type::Text,
    };
    let kind = match (kind, section.key("of")) {
        (Type::Choice, _) => ParameterKind::Choice(choices(&section)?),
        (_, Some(of)) => {
            let help = "write type = \"choice\", or take it out";
            of.wrong("`of` belongs to a choice", "", help);
            return None;
        }
        (Type::Text, None) => ParameterKind::Text,
        (Type::Int, None) => ParameterKind::Int,
        (Type::Bool, None) => ParameterKind::Bool,
    };
    let label = section.key("label").and_then(|value| value.line());
    let default = match section.key("default") {
        Some(value) => Some(default(&value, &kind)?),
        None => None,
    };
    let required = section.key("required").and_then(|value| value.flag());
    Some(Parameter {
        name: name.to_owned(),
        label: label.unwrap_or(name).to_owned(),
        kind,
        default,
        required: required.unwrap_or(false),
    })
}

fn choices(section: &Section<'_>) -> Option<Vec<String>> {
    let value = section.need("of", "[\"debug\", \"release\"]")?;
    let texts = value.texts();
    if texts.is_empty() || texts.len() > CHOICES_MAX {
        let title = format!("a choice of {} values", texts.len());
        value.wrong(title, "", format!("1 to {CHOICES_MAX} are possible"));
        return None;
    }
    Some(texts.into_iter().map(|(_, text)| text.to_owned()).collect())
}

fn default(value: &Value<'_>, kind: &ParameterKind) -> Option<String> {
    match kind {
        ParameterKind::Int => value.whole(i64::MIN..=i64::MAX).map(|n| n.to_string()),
        ParameterKind::Bool => value.flag().map(|flag| flag.to_string()),
        ParameterKind::Choice(of) => {
            let words: Vec<(&str, &str)> = of.iter().map(|w| (w.as_str(), w.as_str())).collect();
            value.one_of(&words).map(str::to_owned)
        }
        ParameterKind::Text => {
            let text = value.line()?;
            if text.len() > DEFAULT_BYTES_MAX {
                let help = format!("at most {DEFAULT_BYTES_MAX} bytes are possible");
                value.wrong("this default is too long", "", help);
                return None;
            }
            Some(text.to_owned())
        }
    }
}
