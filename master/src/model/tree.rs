//! A source tree as version control delivers it and a session sends it: entries, not bytes.

/// One entry of a tree, in the order it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Path below the tree's folder, `/` between components, bytes as version control has them.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: TreeKind,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeKind {
    /// A regular file.
    File {
        /// Whether its executable bit is set.
        executable: bool,
        /// Bytes.
        size: u64,
        /// SHA-256 of its bytes.
        sha256: [u8; 32],
        /// The version control system's own id of the content.
        object: String,
    },
    /// A symbolic link; stored as given, never followed.
    Link {
        /// Its target.
        target: Vec<u8>,
    },
}

/// What the delivery of a tree cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TreeStats {
    /// Files and links of the tree.
    pub entries: u64,
    /// Files whose contents were sent.
    pub sent_files: u64,
    /// Bytes of contents and manifest that were sent.
    pub sent_bytes: u64,
    /// Bytes of all files of the tree.
    pub total_bytes: u64,
}
