//! The steps of a builder: which kind, what each kind needs, unique names.

use std::collections::BTreeMap;
use std::time::Duration;

use super::templates::{self, Allowed, Names};
use super::{paths, products};
use crate::config::entries::known;
use crate::config::keys::{self, Keys};
use crate::config::load::Scope;
use crate::config::reader::{Section, Value};
use crate::config::resolved::{OnLost, Run, RunCommand, Step, StepKind};
use crate::config::template::Template;

/// Steps of one builder; more are not readable on a page.
const STEPS_MAX: usize = 100;
/// Longest name of a step.
const NAME_CHARS_MAX: usize = 60;
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

/// The kinds by the key that makes them.
const KINDS: [(&str, Keys); 4] = [
    ("source", keys::SOURCE_STEP),
    ("run", keys::RUN_STEP),
    ("upload", keys::UPLOAD_STEP),
    ("product", keys::PRODUCT_STEP),
];

/// Reads the steps of a builder.
pub(super) fn read(scope: &Scope<'_>, builder: &Section<'_>, names: &Names<'_>) -> Vec<Step> {
    let example = "[ { source = \"editor\" }, { run = \"make\" } ]";
    let Some(value) = builder.need("steps", example) else {
        return Vec::new();
    };
    let entries = value.array().unwrap_or_default();
    if value.node.as_array().is_some_and(|array| array.is_empty()) {
        let title = format!("{} has no step", builder.title);
        value.wrong(title, "", format!("write steps = {example}"));
    } else if entries.len() > STEPS_MAX {
        let title = format!("{} has {} steps", builder.title, entries.len());
        value.wrong(title, "", format!("at most {STEPS_MAX} are possible"));
        return Vec::new();
    }
    let mut steps: Vec<Step> = Vec::new();
    for entry in entries {
        let Some((mut step, given)) = step(scope, &entry, names) else {
            continue;
        };
        if let Some(into) = shared_folder(&steps, &step) {
            let title = format!("two source steps deliver into `{into}`");
            let help = "each would delete what the other brought: give each its own `into`";
            entry.wrong(title, "", help);
        }
        let base = step.name.clone();
        let taken = |name: &str| steps.iter().any(|step| step.name == name);
        if given && taken(&base) {
            let title = format!("there are two steps `{base}`");
            entry.wrong(title, "", "give each step of a builder its own name");
        }
        let mut number = 2;
        while taken(&step.name) {
            step.name = format!("{base} ({number})");
            number += 1;
        }
        steps.push(step);
    }
    steps
}

/// The folder of a source step that an earlier one delivers into already.
fn shared_folder<'a>(earlier: &[Step], step: &'a Step) -> Option<&'a str> {
    let folder = |step: &'a Step| match &step.kind {
        StepKind::Source { into, .. } => Some(into.as_str()),
        _ => None,
    };
    let wanted = folder(step)?;
    let is_same =
        |step: &Step| matches!(&step.kind, StepKind::Source { into, .. } if into == wanted);
    earlier.iter().any(is_same).then_some(wanted)
}

/// One step, and whether its name was given.
fn step(scope: &Scope<'_>, entry: &Value<'_>, names: &Names<'_>) -> Option<(Step, bool)> {
    let table = entry.node.as_table();
    let kinds = KINDS.iter();
    let found: Vec<_> = kinds
        .filter(|(key, _)| table.is_some_and(|table| table.contains_key(*key)))
        .collect();
    let [(kind, keys)] = found.as_slice() else {
        let title = match found.as_slice() {
            [] => "this step does not say what it does".to_owned(),
            [(one, _), (other, _), ..] => format!("this step is both `{one}` and `{other}`"),
            [_] => unreachable!("one kind was taken above"),
        };
        let help = "a step has one of: source, run, upload, product";
        entry.wrong(title, "", help);
        return None;
    };
    let section = entry.section(format!("the {kind} step"), *keys)?;
    let given = section.key("name");
    let name = given.as_ref().and_then(step_name);
    let flag = |key: &str| section.key(key).and_then(|value| value.flag());
    let (always, may_fail) = (flag("always"), flag("may_fail"));
    let kind_value = section.key(kind)?;
    let (kind, made) = match *kind {
        "source" => source(scope, &section, &kind_value)?,
        "run" => run(&section, &kind_value, names)?,
        "upload" => {
            let files = paths::glob(&kind_value, names)?;
            (StepKind::Upload { files }, "upload".to_owned())
        }
        _ => {
            let product = products::read(&section, &kind_value, names)?;
            (StepKind::Product(product), "product".to_owned())
        }
    };
    let usual = match &kind {
        StepKind::Source { .. } => OnLost::Restart,
        _ => OnLost::Fail,
    };
    let on_lost = match section.key("on_lost") {
        Some(value) => on_lost(&value)?,
        None => usual,
    };
    let step = Step {
        name: name.unwrap_or(made),
        kind,
        always: always.unwrap_or(false),
        may_fail: may_fail.unwrap_or(false),
        on_lost,
    };
    Some((step, given.is_some()))
}

/// What is done when the agent is gone for good.
fn on_lost(value: &Value<'_>) -> Option<OnLost> {
    match value.line()? {
        "restart" => Some(OnLost::Restart),
        "fail" => Some(OnLost::Fail),
        other => {
            let title = format!("`{other}` is nothing that `on_lost` can be");
            value.wrong(title, "", "write \"restart\" or \"fail\"");
            None
        }
    }
}

fn step_name(value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    if text.chars().count() > NAME_CHARS_MAX {
        let title = "this name is too long for a page".to_owned();
        value.wrong(
            title,
            "",
            format!("at most {NAME_CHARS_MAX} characters are possible"),
        );
        return None;
    }
    Some(text.to_owned())
}

fn source(
    scope: &Scope<'_>,
    section: &Section<'_>,
    value: &Value<'_>,
) -> Option<(StepKind, String)> {
    let into = match section.key("into") {
        Some(value) => paths::folder(&value),
        None => Some(".".to_owned()),
    };
    let repository = known(value, "repository", &scope.repositories)?;
    let repository = repository.name.to_owned();
    let clean = match section.key("clean") {
        Some(value) => value.flag()?,
        None => true,
    };
    let kind = StepKind::Source {
        repository,
        into: into?,
        clean,
    };
    Some((kind, "source".to_owned()))
}

fn run(section: &Section<'_>, value: &Value<'_>, names: &Names<'_>) -> Option<(StepKind, String)> {
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
    let env = section.key("env").map(|value| env(&value, names));
    let (command, made) = command(value, names)?;
    let run = Run {
        command,
        cwd: cwd?,
        env: env.unwrap_or_default(),
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

fn env(value: &Value<'_>, names: &Names<'_>) -> BTreeMap<String, Template> {
    let mut env = BTreeMap::new();
    for (value, key, place) in value.entries() {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || key.starts_with(|c: char| c.is_ascii_digit()) || !key.chars().all(word)
        {
            let title = format!("`{key}` cannot be an environment variable");
            let help = "letters, digits and `_` are possible, no digit first";
            value.check.wrong(place, title, "", help);
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
