//! Collection as REST and pages show it.

use super::PlanState;
use crate::clock::Time;
use crate::ids::{PlanId, ProductId};

/// How much was stored at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Point {
    /// When.
    pub at: Time,
    /// Bytes.
    pub bytes: i64,
}

/// What the past says of the future.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Forecast {
    /// Bytes that come per day, less those that go; negative when the store shrinks.
    pub bytes_per_day: i64,
    /// When the limit is reached if it goes on like this; absent when it is not in ten years.
    pub full_at: Option<Time>,
}

/// A stored plan: what would be collected.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// State.
    pub state: PlanState,
    /// Why it is in that state, or what came of it.
    pub state_text: String,
    /// Products that go.
    pub products_total: i64,
    /// Their bytes.
    pub bytes_total: i64,
    /// Who had it made.
    pub created_by: String,
    /// When it was made.
    pub created_at: Time,
    /// Who had it applied.
    pub applied_by: Option<String>,
    /// When that was asked for.
    pub applied_at: Option<Time>,
    /// Names the policies that it was made by.
    pub policies_sha256: String,
}

/// A product that a plan lets go.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PlanItem {
    /// The product.
    pub product: ProductId,
    /// Name of its project.
    pub project: String,
    /// Name of its branch.
    pub branch: String,
    /// Its target.
    pub target: String,
    /// Its version.
    pub version: String,
    /// The rule by which it goes.
    pub rule: String,
    /// Its bytes.
    pub bytes: i64,
    /// `planned`, `expired` or `skipped`.
    pub result: String,
    /// Why it was skipped.
    pub result_text: String,
}

/// What a branch offers for a target before and after a plan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PlanLatest {
    /// Name of the project.
    pub project: String,
    /// Name of the branch.
    pub branch: String,
    /// Target.
    pub target: String,
    /// Version before; absent when nothing is offered.
    pub before: Option<String>,
    /// Version after.
    pub after: Option<String>,
}

/// A plan with what branches offer before and after it, where that differs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PlanDetail {
    /// The plan.
    #[serde(flatten)]
    pub plan: Plan,
    /// Branches and targets that offer something else after it; none of a living branch.
    pub latest: Vec<PlanLatest>,
}

/// A product in the trash.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Trashed {
    /// The product.
    pub product: ProductId,
    /// Name of its project.
    pub project: String,
    /// Name of its branch.
    pub branch: String,
    /// Its target.
    pub target: String,
    /// Its version.
    pub version: String,
    /// Its bytes.
    pub bytes: i64,
    /// Why it was collected.
    pub reason: String,
    /// Its row version, for guarded writes.
    pub row_version: i64,
    /// When it was collected.
    pub expired_at: Time,
}

/// Why a product is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct WhyKept {
    /// The product.
    pub product: ProductId,
    /// Names of the policies that are about it; empty for none.
    pub policy: String,
    /// Every reason, in words; none when the next plan lets it go.
    pub reasons: Vec<String>,
    /// What becomes of it.
    pub fate: String,
}

/// A policy as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PolicyText {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// What it says, a sentence each.
    pub says: Vec<String>,
}

/// How the store stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct StoreState {
    /// Bytes of everything that is stored.
    pub bytes: i64,
    /// The master's quota.
    pub quota: Option<u64>,
    /// How it goes on.
    pub forecast: Forecast,
    /// How it was, a point a day.
    pub points: Vec<Point>,
    /// Projects with a quota or products, the largest first.
    pub projects: Vec<ProjectState>,
    /// Stored files that are missing or wrong.
    pub corrupt: i64,
    /// Bytes in the trash, which go after their time.
    pub trash_bytes: i64,
    /// When a plan was last made by the timetable.
    pub last_run: Option<Time>,
    /// When the next one is due.
    pub next_run: Option<Time>,
    /// Whether plans of the timetable are applied too.
    pub applies: bool,
    /// What keeps everything from being collected; absent when nothing does.
    pub problem: Option<String>,
    /// How far the present reading of all stored files has come, such as `24 %`.
    pub scrub: String,
}

/// How much a project takes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ProjectState {
    /// Its name.
    pub project: String,
    /// Bytes of its products, those in the trash included.
    pub bytes: i64,
    /// Its quota.
    pub quota: Option<u64>,
}
