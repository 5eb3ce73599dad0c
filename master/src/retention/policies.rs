//! Which policies are about a product, and what they say together.

use crate::hex::hex;
use std::collections::BTreeMap;
use std::time::Duration;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use sha2::{Digest as _, Sha256};

use crate::config::collecting::Retention;

/// The policy that counts where no other does.
const DEFAULT: &str = "default";

/// Why policies cannot be used. Nothing is collected then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[retention.{policy}]: {text}")]
pub struct PolicyError {
    /// Name of the policy.
    policy: String,
    /// What is wrong.
    text: String,
}

/// Every policy, ready to be asked.
#[derive(Debug, Clone)]
pub struct Policies {
    all: Vec<Policy>,
    sha256: String,
}

#[derive(Debug, Clone)]
struct Policy {
    name: String,
    projects: GlobSet,
    branches: GlobSet,
    says: Retention,
}

/// What the policies that are about a product say together: of each term what keeps longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Names of the policies, `+` between them.
    pub policy: String,
    /// Newest products that stay per branch and target; at least 1.
    pub keep_newest: u32,
    /// Newest good products that stay per branch and target.
    pub keep_newest_good: u32,
    /// How long every product stays.
    pub keep: Duration,
    /// How long products of a deleted branch stay after the deletion.
    pub deleted_branches: Option<Duration>,
    /// How long bad products stay once a bug is named.
    pub bad: Option<Duration>,
    /// How long a product stays after its last hold ended, or after it came back.
    pub grace: Duration,
    /// How long a collected product can be restored.
    pub trash: Duration,
    /// How long files of a role stay.
    pub roles: BTreeMap<String, Duration>,
}

impl Policies {
    /// From the configuration. Errors: the policy with a glob that is none.
    pub fn new(configured: &BTreeMap<String, Retention>) -> Result<Self, PolicyError> {
        let policy = |(name, says): (&String, &Retention)| {
            let error = |text: globset::Error| PolicyError {
                policy: name.clone(),
                text: text.to_string(),
            };
            Ok(Policy {
                name: name.clone(),
                projects: globs(&says.projects).map_err(error)?,
                branches: globs(&says.branches).map_err(error)?,
                says: says.clone(),
            })
        };
        let text = serde_json::to_vec(configured).map_err(|error| PolicyError {
            policy: String::new(),
            text: error.to_string(),
        })?;
        let digest = Sha256::digest(&text);
        Ok(Self {
            all: configured.iter().map(policy).collect::<Result<_, _>>()?,
            sha256: hex(&digest),
        })
    }

    /// Names exactly these policies; another text, another policy.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What is said of the products of a branch; nothing when no policy is about them.
    #[must_use]
    pub fn terms(&self, project: &str, branch: &str) -> Option<Terms> {
        let about = |policy: &&Policy| {
            policy.projects.is_match(project) && policy.branches.is_match(branch)
        };
        together(&self.matching(about))
    }

    /// Every role that a policy names, with each time it is given.
    #[must_use]
    pub fn roles(&self) -> Vec<(String, Duration)> {
        let all = self.all.iter().flat_map(|policy| &policy.says.roles);
        let mut roles: Vec<_> = all.map(|(role, days)| (role.clone(), *days)).collect();
        roles.sort();
        roles.dedup();
        roles
    }

    /// How long logs and builds of a project stay; what any policy about the project keeps for
    /// ever stays for ever.
    #[must_use]
    pub fn horizons(&self, project: &str) -> (Option<Duration>, Option<Duration>) {
        let found = self.matching(|policy| policy.projects.is_match(project));
        let longest = |of: fn(&Retention) -> Option<Duration>| {
            let all = found.iter().map(|policy| of(&policy.says));
            all.collect::<Option<Vec<_>>>()?.into_iter().max()
        };
        (longest(|says| says.logs), longest(|says| says.builds))
    }

    /// The policies that are about it; the default one only where no other is.
    fn matching(&self, about: impl Fn(&&Policy) -> bool) -> Vec<&Policy> {
        let (default, others): (Vec<_>, Vec<_>) = self
            .all
            .iter()
            .filter(about)
            .partition(|policy| policy.name == DEFAULT);
        if others.is_empty() { default } else { others }
    }
}

fn globs(texts: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for text in texts {
        set.add(GlobBuilder::new(text).literal_separator(true).build()?);
    }
    set.build()
}

fn together(found: &[&Policy]) -> Option<Terms> {
    let says = || found.iter().map(|policy| &policy.says);
    let names: Vec<&str> = found.iter().map(|policy| policy.name.as_str()).collect();
    // What one of them does not limit is not limited.
    let limit = |of: fn(&Retention) -> Option<Duration>| {
        let all = says().map(of).collect::<Option<Vec<_>>>()?;
        all.into_iter().max()
    };
    let mut roles: BTreeMap<String, Duration> = BTreeMap::new();
    for role in says().flat_map(|says| says.roles.keys()) {
        // A policy that does not name the role keeps its files as long as the product.
        let longest = says()
            .map(|says| says.roles.get(role))
            .max_by_key(|days| days.map_or(Duration::MAX, |days| *days));
        if let Some(Some(days)) = longest {
            roles.insert(role.clone(), *days);
        }
    }
    Some(Terms {
        policy: names.join("+"),
        keep_newest: says().map(|says| says.keep_newest).max()?.max(1),
        keep_newest_good: says().map(|says| says.keep_newest_good).max()?,
        keep: says().map(|says| says.keep).max()?,
        deleted_branches: limit(|says| says.deleted_branches),
        bad: limit(|says| says.bad),
        grace: says().map(|says| says.grace).max()?,
        trash: says().map(|says| says.trash).max()?,
        roles,
    })
}
