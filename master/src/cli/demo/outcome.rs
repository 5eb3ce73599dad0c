//! How a demo ended, and the line of JSON that tells it.

use std::path::{Path, PathBuf};

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

    /// One line, with the keys in the order in which the manual has them.
    pub(super) fn json(&self) -> String {
        let product = self.product.as_ref();
        let line = Line {
            result: self.result,
            build: self.build,
            seconds: self.seconds,
            revision: &self.revision,
            product: product.map(|product| ProductPart {
                id: product.id,
                version: &product.version,
                size: product.size,
                sha256: &product.sha256,
            }),
            update_url: product.map(|product| product.update_url.as_str()),
            page: &self.page,
            mail: self.mail.as_deref(),
        };
        // A path that is not UTF-8 is all that can fail here.
        serde_json::to_string(&line).unwrap_or_else(|error| format!("\"{error}\""))
    }
}

/// The line of JSON.
#[derive(serde::Serialize)]
struct Line<'a> {
    result: BuildResult,
    build: BuildId,
    seconds: f64,
    revision: &'a str,
    product: Option<ProductPart<'a>>,
    update_url: Option<&'a str>,
    page: &'a str,
    mail: Option<&'a Path>,
}

/// The product in the line.
#[derive(serde::Serialize)]
struct ProductPart<'a> {
    id: ProductId,
    version: &'a str,
    size: i64,
    sha256: &'a str,
}

#[cfg(test)]
mod tests;
