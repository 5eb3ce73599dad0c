//! Which products are meant: the same words as in the address of the desk.

use crate::model::{ProductState, Verdict};
use crate::updates::encode;

#[derive(Debug, clap::Args)]
pub(super) struct Choice {
    /// Name of the project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Name of the branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Target
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Part of the version
    #[arg(long, value_name = "TEXT")]
    version: Option<String>,
    /// Name of the builder
    #[arg(long, value_name = "NAME")]
    builder: Option<String>,
    /// State: recorded, candidate, released, superseded, withdrawn, expired or deleted
    #[arg(long)]
    state: Option<ProductState>,
    /// Last verdict: untested, good, bad or needs-work
    #[arg(long)]
    verdict: Option<Verdict>,
    /// Whether a hold protects it
    #[arg(long, value_name = "true|false")]
    held: Option<bool>,
    /// A property
    #[arg(long, value_name = "NAME:VALUE")]
    property: Option<String>,
    /// Recorded on that day (UTC) or later
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Recorded on that day (UTC) or before
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
}

impl Choice {
    /// The query, without `?`; empty for everything.
    pub(super) fn query(&self) -> String {
        let words = [
            ("project", self.project.clone()),
            ("branch", self.branch.clone()),
            ("target", self.target.clone()),
            ("version", self.version.clone()),
            ("builder", self.builder.clone()),
            ("state", self.state.map(|state| state.to_string())),
            ("verdict", self.verdict.map(|verdict| verdict.to_string())),
            ("held", self.held.map(|held| held.to_string())),
            ("property", self.property.clone()),
            ("from", self.from.clone()),
            ("until", self.until.clone()),
        ];
        let given = words
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", encode(&value?))));
        given.collect::<Vec<_>>().join("&")
    }
}
