//! What an application that asks for updates is told, and how version texts compare. Pure: the
//! rows are loaded by `ops`, the answer is rendered by the feed of each format.
//!
//! Latest is decided by [`Seq`], never by version text; version text only places an asker whose
//! version was never recorded. Runtime and operating-system filters, rollouts and redirects of
//! branches get their place between the candidates and the comparison.

use crate::ids::ProductId;
use crate::model::ProductState;

mod addresses;
mod feed_versions;
mod versions;

pub use addresses::{encode, feed_path, file_path};
pub use feed_versions::feed_version;
pub use versions::compare_versions;

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
}

/// What it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Take this product.
    Offer(ProductId),
    /// There is nothing newer than what it has.
    UpToDate,
    /// There is nothing to offer to anybody.
    Nothing,
}

/// Whether a product in `state` may be offered.
#[must_use]
pub fn is_offerable(state: ProductState) -> bool {
    matches!(
        state,
        ProductState::Recorded | ProductState::Candidate | ProductState::Released
    )
}

/// The product that is latest among `candidates`, in any order.
#[must_use]
pub fn latest(candidates: &[Candidate]) -> Option<&Candidate> {
    candidates
        .iter()
        .filter(|candidate| candidate.is_complete && is_offerable(candidate.state))
        .max_by_key(|candidate| candidate.seq)
}

/// Decides. `candidates` holds at least the latest product that may be offered and every product
/// of the asker's version, in whatever state, in any order.
#[must_use]
pub fn answer(candidates: &[Candidate], asker: &Asker) -> Answer {
    let Some(latest) = latest(candidates) else {
        return Answer::Nothing;
    };
    let Some(version) = asker.version.as_deref() else {
        return Answer::Offer(latest.id);
    };
    let is_newer = match place(candidates, version, asker.build) {
        Some(seq) => latest.seq > seq,
        None => is_above(latest, version),
    };
    if is_newer {
        Answer::Offer(latest.id)
    } else {
        Answer::UpToDate
    }
}

/// Where the asker stands: its own build where that is known, else the last build of its version.
fn place(candidates: &[Candidate], version: &str, build: Option<i64>) -> Option<Seq> {
    let same = || {
        candidates.iter().filter(|candidate| {
            candidate.version == version || candidate.feed_version.as_deref() == Some(version)
        })
    };
    let own = build.and_then(|number| {
        same()
            .filter(|candidate| candidate.build_number == number)
            .map(|candidate| candidate.seq)
            .max()
    });
    own.or_else(|| same().map(|candidate| candidate.seq).max())
}

/// Whether `latest` is above a version that was never recorded; where texts do not compare, it is.
fn is_above(latest: &Candidate, version: &str) -> bool {
    let orders = [
        Some(latest.version.as_str()),
        latest.feed_version.as_deref(),
    ]
    .into_iter()
    .flatten()
    .filter_map(|text| compare_versions(text, version));
    let mut orders = orders.peekable();
    orders.peek().is_none() || orders.any(std::cmp::Ordering::is_gt)
}

#[cfg(test)]
mod tests;
