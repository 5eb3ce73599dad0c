//! What update feeds hand out: a product with its files, as every format needs it.

use super::{ProductState, SignatureScheme};
use crate::clock::Time;
use crate::ids::ProductId;

/// A product that an application should take, or has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The product.
    pub product: OfferedProduct,
    /// Its files in the order they were recorded; at least one.
    pub files: Vec<OfferFile>,
    /// Applications should insist.
    pub critical: bool,
}

/// The product of an [`Offer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedProduct {
    /// Its id.
    pub id: ProductId,
    /// Name of the project.
    pub project: String,
    /// Name of the branch that it was recorded on.
    pub branch: String,
    /// The feed token of that branch; after a redirect another than was asked.
    pub feed: String,
    /// What it is for.
    pub target: String,
    /// Version text.
    pub version: String,
    /// Semantic version.
    pub feed_version: Option<String>,
    /// Position of the source change, number of the build, order of recording.
    pub seq: (i64, i64, i64),
    /// Number of the build.
    pub build_number: i64,
    /// Revision of the first codebase.
    pub revision: String,
    /// Language runtime and range.
    pub runtime: Option<(String, String)>,
    /// Lowest version of the operating system.
    pub min_os: Option<String>,
    /// Highest version of the operating system.
    pub max_os: Option<String>,
    /// What is new, for people.
    pub notes: String,
    /// Its state.
    pub state: ProductState,
    /// When it was recorded.
    pub recorded_at: Time,
}

/// A file of an [`Offer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferFile {
    /// `installer`, `update`, `delta`, `blockmap`, …
    pub role: String,
    /// File name in downloads.
    pub name: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// SHA-1, lower-case hexadecimal.
    pub sha1: String,
    /// SHA-512, lower-case hexadecimal.
    pub sha512: String,
    /// Bytes.
    pub size: i64,
    /// What a delta applies to.
    pub delta_from: Option<DeltaBase>,
    /// Signatures made where it was built.
    pub signatures: Vec<OfferSignature>,
}

/// The product that a delta applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaBase {
    /// Version text.
    pub version: String,
    /// Semantic version.
    pub feed_version: Option<String>,
}

/// A signature of a file, as clients check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferSignature {
    /// How it was made.
    pub scheme: SignatureScheme,
    /// Which key made it.
    pub key_id: String,
    /// The signature as text.
    pub value: String,
    /// What minisign signs besides; empty with others.
    pub trusted_comment: String,
    /// Whether a key of the configuration verified it.
    pub is_verified: bool,
}

impl Offer {
    /// The file that an application installs: the one of the role `update`, else `installer`,
    /// else the first.
    #[must_use]
    pub fn main_file(&self) -> Option<&OfferFile> {
        let rank = |file: &&OfferFile| match file.role.as_str() {
            "update" => 0,
            "installer" => 1,
            _ => 2,
        };
        self.files.iter().min_by_key(rank)
    }
}
