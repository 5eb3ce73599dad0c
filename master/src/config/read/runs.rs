//! A `run` step: the command, its limits and its environment. How else it is run is `manner`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use super::templates::{self, Allowed, Names};
use super::{manner, paths};
use crate::config::load::Scope;
use crate::config::manner::Manner;
use crate::config::reader::{Section, Value};
use crate::config::resolved::{Run, RunCommand, StepKind};
use crate::config::template::Template;

/// Longest name made out of a script's first line.
const MADE_NAME_CHARS_MAX: usize = 40;
/// Arguments of one command.
const ARGUMENTS_MAX: usize = 500;

/// A run may last this long unless told otherwise: most full builds end within.
const TIMEOUT: Duration = Duration::from_secs(3_600);
/// A run may be silent this long unless told otherwise: long links and tests are.
const IDLE: Duration = Duration::from_secs(20 * 60);
/// Time between TERM and KILL unless told otherwise: enough to remove temporary files.
const GRACE: Duration = Duration::from_secs(10);
/// Bounds of the three: a second is the least that can be meant, a month the most.
const SPAN_MIN: Duration = Duration::from_secs(1);
const SPAN_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Output of one run unless told otherwise.
const OUTPUT_BYTES: u64 = 256 << 20;
/// Bounds of the output.
const OUTPUT_BYTES_MIN: u64 = 1 << 10;
const OUTPUT_BYTES_MAX: u64 = 64 << 30;

/// Reads a `run` step; also gives a name made out of its command.
pub(super) fn read(
    scope: &Scope<'_>,
    section: &Section<'_>,
    value: &Value<'_>,
    names: &Names<'_>,
) -> Option<(StepKind, String)> {
    let cwd = match section.key("cwd") {
        Some(value) => paths::folder(&value),
        None => Some(".".to_owned()),
    };
    let span = |key: &str, usual: Duration| match section.key(key) {
        Some(value) => value.duration(SPAN_MIN..=SPAN_MAX),
        None => Some(usual),
    };
    let (timeout, idle) = (span("timeout", TIMEOUT), span("idle", IDLE));
    let grace = span("grace", GRACE);
    let output_bytes_max = match section.key("output_max") {
        Some(value) => value.size(OUTPUT_BYTES_MIN..=OUTPUT_BYTES_MAX),
        None => Some(OUTPUT_BYTES),
    };
    let stdin = match section.key("stdin") {
        Some(value) => Some(templates::read(&value, names, Allowed::Anything)?),
        None => None,
    };
    let mut manner = manner::read(section)?;
    let env = match section.key("env") {
        Some(value) => env(scope, &value, names, &mut manner),
        None => BTreeMap::new(),
    };
    let (command, made) = command(value, names)?;
    let run = Run {
        command,
        cwd: cwd?,
        stdin,
        manner,
        env,
        timeout: timeout?,
        idle: idle?,
        grace: grace?,
        output_bytes_max: output_bytes_max?,
    };
    Some((StepKind::Run(run), made))
}

fn command(value: &Value<'_>, names: &Names<'_>) -> Option<(RunCommand, String)> {
    if let Some(text) = value.node.as_str() {
        let script = templates::read(value, names, Allowed::Script)?;
        return Some((RunCommand::Script(script), made_name(text)));
    }
    let entries = value.array()?;
    if entries.is_empty() || entries.len() > ARGUMENTS_MAX {
        let title = format!("`run` has {} arguments", entries.len());
        value.wrong(title, "", format!("1 to {ARGUMENTS_MAX} are possible"));
        return None;
    }
    let words = entries.iter().map(|entry| match entry.node.as_str() {
        // An empty argument is a value like any other.
        Some("") => Some(Template::literal("")),
        _ => templates::read(entry, names, Allowed::Anything),
    });
    // Every word is read, so that all mistakes are told.
    let words: Vec<Option<Template>> = words.collect();
    let words: Vec<Template> = words.into_iter().collect::<Option<_>>()?;
    let shown: Vec<String> = words.iter().map(Template::to_string).collect();
    Some((RunCommand::Argv(words), made_name(&shown.join(" "))))
}

fn env(
    scope: &Scope<'_>,
    value: &Value<'_>,
    names: &Names<'_>,
    manner: &mut Manner,
) -> BTreeMap<String, Template> {
    let mut env = BTreeMap::new();
    for (value, key, place) in value.entries() {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || key.starts_with(|c: char| c.is_ascii_digit()) || !key.chars().all(word)
        {
            let title = format!("`{key}` cannot be an environment variable");
            let help = "letters, digits and `_` are possible, no digit first";
            value.check.wrong(place, title, "", help);
        } else if value.node.is_table() {
            manner::variable(scope, key, &value, manner);
        } else if value.node.as_str() == Some("") {
            env.insert(key.to_owned(), Template::literal(""));
        } else if let Some(template) = templates::read(&value, names, Allowed::Anything) {
            env.insert(key.to_owned(), template);
        }
    }
    env
}

/// A name out of a command: its first line that says something, cut.
fn made_name(command: &str) -> String {
    let lines = command.lines().map(str::trim);
    let line = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .find(|line| !line.starts_with("set "))
        .unwrap_or("run");
    let plain: String = line.chars().filter(|c| !c.is_control()).collect();
    if plain.chars().count() <= MADE_NAME_CHARS_MAX {
        return plain;
    }
    let cut: String = plain.chars().take(MADE_NAME_CHARS_MAX - 1).collect();
    format!("{}…", cut.trim_end())
}
