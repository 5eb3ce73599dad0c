//! Products on their way here by REST: what is announced, and how far its files are. The same
//! words are the body of the request, what the database keeps of it, and what the command sends.

use std::collections::BTreeMap;

use super::{DraftState, SignatureScheme, UploadState};
use crate::clock::Time;
use crate::ids::{BuildId, DraftId, ProductId, UploadId};

/// A product that is announced.
#[derive(
    Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct ProductRecord {
    /// Name of the project.
    pub project: String,
    /// Name of the branch as version control has it.
    pub branch: String,
    /// What it is for, such as `x86_64-linux`.
    pub target: String,
    /// Version text.
    pub version: String,
    /// Semantic version for update clients; what `version` stands for when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed_version: Option<String>,
    /// Revision it was made of; empty when nobody knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// Revision of every codebase; the one of `revision` alone when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<RecordRevision>,
    /// The build of this master that made it, which then tells builder, number and revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildId>,
    /// Name of the builder; `upload` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// Number of the build at its builder; the next free one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_number: Option<i64>,
    /// Position of the source change on its branch; that of `revision` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// Language runtime and range, such as `python >=3.9,<3.13`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Lowest version of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_os: Option<String>,
    /// Highest version of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_os: Option<String>,
    /// What is new, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// What else is to be known, any JSON value by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub properties: BTreeMap<String, serde_json::Value>,
    /// When it was built; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_at: Option<Time>,
    /// Its files, at least one.
    pub files: Vec<RecordFile>,
}

/// Revision of one codebase of a product that is announced.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRevision {
    /// Codebase.
    pub codebase: String,
    /// Name of its repository; the codebase's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Branch; the product's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Revision.
    pub revision: String,
}

/// A file that is announced.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordFile {
    /// `installer`, `update`, `delta`, `symbols`, …
    pub role: String,
    /// File name in downloads, without a folder; no two of a product are the same.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the content, which is compared with what comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The product that a delta begins from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_from: Option<ProductId>,
    /// Where it lies on the build machine; its name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_path: Option<String>,
    /// Signatures that were made on the build machine; they are checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<RecordSignature>,
}

/// A signature that is announced.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordSignature {
    /// How it was made; the text tells when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<SignatureScheme>,
    /// The text that the signing program wrote.
    pub value: String,
}

/// A product being uploaded.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Draft {
    /// Its id.
    pub id: DraftId,
    /// State.
    pub state: DraftState,
    /// The product that it became.
    pub product: Option<ProductId>,
    /// Name of the project.
    pub project: String,
    /// Name of the branch.
    pub branch: String,
    /// What it is for.
    pub target: String,
    /// Version text.
    pub version: String,
    /// Position of the source change on its branch, as it will be recorded.
    pub position: i64,
    /// Number of the build, as it will be recorded.
    pub build_number: i64,
    /// Who uploads it.
    pub owner: String,
    /// When it was made.
    pub created_at: Time,
    /// When it is given up if nothing more comes.
    pub expires_at: Time,
    /// Its files in the order they were announced.
    pub uploads: Vec<Upload>,
}

/// A file being uploaded.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Path of the address that its bytes are sent to.
    pub url: String,
    /// The draft it belongs to.
    pub draft: DraftId,
    /// `installer`, `update`, `delta`, `symbols`, …
    pub role: String,
    /// File name in downloads.
    pub name: String,
    /// Bytes announced.
    pub size: u64,
    /// Bytes stored; the next byte to send.
    pub received: u64,
    /// SHA-256 as announced, or of what came.
    pub sha256: Option<String>,
    /// State.
    pub state: UploadState,
    /// Why it was refused; empty otherwise.
    pub state_text: String,
}

/// Which bytes of a file a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadSpan {
    /// The first.
    pub first: u64,
    /// One after the last; nobody said when absent.
    pub end: Option<u64>,
    /// Bytes of the whole file, where they were said.
    pub total: Option<u64>,
}
