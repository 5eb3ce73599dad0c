//! The names that may stand in `{…}` of the configuration: one table for `windlass check`, the
//! engine and the manual. Filling them is `engine`'s; parsing the braces is `template`'s.

use std::collections::BTreeMap;

/// Where the value of a name comes from, which decides where it may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Fixed by the configuration or counted by the master: may stand in the text of a script.
    Config,
    /// Told by the chosen agent about itself: may stand in the text of a script.
    Agent,
    /// From outside (version control, forms): never in the text of a script, only in argument
    /// lists, environment values, versions and file globs.
    Outside,
}

/// A name of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The name as it stands between the braces.
    pub name: &'static str,
    /// Where its value comes from.
    pub class: Class,
    /// What it is, for the manual and for messages.
    pub about: &'static str,
}

const fn entry(name: &'static str, class: Class, about: &'static str) -> Entry {
    Entry { name, class, about }
}

/// Every fixed name. Besides these there are the keys of the builder's `matrix` (class Config),
/// `agent.labels.KEY` (Config: the labels in `[agent.NAME]`) and `form.NAME` (Outside: the
/// parameters of force schedules; empty in builds that no form asked for).
pub const NAMES: &[Entry] = &[
    entry("builder", Class::Config, "name of the builder"),
    entry("project", Class::Config, "name of the builder's project"),
    entry(
        "repository",
        Class::Config,
        "name of the repository of the first source stamp",
    ),
    entry(
        "buildnumber",
        Class::Config,
        "number of the build in its builder, from 1",
    ),
    entry("build", Class::Config, "number of the build in this master"),
    entry(
        "seq",
        Class::Config,
        "position of the revision on its branch, a whole number",
    ),
    entry(
        "agent.name",
        Class::Config,
        "name of the agent the build runs on",
    ),
    entry(
        "agent.os",
        Class::Agent,
        "operating system of the agent, such as linux",
    ),
    entry(
        "agent.arch",
        Class::Agent,
        "processor of the agent, such as x86_64",
    ),
    entry("agent.cpus", Class::Agent, "processors the agent may use"),
    entry(
        "agent.memory_mb",
        Class::Agent,
        "memory of the agent in megabytes",
    ),
    entry(
        "agent.version",
        Class::Agent,
        "version of the agent program",
    ),
    entry("branch", Class::Outside, "branch of the first source stamp"),
    entry(
        "revision",
        Class::Outside,
        "full id of the revision that is built",
    ),
    entry(
        "short_revision",
        Class::Outside,
        "first twelve characters of `revision`",
    ),
    entry(
        "describe",
        Class::Outside,
        "`git describe` of the revision, `0.0.0-N-gID` without tags",
    ),
    entry(
        "author",
        Class::Outside,
        "author of the newest change of the build",
    ),
    entry("reason", Class::Outside, "why the build was asked for"),
    entry(
        "schedule",
        Class::Config,
        "schedule that asked for the build, empty for none",
    ),
    entry(
        "update_url",
        Class::Config,
        "address of the branch's own update feed, to which the application adds `/TARGET?version=VERSION`",
    ),
    entry(
        "update_url.tauri",
        Class::Config,
        "address of the branch's feed for Tauri and cargo-packager, with their words in double braces",
    ),
    entry(
        "update_url.electron",
        Class::Config,
        "address of the branch's feed for electron-updater's generic provider",
    ),
    entry(
        "update_url.velopack",
        Class::Config,
        "address of the branch's feed for Velopack",
    ),
    entry(
        "update_url.manifest",
        Class::Config,
        "address of the branch's feed for self_update, which adds `/TRIPLE/manifest.json`",
    ),
    entry(
        "update_url.zsync",
        Class::Config,
        "address of the branch's control files for zsync, to which `/TARGET.zsync` is added",
    ),
    entry(
        "update_url.appcast",
        Class::Config,
        "address of the branch's feeds for Sparkle and WinSparkle, to which `/macos.xml` or `/windows.xml` is added",
    ),
];

/// The class of `name`; `None` when there is no such name.
///
/// `matrix` is the builder's; `parameters` are the names of the force parameters of the schedules
/// that may start it. The fixed names win: a matrix key that hides one is refused by the check.
#[must_use]
pub fn class_of<S: AsRef<str>>(
    name: &str,
    matrix: &BTreeMap<String, String>,
    parameters: &[S],
) -> Option<Class> {
    if let Some(entry) = NAMES.iter().find(|entry| entry.name == name) {
        return Some(entry.class);
    }
    if let Some(label) = name.strip_prefix("agent.labels.") {
        return (!label.is_empty()).then_some(Class::Config);
    }
    if let Some(parameter) = name.strip_prefix("form.") {
        let known = parameters.iter().any(|known| known.as_ref() == parameter);
        return known.then_some(Class::Outside);
    }
    matrix.contains_key(name).then_some(Class::Config)
}

/// The environment variable that carries the value of `name` to a command, such as
/// `WINDLASS_BRANCH` or `WINDLASS_FORM_FLAVOUR`; keys of the matrix get `WINDLASS_MATRIX_…`.
#[must_use]
pub fn env_of(name: &str) -> String {
    let fixed = NAMES.iter().any(|entry| entry.name == name) || name.contains('.');
    let prefix = if fixed {
        "WINDLASS_"
    } else {
        "WINDLASS_MATRIX_"
    };
    let upper = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    };
    prefix.chars().chain(name.chars().map(upper)).collect()
}

#[cfg(test)]
mod tests;
