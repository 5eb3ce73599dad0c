//! Products, their files and holds, as operations hand them to faces and runner. No rule lives
//! here: what is latest decides `updates`, what may follow which state `states`.

use super::{
    Blob, BlobStore, ProductState, SignatureScheme, SignatureState, Verdict, VersionScheme,
};
use super::{Judgement, Label, Since};
use crate::clock::Time;
use crate::ids::{ArtifactId, BranchId, BuildId, HoldId, ProductFileId, ProductId, StepId, UserId};

/// A product to record; all its files are complete and on disk.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// Name of the project.
    pub project: String,
    /// Name of the branch as version control has it.
    pub branch: String,
    /// What it is for, such as `x86_64-linux`.
    pub target: String,
    /// Version text; never decides what is latest.
    pub version: String,
    /// Semantic version for update clients.
    pub feed_version: Option<String>,
    /// Position of the source change on its branch; with the build number it decides what is
    /// latest.
    pub seq_position: i64,
    /// The build that made it, when one of ours did.
    pub build: Option<BuildId>,
    /// Name of the builder.
    pub builder: String,
    /// Number of the build at its builder.
    pub build_number: i64,
    /// Revision of the first codebase.
    pub revision: String,
    /// Revision of every codebase.
    pub revisions: Vec<ProductRevision>,
    /// Language runtime and range, such as `python` and `>=3.9,<3.13`.
    pub runtime: Option<(String, String)>,
    /// Lowest version of the operating system it runs on, such as `10.15`.
    pub min_os: Option<String>,
    /// Highest version of the operating system it runs on.
    pub max_os: Option<String>,
    /// What is new, Markdown; empty for none.
    pub notes: String,
    /// How the project's version texts compare; `version` is one of them.
    pub scheme: VersionScheme,
    /// Everything known when it was built; names are unique.
    pub properties: Vec<ProductProperty>,
    /// At least one file; names are unique.
    pub files: Vec<NewProductFile>,
    /// When it was built.
    pub built_at: Time,
    /// Who recorded it: a user, or the master's runner.
    pub recorded_by: String,
}

/// A file of a product to record.
#[derive(Debug, Clone)]
pub struct NewProductFile {
    /// `installer`, `update`, `symbols`, `signature`, …
    pub role: String,
    /// File name in downloads, without a folder.
    pub name: String,
    /// The stored file.
    pub blob: Blob,
    /// Where it lay on the build machine.
    pub source_path: String,
    /// Of a delta, the product it starts from: one of the same branch and target.
    pub delta_from: Option<ProductId>,
    /// Signatures of its content; none of them is wrong.
    pub signatures: Vec<Signature>,
}

/// A signature of a file's content, made where it was built.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Signature {
    /// How it is made and checked.
    pub scheme: SignatureScheme,
    /// Which key made it: of minisign and OpenPGP the key's id (hexadecimal), of Ed25519 the public
    /// key itself (base64); empty where an unknown key cannot be told.
    pub key_id: String,
    /// The signature as update clients want it: the whole text of a minisign signature, base64 of
    /// 64 bytes for Ed25519, armored OpenPGP.
    pub value: String,
    /// What minisign signs along with the file; empty for others.
    pub trusted_comment: String,
    /// What the check said.
    pub state: SignatureState,
}

/// The product that a delta starts from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DeltaStart {
    /// Its id.
    pub product: ProductId,
    /// Its version text.
    pub version: String,
    /// Its semantic version for update clients.
    pub feed_version: Option<String>,
}

/// Revision of one codebase of a product.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ProductRevision {
    /// Codebase.
    pub codebase: String,
    /// Name of its repository.
    pub repository: String,
    /// Branch.
    pub branch: String,
    /// Revision.
    pub revision: String,
}

/// A property of a product.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ProductProperty {
    /// Name.
    pub name: String,
    /// JSON text: `"main"`, `3`, `true`.
    pub value: String,
    /// Where it came from, such as `form` or `step`.
    pub source: String,
}

/// A file of a recorded product.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ProductFile {
    /// Its id.
    pub id: ProductFileId,
    /// `installer`, `update`, `symbols`, `signature`, …
    pub role: String,
    /// File name in downloads.
    pub name: String,
    /// SHA-256, which names its content in the store.
    pub sha256: String,
    /// SHA-1.
    pub sha1: String,
    /// SHA-512.
    pub sha512: String,
    /// Bytes.
    pub size: i64,
    /// Where it lay on the build machine.
    pub source_path: String,
    /// Of a delta, what it starts from.
    pub delta_from: Option<DeltaStart>,
    /// Its signatures in the order they were recorded.
    pub signatures: Vec<Signature>,
    /// Path of its link below the master's folder `by-name`.
    pub by_name: String,
}

/// A recorded product as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Name of the project.
    pub project: String,
    /// Name of the branch.
    pub branch: String,
    /// The branch's part of feed URLs.
    pub feed: String,
    /// What it is for.
    pub target: String,
    /// Version text.
    pub version: String,
    /// Semantic version for update clients.
    pub feed_version: Option<String>,
    /// Position of the source change on its branch.
    pub seq_position: i64,
    /// Number of the build, as the second part of the order.
    pub seq_build: i64,
    /// The build that made it.
    pub build: Option<BuildId>,
    /// Name of the builder.
    pub builder: String,
    /// Number of the build at its builder.
    pub build_number: i64,
    /// Revision of the first codebase.
    pub revision: String,
    /// Language runtime and range.
    #[serde(serialize_with = "runtime")]
    #[schema(value_type = Option<Runtime>)]
    pub runtime: Option<(String, String)>,
    /// Lowest version of the operating system it runs on.
    pub min_os: Option<String>,
    /// Highest version of the operating system it runs on.
    pub max_os: Option<String>,
    /// State.
    pub state: ProductState,
    /// Why it is in that state; empty where nobody said.
    pub state_reason: String,
    /// Rises with every change of the row; guards writes.
    pub row_version: i64,
    /// Its version text is lower than that of the product before it.
    pub went_backwards: bool,
    /// When it was built.
    pub built_at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Who recorded it.
    pub recorded_by: String,
    /// Bytes of all its files.
    pub size: i64,
    /// Number of its files.
    #[serde(rename = "files_total")]
    pub files: i64,
    /// What the last who tested it found.
    pub verdict: Verdict,
    /// Whether a hold protects it at the time of asking.
    pub held: bool,
    /// When the last of its holds ends by itself; absent while one lasts until it is lifted.
    pub held_until: Option<Time>,
}

/// A language runtime in JSON.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
struct Runtime<'a> {
    /// Such as `python`.
    name: &'a str,
    /// Such as `>=3.9,<3.13`.
    range: &'a str,
}

fn runtime<S: serde::Serializer>(
    runtime: &Option<(String, String)>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let runtime = runtime.as_ref();
    let runtime = runtime.map(|(name, range)| Runtime { name, range });
    serde::Serialize::serialize(&runtime, to)
}

/// A product with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ProductDetail {
    /// What lists show.
    #[serde(flatten)]
    pub product: Product,
    /// What is new, Markdown; empty where nobody said.
    pub notes: String,
    /// Its files in the order they were recorded.
    pub files: Vec<ProductFile>,
    /// Revision of every codebase.
    pub revisions: Vec<ProductRevision>,
    /// Properties by name.
    pub properties: Vec<ProductProperty>,
    /// All holds there ever were, newest first.
    pub holds: Vec<Hold>,
    /// All verdicts, newest first.
    pub verdicts: Vec<Judgement>,
    /// Labels that point at it.
    pub labels: Vec<Label>,
    /// What came since the product before it on its branch and target.
    pub since: Since,
    /// Products of its branch and revision for other targets.
    pub siblings: Vec<Product>,
    /// Its branch.
    pub branch_id: BranchId,
    /// Path of its update feed below the master's URL.
    pub feed_path: String,
    /// Whether it is what the feed offers now.
    pub is_latest: bool,
    /// Every reason why it may not be collected, one sentence each; empty when it may.
    pub why_kept: Vec<String>,
}

/// A reason why a product must not be collected.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// The product.
    pub product: ProductId,
    /// `keep` and what later kinds there are.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who wants it kept.
    pub owner: String,
    /// Their id.
    pub owner_id: UserId,
    /// Since when.
    pub created_at: Time,
    /// When it ends by itself.
    pub until: Option<Time>,
    /// When it was lifted.
    pub lifted_at: Option<Time>,
    /// Who lifted it.
    pub lifted_by: Option<String>,
    /// Why it was lifted.
    pub lift_reason: Option<String>,
    /// The same for holds that were made together on all targets of a revision.
    pub group: Option<String>,
}

impl Hold {
    /// Whether it protects its product at `now`.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        self.lifted_at.is_none() && self.until.is_none_or(|until| until > now)
    }
}

/// A file that a build uploaded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// The build.
    pub build: BuildId,
    /// The step that uploaded it.
    pub step: StepId,
    /// Path below the build's folder.
    pub name: String,
    /// SHA-256, which names its content in the store.
    pub sha256: String,
    /// Bytes.
    pub size: i64,
    /// When it was uploaded.
    pub created_at: Time,
}

/// Which products a list shows; absent fields do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// Name of the project.
    pub project: Option<String>,
    /// Name of the branch.
    pub branch: Option<String>,
    /// Target.
    pub target: Option<String>,
    /// Part of the version text, upper and lower case alike.
    pub version: Option<String>,
    /// State.
    pub state: Option<ProductState>,
    /// Whether a live hold protects it.
    pub held: Option<bool>,
    /// Name of the builder.
    pub builder: Option<String>,
    /// The build that made it.
    pub build: Option<BuildId>,
    /// Name of a property and its value, as JSON text or as the text itself.
    pub property: Option<(String, String)>,
    /// What the last who tested it found.
    pub verdict: Option<Verdict>,
    /// Recorded at that moment or later.
    pub from: Option<Time>,
    /// Recorded before that moment.
    pub until: Option<Time>,
    /// Those of projects that are not private only.
    pub public_only: bool,
    /// Recorded before this one only.
    pub before: Option<ProductId>,
}

/// What stands behind a file's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedFile {
    /// SHA-256 of the content.
    pub sha256: String,
    /// File name in downloads.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Where it lies.
    pub store: BlobStore,
    /// Whether everybody may have it, so that shared caches may keep it.
    pub is_public: bool,
}
