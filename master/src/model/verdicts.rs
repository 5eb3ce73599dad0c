//! What testers say of products: verdicts, labels, what is on a tester's desk, and the difference
//! of two products.

use super::{ChangeSummary, Hold, Product, Verdict};
use crate::clock::Time;
use crate::ids::{DeskId, LabelId, ProductId, VerdictId};

/// What somebody found who tested a product; never changed once given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Judgement {
    /// Its id.
    pub id: VerdictId,
    /// The product.
    pub product: ProductId,
    /// The verdict.
    pub verdict: Verdict,
    /// Who gave it.
    pub by: String,
    /// What they saw; may be empty.
    pub comment: String,
    /// Address of the bug.
    pub bug: Option<String>,
    /// What they ticked of the project's checklist.
    pub checklist: Vec<String>,
    /// When it was given.
    pub created_at: Time,
}

/// A verdict to give.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJudgement {
    /// The verdict; `untested` takes the last word back.
    pub verdict: Verdict,
    /// What was seen.
    #[serde(default)]
    pub comment: String,
    /// Address of the bug, `http://` or `https://`.
    #[serde(default)]
    pub bug: Option<String>,
    /// What was ticked of the project's checklist.
    #[serde(default)]
    pub checklist: Vec<String>,
}

/// What testers of a project go by.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Checklist {
    /// The project.
    pub project: String,
    /// What they tick off.
    pub items: Vec<String>,
    /// Whether the verdict `bad` must come with the address of a bug.
    pub bad_needs_bug: bool,
}

/// A name that points at one product of a branch and target, and can be moved.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Label {
    /// Its id.
    pub id: LabelId,
    /// The name.
    pub label: String,
    /// What it points at.
    pub product: ProductId,
    /// Name of the branch.
    pub branch: String,
    /// Target.
    pub target: String,
    /// Who set it last.
    pub set_by: String,
    /// When.
    pub set_at: Time,
}

/// What came into a product since another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Since {
    /// The product before it on its branch and target; absent for the first.
    pub product: Option<ProductId>,
    /// Its version text.
    pub version: String,
    /// The newest changes.
    pub changes: Vec<ChangeSummary>,
    /// How many there are.
    pub changes_total: i64,
}

/// A product on a tester's desk.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DeskRow {
    /// The product.
    pub product: Product,
    /// Whether it came since the tester's last look or verdict.
    pub is_new: bool,
    /// Name of the file that a tester installs.
    pub file: Option<String>,
    /// Its SHA-256.
    pub sha256: Option<String>,
    /// The last verdict.
    pub judgement: Option<Judgement>,
    /// Its live holds.
    pub holds: Vec<Hold>,
    /// Labels that point at it.
    pub labels: Vec<String>,
    /// What came since the product before it.
    pub since: Since,
}

/// A choice of the desk that a tester comes back to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Desk {
    /// Its id.
    pub id: DeskId,
    /// The name it was saved under; absent where it was only looked at.
    pub name: Option<String>,
    /// The query of its address.
    pub query: String,
    /// The newest product that was seen there.
    pub seen: ProductId,
}

/// Two products side by side.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Comparison {
    /// One.
    pub a: Product,
    /// The other.
    pub b: Product,
    /// Every codebase of either.
    pub codebases: Vec<CodebaseDifference>,
    /// Files that belong together.
    pub files: Vec<FileDifference>,
    /// Properties of either, those that differ first.
    pub properties: Vec<PropertyDifference>,
    /// Verdicts of the one, newest first.
    pub verdicts_a: Vec<Judgement>,
    /// Verdicts of the other, newest first.
    pub verdicts_b: Vec<Judgement>,
}

/// What lies between two products in one codebase.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct CodebaseDifference {
    /// The codebase.
    pub codebase: String,
    /// Its revision in the one.
    pub revision_a: Option<String>,
    /// Its revision in the other.
    pub revision_b: Option<String>,
    /// The changes between, newest first, at most 200.
    pub changes: Vec<ChangeSummary>,
    /// How many there are.
    pub changes_total: i64,
    /// Whether the one is the newer: then these changes are taken back.
    pub is_backwards: bool,
    /// Whether both are known on one branch; else no changes can be told.
    pub is_known: bool,
}

/// A file of two products.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FileDifference {
    /// Its role.
    pub role: String,
    /// Its name in the one.
    pub name_a: Option<String>,
    /// Its name in the other.
    pub name_b: Option<String>,
    /// Bytes in the one.
    pub size_a: Option<i64>,
    /// Bytes in the other.
    pub size_b: Option<i64>,
    /// Whether it is the same content.
    pub is_same: bool,
}

impl FileDifference {
    /// Bytes that the other is larger, below 0 where it is smaller.
    #[must_use]
    pub fn grown(&self) -> Option<i64> {
        Some(self.size_b?.saturating_sub(self.size_a?))
    }
}

/// A property of two products.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PropertyDifference {
    /// Its name.
    pub name: String,
    /// JSON text in the one.
    pub a: Option<String>,
    /// JSON text in the other.
    pub b: Option<String>,
}

impl PropertyDifference {
    /// Whether both have the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.a == self.b
    }
}

/// A product that was looked for, and by what it was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FoundProduct {
    /// `version`, `build number`, `revision`, `sha256`, `sha1`, `sha512` or `file name`.
    pub by: String,
    /// The product.
    pub product: Product,
}

/// Which live holds are listed, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldFilter {
    /// Login name of who wants it kept.
    pub owner: Option<String>,
    /// Those only that end by themselves before this moment.
    pub ends_before: Option<Time>,
    /// The order.
    pub order: HoldOrder,
    /// After this one in that order.
    pub after: Option<crate::ids::HoldId>,
}

/// How live holds are ordered.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum HoldOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Age,
    /// Those of the largest products first.
    Size,
    /// Those that end first.
    Until,
    /// By login name of who wants it kept.
    Owner,
}

/// A live hold with its product.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct HeldProduct {
    /// The hold.
    #[serde(flatten)]
    pub hold: Hold,
    /// What it protects; its id stands under `product` too.
    pub of: Product,
}
