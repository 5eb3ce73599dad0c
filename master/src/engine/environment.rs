//! What a command finds in its environment: that it runs in CI, which build it is part of, and
//! every property as `WINDLASS_…`. Another vendor's variables are never set.

use crate::hex::hex;
use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::scope::Scope;
use crate::config::names::env_of;

/// Longest value of one variable, bytes: systems refuse a program with a longer one.
const VALUE_BYTES_MAX: usize = 100_000;

/// What is not a property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Address of the build's page.
    pub build_url: String,
    /// When the revision was committed, seconds since 1970.
    pub committed_at_s: Option<i64>,
    /// The build's folder on the agent, absolute, where the agent tells its root.
    pub workspace: Option<String>,
    /// What the command belongs to in a trace: see [`traceparent`].
    pub traceparent: String,
}

/// The W3C `traceparent` of a step: one trace per build, one span per step, the same whenever it
/// is asked for. `build` must be unlike that of any other build anywhere.
#[must_use]
pub fn traceparent(build: &str, step: i64) -> String {
    let id = |text: &str, bytes: usize| {
        let mut id = hex(&Sha256::digest(text.as_bytes())[..bytes]);
        // Zeros alone mean that there is none.
        id.replace_range(..1, "a");
        id
    };
    let (trace, span) = (id(build, 16), id(&format!("{build} {step}"), 8));
    format!("00-{trace}-{span}-01")
}

/// The standard variables of a build by name.
#[must_use]
pub fn environment(scope: &Scope, around: &Surroundings) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        let end = value.floor_char_boundary(VALUE_BYTES_MAX);
        all.insert(name.to_owned(), value[..end].replace('\0', "\u{fffd}"));
    };
    for (name, value) in scope.iter() {
        set(&env_of(name), value);
    }
    for (name, value) in [
        ("CI", "true"),
        ("CI_NAME", "windlass"),
        ("WINDLASS", "true"),
        ("BUILD_URL", &around.build_url),
        ("CI_PIPELINE_URL", &around.build_url),
        ("WINDLASS_BUILD_URL", &around.build_url),
    ] {
        set(name, value);
    }
    for (variables, name) in [
        (&["BUILD_NUMBER"][..], "buildnumber"),
        (&["BUILD_ID"], "build"),
        (&["JOB_NAME"], "builder"),
        (&["CI_COMMIT_SHA", "GIT_COMMIT"], "revision"),
        (&["CI_COMMIT_BRANCH", "GIT_BRANCH"], "branch"),
        (&["CI_COMMIT_AUTHOR"], "author"),
    ] {
        let value = scope.value(name).filter(|value| !value.is_empty());
        for variable in variables {
            if let Some(value) = value {
                set(variable, value);
            }
        }
    }
    set("TRACEPARENT", &around.traceparent);
    if let Some(workspace) = &around.workspace {
        set("WORKSPACE", workspace);
    }
    if let Some(seconds) = around.committed_at_s {
        set("SOURCE_DATE_EPOCH", &seconds.to_string());
    }
    all
}
