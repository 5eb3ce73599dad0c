//! What several pages show of a build in one row.

use std::time::Duration;

use super::state::Look;
use crate::clock::Time;
use crate::ids::BuildId;
use crate::model::{BuildSummary, SourceStamp};

/// A build as a row of a table.
#[derive(Debug, Clone)]
pub(super) struct BuildRow {
    pub(super) id: BuildId,
    pub(super) builder: String,
    pub(super) number: i64,
    pub(super) look: Look,
    pub(super) state_text: String,
    pub(super) agent: String,
    pub(super) reason: String,
    pub(super) branch: String,
    pub(super) revision: String,
    pub(super) started_at: Time,
    pub(super) span: Duration,
}

impl BuildRow {
    pub(super) fn new(build: BuildSummary, now: Time) -> Self {
        let (branch, revision) = first_source(&build.sources);
        Self {
            id: build.id,
            look: Look::of_build(build.state, build.result),
            span: build.duration(now),
            builder: build.builder,
            number: build.number,
            state_text: build.state_text,
            agent: build.agent,
            reason: build.reason,
            branch,
            revision,
            started_at: build.started_at,
        }
    }

    pub(super) fn all(builds: Vec<BuildSummary>, now: Time) -> Vec<Self> {
        builds
            .into_iter()
            .map(|build| Self::new(build, now))
            .collect()
    }
}

/// Branch and revision of the first codebase; empty where a build has no source.
pub(super) fn first_source(sources: &[SourceStamp]) -> (String, String) {
    let first = sources.first();
    first.map_or_else(Default::default, |stamp| {
        (stamp.branch.clone(), stamp.revision.clone())
    })
}

/// The results of a builder's last builds as bars, oldest left: height and colour tell the state,
/// the label says it in words. Ready HTML made of our own words only.
pub(super) fn history(looks: &[Look]) -> String {
    use std::fmt::Write as _;
    if looks.is_empty() {
        return String::new();
    }
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for look in looks {
        match counts.iter_mut().find(|(word, _)| *word == look.word) {
            Some((_, count)) => *count += 1,
            None => counts.push((look.word, 1)),
        }
    }
    let label: Vec<String> = counts
        .iter()
        .map(|(word, n)| format!("{word} {n}"))
        .collect();
    let width = looks.len() * 8;
    let mut svg = format!(
        "<svg class=\"history\" width=\"{width}\" height=\"16\" viewBox=\"0 0 {width} 16\" \
         role=\"img\" aria-label=\"Last {} builds: {}\">",
        looks.len(),
        label.join(", ")
    );
    for (at, look) in looks.iter().rev().enumerate() {
        let height = match look.symbol {
            "success" => 16,
            "failure" | "error" => 8,
            "warnings" => 12,
            _ => 4,
        };
        let _ = write!(
            svg,
            "<rect class=\"s-{}\" x=\"{}\" y=\"{}\" width=\"6\" height=\"{height}\" rx=\"1\"/>",
            look.symbol,
            at * 8,
            16 - height
        );
    }
    svg.push_str("</svg>");
    svg
}
