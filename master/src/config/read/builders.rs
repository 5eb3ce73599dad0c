//! `[builder.NAME]`, one combination of its matrix at a time.

use std::collections::BTreeMap;

use super::matrix::Plan;
use super::templates::Names;
use super::{projects, steps};
use crate::config::load::Scope;
use crate::config::reader::Value;
use crate::config::resolved::{Builder, Schedule, Trigger};
use crate::config::template::{Part, Template};

/// Reads the builders; `schedules` tell which form values each may name.
pub(in crate::config) fn read(
    scope: &Scope<'_>,
    plans: &[Plan<'_>],
    schedules: &BTreeMap<String, Schedule>,
) -> BTreeMap<String, Builder> {
    let read = |plan: &Plan<'_>| Some((plan.name.clone(), builder(scope, plan, schedules)?));
    plans.iter().filter_map(read).collect()
}

fn builder(
    scope: &Scope<'_>,
    plan: &Plan<'_>,
    schedules: &BTreeMap<String, Schedule>,
) -> Option<Builder> {
    let section = &plan.section;
    let parameters = parameters(&plan.name, schedules);
    let names = Names {
        matrix: &plan.matrix,
        parameters: &parameters,
    };
    let project = projects::of(section, plan.family, &scope.projects);
    let tags = section.key("tags").map(|value| value.texts());
    let agents = section.key("agents").map(|value| labels(&value, plan));
    let steps = steps::read(scope, section, &names);
    Some(Builder {
        project: project?,
        tags: tags
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(value, text)| fill(&value, text, plan))
            .collect(),
        agents: agents.unwrap_or_default(),
        matrix: plan.matrix.clone(),
        steps,
    })
}

/// Names of the parameters of the force schedules that may start `builder`.
fn parameters(builder: &str, schedules: &BTreeMap<String, Schedule>) -> Vec<String> {
    let starting = schedules
        .values()
        .filter(|schedule| schedule.builders.iter().any(|name| name == builder));
    let mut names: Vec<String> = starting
        .filter_map(|schedule| match &schedule.trigger {
            Trigger::Force { parameters } => Some(parameters),
            Trigger::Change { .. } => None,
        })
        .flatten()
        .map(|parameter| parameter.name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn labels(value: &Value<'_>, plan: &Plan<'_>) -> BTreeMap<String, String> {
    let filled = value.entries().into_iter().filter_map(|(value, key, _)| {
        let text = value.line()?;
        Some((key.to_owned(), fill(&value, text, plan)?))
    });
    filled.collect()
}

/// Fills the matrix values in: labels and tags are fixed when the configuration is read.
fn fill(value: &Value<'_>, text: &str, plan: &Plan<'_>) -> Option<String> {
    let template = Template::parse(text)
        .map_err(|error| value.wrong(error.text, "", ""))
        .ok()?;
    let mut filled = String::new();
    for part in &template.parts {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Name(name) => match plan.matrix.get(name) {
                Some(value) => filled.push_str(value),
                None => {
                    let place = value.check.narrow(value.place, &format!("{{{name}}}"));
                    let title = format!("`{{{name}}}` is no key of this builder's matrix");
                    let help = "labels and tags may name keys of `matrix` only";
                    value.check.wrong(place, title, "", help);
                    return None;
                }
            },
        }
    }
    Some(filled)
}
