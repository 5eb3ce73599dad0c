//! The promises of removing.

use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::remove_name;
use crate::scratch::Scratch;
use crate::sys::Folder;

#[test]
fn a_tree_deeper_than_open_files_allow_is_removed() {
    let scratch = Scratch::new();
    let top = Folder::open(scratch.path()).unwrap();
    // As long as a name may be: what is moved away cannot be called after it.
    let name = "n".repeat(255);
    let name = OsStr::new(&name);
    top.make(name).unwrap();
    let mut at = top.enter(name).unwrap();
    for _ in 0..700 {
        at.make(OsStr::new("d")).unwrap();
        at = at.enter(OsStr::new("d")).unwrap();
    }
    drop(at);
    assert_eq!(remove_name(&top, name).unwrap(), 701);
    assert!(top.list().unwrap().is_empty());
}

#[test]
fn folders_without_rights_are_removed() {
    let scratch = Scratch::new();
    let inner = scratch.path().join("a/b");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(inner.join("f"), "x").unwrap();
    for (path, mode) in [(inner, 0o000), (scratch.path().join("a"), 0o555)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let top = Folder::open(scratch.path()).unwrap();
    remove_name(&top, OsStr::new("a")).unwrap();
    assert!(!scratch.path().join("a").exists());
}

#[test]
fn a_link_is_removed_and_its_target_stays() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path().join("kept")).unwrap();
    std::fs::write(scratch.path().join("kept/file"), "x").unwrap();
    std::fs::create_dir(scratch.path().join("gone")).unwrap();
    symlink("../kept", scratch.path().join("gone/link")).unwrap();
    let top = Folder::open(scratch.path()).unwrap();
    assert_eq!(remove_name(&top, OsStr::new("gone")).unwrap(), 2);
    assert!(scratch.path().join("kept/file").exists());
    assert_eq!(
        remove_name(&top, OsStr::new("gone")).unwrap(),
        0,
        "missing is no error"
    );
}
