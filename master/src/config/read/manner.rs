//! How a `run` step is run: its terminal, input limits, priority, further logs, and variables that
//! are no plain texts.

use std::collections::BTreeMap;

use super::master::secret;
use super::paths;
use crate::config::keys;
use crate::config::load::Scope;
use crate::config::manner::{Manner, OnFull, Pty};
use crate::config::reader::{Section, Value};
use crate::model::Name;

/// Most lines of output that can be asked for: a year of a line each microsecond.
const LINES_MAX: i64 = 1_000_000_000_000;
/// Most further logs of a step; the protocol has as many.
const LOGS_MAX: usize = 16;
/// Names of logs that every command may have.
const OWN_LOGS: [&str; 2] = ["output", "errors"];

/// Reads the keys of a `run` step that say how it is run; its `env` comes after.
pub(super) fn read(section: &Section<'_>) -> Option<Manner> {
    let flag = |key: &str| match section.key(key) {
        Some(value) => value.flag(),
        None => Some(false),
    };
    let (clean_env, split) = (flag("clean_env"), flag("split"));
    let lines_max = match section.key("max_lines") {
        Some(value) => value.whole(1..=LINES_MAX),
        None => Some(0),
    };
    let nice = match section.key("nice") {
        Some(value) => value.whole(0..=19),
        None => Some(0),
    };
    let leftovers = match section.key("leftovers") {
        Some(value) => value.one_of(&[("kill", false), ("keep", true)]),
        None => Some(false),
    };
    let on_full = match section.key("on_full") {
        Some(value) => value.one_of(&[
            ("block", OnFull::Block),
            ("kill", OnFull::Kill),
            ("drop", OnFull::Drop),
        ]),
        None => Some(OnFull::Block),
    };
    let umask = section.key("umask").map(|value| umask(&value));
    let logs = section.key("logs").map(|value| logs(&value));
    let pty = section.key("pty").map(|value| pty(&value));
    if let (Some(true), Some(Some(Some(_))), Some(value)) = (split, pty, section.key("split")) {
        let title = "a terminal has one output".to_owned();
        value.wrong(title, "", "take `split` or `pty` out");
        return None;
    }
    Some(Manner {
        clean_env: clean_env?,
        pty: pty.unwrap_or(Some(None))?,
        nice: u8::try_from(nice?).ok()?,
        umask: match umask {
            Some(mask) => Some(mask?),
            None => None,
        },
        split: split?,
        lines_max: u64::try_from(lines_max?).ok()?,
        keep_leftovers: leftovers?,
        on_full: on_full?,
        logs: logs.unwrap_or(Some(BTreeMap::new()))?,
        ..Manner::default()
    })
}

/// `true`, `false` or a size.
fn pty(value: &Value<'_>) -> Option<Option<Pty>> {
    let usual = Pty {
        rows: 24,
        columns: 80,
    };
    if !value.node.is_table() {
        return value.flag().map(|on| on.then_some(usual));
    }
    let section = value.section("`pty`", keys::PTY)?;
    let size = |key: &str, usual: u16| match section.key(key) {
        Some(value) => u16::try_from(value.whole(1..=i64::from(u16::MAX))?).ok(),
        None => Some(usual),
    };
    let (rows, columns) = (size("rows", usual.rows), size("columns", usual.columns));
    Some(Some(Pty {
        rows: rows?,
        columns: columns?,
    }))
}

fn umask(value: &Value<'_>) -> Option<u16> {
    let text = value.text()?;
    let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    if (3..=4).contains(&text.len()) && is_octal {
        return u16::from_str_radix(text, 8).ok();
    }
    let title = format!("`{text}` is no mask for new files");
    value.wrong(title, "", "write three octal digits, such as \"022\"");
    None
}

fn logs(value: &Value<'_>) -> Option<BTreeMap<String, String>> {
    let entries = value.entries();
    if entries.len() > LOGS_MAX {
        let title = format!("the step has {} further logs", entries.len());
        value.wrong(title, "", format!("at most {LOGS_MAX} are possible"));
        return None;
    }
    let mut logs = BTreeMap::new();
    for (value, name, place) in entries {
        if let Err(error) = name.parse::<Name>() {
            let help = "choose another name for the log";
            value.check.wrong(place, error.to_string(), "", help);
        } else if OWN_LOGS.contains(&name) {
            let title = format!("a step has a log `{name}` anyway");
            value.check.wrong(place, title, "", "choose another name");
        } else if let Some(path) = paths::folder(&value) {
            if path == "." {
                let title = format!("`{}` names no file", value.name);
                value.wrong(title, "", "write a path such as \"build/test.log\"");
            } else {
                logs.insert(name.to_owned(), path);
            }
        }
    }
    Some(logs)
}

/// A variable that is a table: a secret, a text before the present value, or none at all.
pub(super) fn variable(scope: &Scope<'_>, name: &str, value: &Value<'_>, manner: &mut Manner) {
    let Some(section) = value.section(format!("`{}`", value.name), keys::VARIABLE) else {
        return;
    };
    let written = |key: &&str| section.has(key);
    let given: Vec<&str> = keys::VARIABLE
        .keys
        .iter()
        .copied()
        .filter(written)
        .collect();
    match given.as_slice() {
        ["file" | "env"] => {
            if let Some(place) = secret(scope, value) {
                manner.secrets.insert(name.to_owned(), place);
            }
        }
        ["prepend"] => {
            if let Some(text) = section.key("prepend").and_then(|value| value.line()) {
                manner.prepend.insert(name.to_owned(), text.to_owned());
            }
        }
        ["unset"] => {
            if section.key("unset").and_then(|value| value.flag()) == Some(true) {
                manner.unset.push(name.to_owned());
            }
        }
        _ => {
            let title = format!("`{}` must say one thing", value.name);
            let help = "write a text, { file = \"secrets/…\" }, { env = \"NAME\" }, \
                        { prepend = \"/opt/bin\" } or { unset = true }";
            value.wrong(title, "", help);
        }
    }
}
