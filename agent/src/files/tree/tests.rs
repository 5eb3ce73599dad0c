//! The promises of the index of a tree.

use std::ffi::OsStr;

use super::index::{self, Index, Known};
use super::place::make_folder;
use crate::clock;
use crate::scratch::Scratch;
use crate::sys::{Folder, Kind, Stat};

fn stat(age_ns: i128) -> Stat {
    let time = clock::wall_ns() - age_ns;
    Stat {
        kind: Kind::File,
        size: 5,
        // Not a whole second: the file system keeps fine times.
        mtime_ns: time - time % 1_000_000_000 + 1,
        ctime_ns: time - time % 1_000_000_000 + 1,
        inode: 3,
        executable: false,
        owner_full: true,
    }
}

#[test]
fn an_index_comes_back_as_it_was_saved_and_a_damaged_one_knows_nothing() {
    let scratch = Scratch::new();
    let file = scratch.path().join("x.index");
    let old = stat(10_000_000_000);
    let known = [
        (b"a/b".as_slice(), Known::new([1; 32], &old)),
        (b"c", Known::new([2; 32], &old)),
    ];
    index::save(&file, b"a/tree", known.into_iter()).unwrap();
    let loaded = Index::load(&file);
    assert_eq!(loaded.tree(), b"a/tree");
    assert_eq!(loaded.entries().collect::<Vec<_>>(), known);
    assert_eq!(
        (loaded.get(b"c"), loaded.get(b"b")),
        (Some(known[1].1), None)
    );
    let bytes = std::fs::read(&file).unwrap();
    for len in [0, 5, bytes.len() - 1] {
        std::fs::write(&file, &bytes[..len]).unwrap();
        assert_eq!(Index::load(&file), Index::default(), "cut to {len}");
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(Index::load(&file), Index::default());
}

#[test]
fn any_difference_is_seen_and_a_file_changed_just_before_is_not_trusted() {
    let scratch = Scratch::new();
    let file = scratch.path().join("x.index");
    let old = stat(10_000_000_000);
    let known = Known::new([1; 32], &old);
    assert!(known.is_still(&old));
    for other in [
        Stat { size: 6, ..old },
        Stat {
            mtime_ns: old.mtime_ns + 1,
            ..old
        },
        Stat {
            ctime_ns: old.ctime_ns + 1,
            ..old
        },
        Stat { inode: 4, ..old },
    ] {
        assert!(!known.is_still(&other));
    }
    let fresh = Stat {
        ctime_ns: clock::wall_ns(),
        ..old
    };
    let coarse = Stat {
        mtime_ns: clock::wall_ns() / 1_000_000_000 * 1_000_000_000,
        ..old
    };
    for (name, stat, trusted) in [
        ("old", old, true),
        ("fresh", fresh, false),
        ("fat", coarse, false),
    ] {
        let known = (name.as_bytes(), Known::new([1; 32], &stat));
        index::save(&file, b"a/tree", [known].into_iter()).unwrap();
        let loaded = Index::load(&file);
        assert_eq!(
            loaded.get(name.as_bytes()).unwrap().is_still(&stat),
            trusted,
            "{name}"
        );
    }
}

#[test]
fn a_folder_that_is_there_keeps_the_files_that_need_not_be_sent() {
    let scratch = Scratch::new();
    let top = Folder::open(scratch.path()).unwrap();
    std::fs::create_dir(scratch.path().join("there")).unwrap();
    std::fs::write(scratch.path().join("there/kept"), "x").unwrap();
    std::fs::write(scratch.path().join("file"), "x").unwrap();
    for name in ["there", "file", "new"] {
        make_folder(&top, OsStr::new(name)).unwrap();
        assert!(scratch.path().join(name).is_dir(), "{name}");
    }
    assert!(scratch.path().join("there/kept").exists());
}
