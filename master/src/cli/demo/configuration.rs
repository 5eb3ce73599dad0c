//! The configuration file of a demo: what a user would write, with comments.

use std::net::SocketAddr;

use super::plan::Plan;
use crate::config::names::{self, Class};

/// The text of `windlass.toml`; the agent port is chosen by the system.
pub(super) fn text(plan: &Plan, repository: &str) -> String {
    let name = &plan.name;
    let url = url(plan.web);
    let mut steps = vec![format!("{{ source = {} }}", quoted(name))];
    for command in &plan.commands {
        steps.push(format!("{{ run = {} }}", quoted(&template(command, false))));
    }
    if let Some(glob) = &plan.product {
        steps.push(format!(
            "{{ product = {}, version = {}, target = \"{{agent.arch}}-{{agent.os}}\" }}",
            quoted(&template(glob, true)),
            quoted(&template(&plan.version, true)),
        ));
    }
    let steps: String = steps.iter().map(|step| format!("  {step},\n")).collect();
    let web = quoted(&plan.web.to_string());
    let (repository, branch) = (quoted(repository), quoted(&branch_glob(&plan.branch)));
    format!(
        r#"# Made by `windlass demo`. Everything of it lies in this folder.

[master]
title = "Windlass demo"
url = "{url}"
data = "data"
web_listen = {web}
agent_listen = "127.0.0.1:0"

# Mails become files instead of leaving the machine.
[mail]
from = "Windlass demo <windlass@demo.example>"
folder = "mail"

[project.{name}]
title = "{name}"

[repository.{name}]
project = "{name}"
url = {repository}
branches = [{branch}]
poll = "2s"

[agent.demo]
slots = 1

[builder.{name}]
project = "{name}"
steps = [
{steps}]

# A push starts a build.
[schedule.push]
on = "change"
repository = "{name}"
builders = ["{name}"]
quiet = "0s"

# So does a person.
[schedule.by-hand]
on = "force"
builders = ["{name}"]
parameters = {{ note = {{ type = "text", label = "Note for QA" }} }}

[notify.team]
when = ["change"]
to = ["team@demo.example"]
"#
    )
}

/// Address of the pages.
pub(super) fn url(web: SocketAddr) -> String {
    format!("http://{web}")
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A text of the command line as a template: `{name}` of a known name stays a place, every other
/// brace is meant as a brace. `outside` allows names whose value comes from outside.
fn template(text: &str, outside: bool) -> String {
    let mut template = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        template.push_str(before);
        let end = from.find('}').map(|end| end + 1);
        // `${x}` of a shell is left alone by the configuration.
        let shell = before.ends_with('$') && from.starts_with('{');
        if let Some(end) = end.filter(|end| shell || is_place(&from[..*end], outside)) {
            template.push_str(&from[..end]);
            rest = &from[end..];
        } else {
            template.push_str(&from[..1].repeat(2));
            rest = &from[1..];
        }
    }
    template.push_str(rest);
    template
}

/// Whether `text` is `{name}` with a name that may stand here.
fn is_place(text: &str, outside: bool) -> bool {
    let name = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    names::NAMES
        .iter()
        .any(|entry| Some(entry.name) == name && (outside || entry.class != Class::Outside))
}

/// A branch name as a glob that matches it alone.
fn branch_glob(branch: &str) -> String {
    let mut glob = String::new();
    for c in branch.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            glob.extend(['[', c, ']']);
        } else {
            glob.push(c);
        }
    }
    glob
}

#[cfg(test)]
mod tests;
