//! How a demo ended, and the line of JSON that tells it.

use std::path::PathBuf;

use crate::ids::{BuildId, ProductId};
use crate::model::BuildResult;

/// How a demo ended.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// Result of the build.
    pub(super) result: BuildResult,
    /// The build.
    pub(super) build: BuildId,
    /// How long it took.
    pub(super) seconds: f64,
    /// What was built.
    pub(super) revision: String,
    /// The product, where one was recorded.
    pub(super) product: Option<Recorded>,
    /// Page of the build.
    pub(super) page: String,
    /// The mail about it.
    pub(super) mail: Option<PathBuf>,
}

/// A recorded product.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    /// Its id.
    pub(super) id: ProductId,
    /// Its version.
    pub(super) version: String,
    /// Name of its first file.
    pub(super) name: String,
    /// Bytes of its first file.
    pub(super) size: i64,
    /// SHA-256 of its first file.
    pub(super) sha256: String,
    /// Where applications ask for it.
    pub(super) update_url: String,
    /// Its page.
    pub(super) page: String,
}

impl Outcome {
    /// Whether the demo's exit status is 0.
    pub(super) fn is_good(&self) -> bool {
        matches!(self.result, BuildResult::Success | BuildResult::Warnings)
    }

    /// One line.
    pub(super) fn json(&self) -> String {
        let product = self.product.as_ref().map(|product| {
            serde_json::json!({
                "id": product.id.0,
                "version": product.version,
                "size": product.size,
                "sha256": product.sha256,
            })
        });
        serde_json::json!({
            "result": self.result.as_str(),
            "build": self.build.0,
            "seconds": self.seconds,
            "revision": self.revision,
            "product": product,
            "update_url": self.product.as_ref().map(|product| &product.update_url),
            "page": self.page,
            "mail": self.mail,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests;
