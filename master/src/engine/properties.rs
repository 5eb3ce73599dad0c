//! The properties of a build: the names of `config::names` with their values and where each came
//! from.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::Property;

/// What the properties are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Name of the builder.
    pub builder: String,
    /// Name of the project.
    pub project: String,
    /// Id of the build.
    pub build: i64,
    /// Number in the builder.
    pub number: i64,
    /// The schedule that asked.
    pub schedule: Option<String>,
    /// Why it was asked for.
    pub reason: String,
    /// The builder's matrix values.
    pub matrix: BTreeMap<String, String>,
    /// JSON object of the request's own properties (`form.…`).
    pub requested: String,
    /// The first source stamp; without one the names of the source are empty.
    pub source: Option<SourceFacts>,
    /// Addresses of the branch's update feeds by name.
    pub update_urls: Vec<(&'static str, String)>,
    /// The agent.
    pub agent: AgentFacts,
}

/// The first source stamp.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFacts {
    /// Name of the repository.
    pub repository: String,
    /// Branch.
    pub branch: String,
    /// Full id.
    pub revision: String,
    /// Position on the branch.
    pub position: i64,
    /// `git describe`.
    pub describe: String,
    /// Author of the newest change.
    pub author: String,
}

/// The agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentFacts {
    /// Its name.
    pub name: String,
    /// Operating system it told.
    pub os: String,
    /// Processor it told.
    pub arch: String,
    /// Version of the agent program.
    pub version: String,
    /// JSON object it told of its machine: `cpus`, `memory` (bytes), …
    pub facts: String,
    /// Labels of the configuration.
    pub labels: BTreeMap<String, String>,
}

/// Every property of a build.
#[must_use]
pub fn properties(facts: &Facts) -> Vec<Property> {
    let mut all = Vec::new();
    let mut set = |source: &str, name: String, value: Value| {
        all.push(Property {
            name,
            // PostgreSQL stores no NUL; nor does an environment take one.
            value: value.to_string().replace("\\u0000", "\u{fffd}"),
            source: source.to_owned(),
        });
    };
    for (key, value) in &facts.matrix {
        set("matrix", key.clone(), json!(value));
    }
    let requested: Map<String, Value> = serde_json::from_str(&facts.requested).unwrap_or_default();
    for (name, value) in requested {
        set("form", name, value);
    }
    set("build", "builder".to_owned(), json!(facts.builder));
    set("build", "project".to_owned(), json!(facts.project));
    set("build", "build".to_owned(), json!(facts.build));
    set("build", "buildnumber".to_owned(), json!(facts.number));
    let schedule = facts.schedule.clone().unwrap_or_default();
    set("request", "schedule".to_owned(), json!(schedule));
    set("request", "reason".to_owned(), json!(facts.reason));
    let source = facts.source.clone().unwrap_or_default();
    let short: String = source.revision.chars().take(12).collect();
    set("source", "repository".to_owned(), json!(source.repository));
    set("source", "branch".to_owned(), json!(source.branch));
    set("source", "revision".to_owned(), json!(source.revision));
    set("source", "short_revision".to_owned(), json!(short));
    set("source", "seq".to_owned(), json!(source.position));
    set("source", "describe".to_owned(), json!(source.describe));
    set("source", "author".to_owned(), json!(source.author));
    for (name, url) in &facts.update_urls {
        set("source", (*name).to_owned(), json!(url));
    }
    let agent = &facts.agent;
    let told: Map<String, Value> = serde_json::from_str(&agent.facts).unwrap_or_default();
    let number = |name: &str| told.get(name).and_then(Value::as_u64);
    set("agent", "agent.name".to_owned(), json!(agent.name));
    set("agent", "agent.os".to_owned(), json!(agent.os));
    set("agent", "agent.arch".to_owned(), json!(agent.arch));
    set("agent", "agent.version".to_owned(), json!(agent.version));
    let cpus = number("cpus").unwrap_or(1);
    set("agent", "agent.cpus".to_owned(), json!(cpus));
    let memory = number("memory").unwrap_or(0) >> 20;
    set("agent", "agent.memory_mb".to_owned(), json!(memory));
    for (key, value) in &agent.labels {
        set("agent", format!("agent.labels.{key}"), json!(value));
    }
    all
}
