//! The files that the rules read: every Rust source of the workspace, and every other text in it.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the repository.
pub(crate) struct Source {
    /// Path from the repository's root, with `/`.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it is only compiled for tests.
    pub(crate) fn is_test(&self) -> bool {
        self.file_name() == "tests.rs"
            || self.path.contains("/tests/")
            || self.path.starts_with("tests/")
    }

    /// Its lines with their numbers, without comments.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the crate lies in the repository")
        .to_owned()
}

/// Every Rust file of the workspace.
pub(crate) fn rust_sources() -> Vec<Source> {
    let found = files(&["protocol-spec", "agent", "master", "tests"], |path| {
        path.ends_with(".rs")
    });
    assert!(
        found.len() > 20,
        "the walk over the sources finds too little"
    );
    found
}

/// The text files below `folders` whose path `wanted` accepts, sorted by path.
pub(crate) fn files(folders: &[&str], wanted: impl Fn(&str) -> bool) -> Vec<Source> {
    let root = repository();
    let mut paths = Vec::new();
    for folder in folders {
        walk(&root.join(folder), &mut paths);
    }
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let name = path.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/");
            if !wanted(&name) {
                return None;
            }
            Some(Source {
                text: fs::read_to_string(&path).ok()?,
                path: name,
            })
        })
        .collect()
}

fn walk(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_file() {
        into.push(path.to_owned());
        return;
    }
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !["target", "node_modules", ".git", ".tools"]
            .iter()
            .any(|skip| name == *skip)
        {
            walk(&entry.path(), into);
        }
    }
}
