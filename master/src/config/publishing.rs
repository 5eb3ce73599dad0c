//! `publish` of `[project.NAME]`, after checking: where a project's feeds stand as files too.

use std::fmt;
use std::path::PathBuf;

use super::resolved::Bucket;

/// A place that another server hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publish {
    /// A folder (absolute).
    Folder(PathBuf),
    /// A bucket, asked with the master's access.
    Bucket(Bucket),
}

impl fmt::Display for Publish {
    /// As the configuration writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Bucket(bucket) if bucket.prefix.is_empty() => write!(f, "s3://{}", bucket.name),
            Self::Bucket(bucket) => write!(f, "s3://{}/{}", bucket.name, bucket.prefix),
        }
    }
}
