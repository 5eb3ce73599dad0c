//! The steps of a builder: which kind, what each kind needs, unique names.

use super::templates::Names;
use super::{paths, products, runs};
use crate::config::entries::known;
use crate::config::keys::{self, Keys};
use crate::config::load::Scope;
use crate::config::reader::{Section, Value};
use crate::config::resolved::{OnLost, Step, StepKind};

/// Steps of one builder; more are not readable on a page.
const STEPS_MAX: usize = 100;
/// Longest name of a step.
const NAME_CHARS_MAX: usize = 60;
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
        "run" => runs::read(scope, &section, &kind_value, names)?,
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
