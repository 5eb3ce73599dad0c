//! What an application that asks for updates is told, and how version texts compare. Pure: the
//! rows are loaded by `ops`, the answer is rendered by the feed of each format.
//!
//! Latest is decided by [`Seq`], never by version text; version text only places an asker whose
//! version was never recorded. The rules and their order stand in [`answer`].

use crate::ids::ProductId;
use crate::model::ProductState;

mod addresses;
mod by_name;
mod decide;
mod facts;
mod feed_versions;
pub mod formats;
mod guide;
mod requirements;
mod rollout;
pub mod targets;
mod versions;

pub use addresses::{encode, feed_path, file_path, update_urls};
pub use by_name::{link_path, own_link_path};
pub use decide::{Answer, Decision, Wish, answer, place};
pub use facts::{Choice, Facts, HOPS_MAX, Hop, ShutOff, Terms, Trail};
pub use feed_versions::feed_version;
pub use guide::families;
pub use requirements::unmet;
pub use rollout::{Rollout, is_inside};
pub use versions::{check_version, compare_by, compare_versions};

/// The order of products: position of the source change, number of the build, order of recording.
pub type Seq = (i64, i64, i64);

/// A product of the asked project, branch and target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: ProductId,
    /// Its place in the order.
    pub seq: Seq,
    /// Version text.
    pub version: String,
    /// Semantic version for update clients.
    pub feed_version: Option<String>,
    /// Number of its build.
    pub build_number: i64,
    /// Its state.
    pub state: ProductState,
    /// Language runtime and range that it needs.
    pub runtime: Option<(String, String)>,
    /// Lowest version of the operating system that it runs on.
    pub min_os: Option<String>,
    /// Highest version of the operating system that it runs on; `12` lets all of 12 in.
    pub max_os: Option<String>,
    /// Whether every file of it is in the store.
    pub is_complete: bool,
}

/// What the application says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asker {
    /// Its version, as recorded or as the feed told it.
    pub version: Option<String>,
    /// Number of the build it came from.
    pub build: Option<i64>,
    /// Version of its operating system, such as `10.15.7`.
    pub os_version: Option<String>,
    /// Its language runtime, such as `python 3.12.1`; several with commas between.
    pub runtime: Option<String>,
    /// What it calls itself: any text that stays the same, for rollouts.
    pub id: Option<String>,
    /// A person asks: rollouts count as full.
    pub force: bool,
}

/// Whether a product in `state` may be offered where nobody released it by name.
#[must_use]
pub fn is_offerable(state: ProductState) -> bool {
    matches!(
        state,
        ProductState::Recorded | ProductState::Candidate | ProductState::Released
    )
}

#[cfg(test)]
mod tests;
