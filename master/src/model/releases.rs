//! Releases, sign-offs, shut-offs, branches and counts of answers, as operations hand them to
//! faces. Which state may follow which says `states`.

use super::{BranchState, ProductState, ReleaseState, Role, Verdict};
use crate::clock::Time;
use crate::ids::{BranchId, ProductId, ReleaseId, ShutoffId, SignoffId};

/// A product offered, or about to be offered, to the applications of a branch and target.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// Name of the project.
    pub project: String,
    /// Name of the branch.
    pub branch: String,
    /// The branch's id.
    pub branch_id: BranchId,
    /// The branch's part of feed URLs.
    pub feed: String,
    /// What it is for.
    pub target: String,
    /// The product.
    pub product: ProductId,
    /// Its version text.
    pub version: String,
    /// Its state.
    pub product_state: ProductState,
    /// What testers say of it.
    pub verdict: Verdict,
    /// What those outside the rollout are offered.
    pub fallback: Option<ProductId>,
    /// The product that this release moves people down from.
    pub rollback_of: Option<ProductId>,
    /// State.
    pub state: ReleaseState,
    /// Why it is in that state; empty where nobody said.
    pub state_reason: String,
    /// How many of a hundred get it.
    pub rollout_percent: i64,
    /// When it begins by itself.
    pub starts_at: Option<Time>,
    /// Nobody may leap over it.
    pub watershed: bool,
    /// Applications should insist.
    pub critical: bool,
    /// Why it is released though testers say it is bad; empty where they do not.
    pub override_reason: String,
    /// How many sign-offs of which role it needs.
    pub signoffs_needed: Vec<SignoffNeed>,
    /// Rises with every change; guards writes.
    pub row_version: i64,
    /// Who prepared it.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When it was first offered.
    pub live_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// How many users of a role must sign a release off.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct SignoffNeed {
    /// The role.
    pub role: Role,
    /// How many users of it.
    pub count: u32,
}

/// Somebody's consent to a release.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Signoff {
    /// Its id.
    pub id: SignoffId,
    /// Who signed.
    pub user: String,
    /// In which role.
    pub role: Role,
    /// What they said.
    pub comment: String,
    /// When.
    pub created_at: Time,
}

/// A release with its sign-offs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ReleaseDetail {
    /// What lists show.
    #[serde(flatten)]
    pub release: Release,
    /// Who signed, the first first.
    pub signoffs: Vec<Signoff>,
    /// What is still to be signed.
    pub signoffs_missing: Vec<SignoffNeed>,
}

/// Which releases a list shows; absent fields do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReleaseFilter {
    /// Name of the project.
    pub project: Option<String>,
    /// Name of the branch.
    pub branch: Option<String>,
    /// Target.
    pub target: Option<String>,
    /// State.
    pub state: Option<ReleaseState>,
    /// Prepared before this one only.
    pub before: Option<ReleaseId>,
}

/// Updates stopped for a project or one of its branches.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Shutoff {
    /// Its id.
    pub id: ShutoffId,
    /// Name of the project.
    pub project: String,
    /// The branch's name; all branches of the project when absent.
    pub branch: Option<String>,
    /// Why.
    pub reason: String,
    /// Who stopped them.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// Who let them go on.
    pub lifted_by: Option<String>,
    /// When.
    pub lifted_at: Option<Time>,
}

/// A branch as its feeds see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Branch {
    /// Its id.
    pub id: BranchId,
    /// Name of the project.
    pub project: String,
    /// Name as version control has it.
    pub name: String,
    /// Its part of feed URLs.
    pub feed: String,
    /// `active`, `frozen` or `deleted`.
    pub state: BranchState,
    /// The branch whose feeds answer instead of its own.
    pub follows: Option<BranchId>,
    /// That branch's name.
    pub follows_name: Option<String>,
    /// When it was first seen.
    pub created_at: Time,
}

/// Which branches a list shows; absent fields do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BranchFilter {
    /// Name of the project.
    pub project: Option<String>,
    /// Part of the name.
    pub name: Option<String>,
    /// State.
    pub state: Option<BranchState>,
    /// First seen before this one only.
    pub before: Option<BranchId>,
}

/// How often askers of a branch got which answer on one day.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct UpdateCount {
    /// Days since 1970-01-01.
    pub day: i64,
    /// Target.
    pub target: String,
    /// Format of the feed.
    pub format: String,
    /// What the askers said they have; `other` where too many different ones did.
    pub from_version: String,
    /// What they were told.
    pub outcome: String,
    /// How many asked.
    pub asked: i64,
}
