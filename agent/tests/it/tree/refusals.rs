//! Trees that are refused, and what stays of them.

use super::*;

#[test]
fn a_contradictory_manifest_is_refused_before_anything_changes() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    send(&mut peer, Delete::Extra, &sample()).unwrap();
    let mut twice = sample();
    twice.0.insert(
        "z".into(),
        (Some(Entry::link(path("README"), b"x".to_vec())), Vec::new()),
    );
    let below = sample().link("d", "/tmp").file("d/e", b"1");
    for tree in [twice, below] {
        let failure = send(&mut peer, Delete::Extra, &tree).unwrap_err();
        assert_eq!(failure.code, Code::BadRequest, "{failure}");
    }
    assert_eq!(names(&bench.root().join("build/src")).len(), 5);
}

#[test]
fn content_that_is_not_the_announced_one_is_refused() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut tree = sample();
    tree.0.get_mut("README").unwrap().1 = b"evil me".to_vec();
    assert_eq!(
        send(&mut peer, Delete::Extra, &tree).unwrap_err().code,
        Code::Checksum
    );
    assert!(!bench.root().join("build/src/README").exists());
    send(&mut peer, Delete::Extra, &sample()).unwrap();
}

#[test]
fn a_wrong_content_among_many_is_refused_and_what_came_before_is_kept() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut tree = Tree::default();
    for number in 0..2_000 {
        let name = format!("dir-{:02}/file-{number:04}", number / 100);
        tree = tree.file(&name, format!("content of {number}").as_bytes());
    }
    let spoilt = tree.0.get_mut("dir-10/file-1000").unwrap();
    let right = std::mem::replace(&mut spoilt.1, b"content of 9999".to_vec());
    let failure = send(&mut peer, Delete::Extra, &tree).unwrap_err();
    assert_eq!(
        (failure.code, failure.path.as_deref()),
        (Code::Checksum, Some(b"dir-10/file-1000".as_slice()))
    );
    assert!(!bench.root().join("build/src/dir-10/file-1000").exists());
    tree.0.get_mut("dir-10/file-1000").unwrap().1 = right;
    let sent = send(&mut peer, Delete::Extra, &tree).unwrap();
    assert!(sent.reused >= 700, "{} of 1000 were kept", sent.reused);
    for number in [0, 999, 1000, 1001, 1999] {
        let name = format!("build/src/dir-{:02}/file-{number:04}", number / 100);
        let content = std::fs::read(bench.root().join(name)).unwrap();
        assert_eq!(content, format!("content of {number}").as_bytes());
    }
}
