//! The promise of the root: nothing leaves it.

use std::os::unix::fs::symlink;

use windlass_protocol::{Code, RelPath};

use super::Root;
use crate::scratch::Scratch;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_link_on_the_way_is_refused_wherever_it_points() {
    let outside = Scratch::new();
    let scratch = Scratch::new();
    let root = Root::open(&scratch.path().join("root")).unwrap();
    std::fs::create_dir(root.path().join("inside")).unwrap();
    symlink(outside.path(), root.path().join("out")).unwrap();
    symlink("inside", root.path().join("in")).unwrap();
    symlink("nowhere", root.path().join("dangling")).unwrap();
    for link in ["out", "in", "dangling"] {
        let file = path(&format!("{link}/file"));
        for failure in [
            root.parent(&file).unwrap_err(),
            root.make_parent(&file).unwrap_err(),
            root.walk(&path(link)).unwrap_err(),
            root.make_folders(&path(link)).unwrap_err(),
        ] {
            assert_eq!(failure.code, Code::SymlinkDenied, "{link}: {failure}");
        }
    }
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn missing_folders_and_files_in_the_way_are_told_apart() {
    let scratch = Scratch::new();
    let root = Root::open(scratch.path()).unwrap();
    std::fs::write(root.path().join("file"), "x").unwrap();
    assert_eq!(root.walk(&path("none/x")).unwrap_err().code, Code::NotFound);
    assert_eq!(root.walk(&path("file/x")).unwrap_err().code, Code::NotDir);
    assert_eq!(
        root.make_folders(&path("file/x")).unwrap_err().code,
        Code::NotDir
    );
    assert_eq!(
        root.parent(&RelPath::root()).unwrap_err().code,
        Code::BadPath
    );
    root.make_folders(&path("a/b/c")).unwrap();
    assert!(root.path().join("a/b/c").is_dir());
}
