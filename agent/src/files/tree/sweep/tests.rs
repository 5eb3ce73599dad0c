//! The promises of what is forgotten about trees.

use std::path::Path;

use super::{MANIFESTS_MAX, sweep};
use crate::files::tree::index;
use crate::root::Root;
use crate::scratch::Scratch;

fn count(folder: &Path, kind: &str) -> usize {
    let found = std::fs::read_dir(folder).unwrap().flatten();
    let is_kind = |path: &std::path::PathBuf| path.extension().is_some_and(|found| found == kind);
    found.map(|entry| entry.path()).filter(is_kind).count()
}

#[test]
fn what_is_remembered_of_removed_trees_and_old_tries_goes_and_what_is_needed_stays() {
    let scratch = Scratch::new();
    let root = Root::open(&scratch.path().join("root")).unwrap();
    let folder = scratch.path().join("trees");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir_all(scratch.path().join("root/a/here")).unwrap();
    for (name, tree) in [
        ("1", "a/here"),
        ("2", "a/gone"),
        ("3", "gone/too"),
        ("4", ""),
    ] {
        let path = folder.join(name).with_extension("index");
        index::save(&path, tree.as_bytes(), std::iter::empty()).unwrap();
    }
    std::fs::write(folder.join("damaged.index"), "x").unwrap();
    for number in 0..MANIFESTS_MAX + 9 {
        let path = folder.join(format!("{number}.manifest"));
        std::fs::write(path, "m").unwrap();
    }
    std::fs::write(folder.join("5.part"), "").unwrap();
    std::fs::write(folder.join("5.manifest-part"), "").unwrap();
    sweep(&folder, &root, false);
    let here = |name: &str| folder.join(name).exists();
    assert!(here("1.index") && here("4.index") && here("damaged.index"));
    assert!(!here("2.index") && !here("3.index"));
    assert_eq!(count(&folder, "manifest"), MANIFESTS_MAX);
    assert!(
        here("5.part") && here("5.manifest-part"),
        "somebody may be writing them"
    );
    sweep(&folder, &root, true);
    assert!(!here("5.part") && !here("5.manifest-part"));
}
