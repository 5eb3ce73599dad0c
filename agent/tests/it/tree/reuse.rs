//! Contents that are on the agent's machine already are not sent, wherever they are; and none is
//! taken for right because it once was.

use super::*;
use crate::harness::random;

#[test]
fn a_file_that_moved_is_not_sent_again_and_two_that_changed_places_are_not_either() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let large = random::<65_536>().repeat(20);
    let tree = Tree::default()
        .file("a", b"content of a")
        .file("b", b"b's content")
        .file("old/large", &large);
    send(&mut peer, Delete::Extra, &tree).unwrap();
    settle();
    let moved = Tree::default()
        .file("a", b"b's content")
        .file("b", b"content of a")
        .file("new/large", &large)
        .executable("new/large");
    // The first look knows the files by their times only after they are old enough.
    send(&mut peer, Delete::Extra, &tree).unwrap();
    let result = send(&mut peer, Delete::Extra, &moved).unwrap();
    assert_eq!((result.bytes, result.reused), (0, 3));
    let folder = bench.root().join("build/src");
    assert_eq!(names(&folder), ["a", "b", "new/large"]);
    assert_eq!(std::fs::read(folder.join("a")).unwrap(), b"b's content");
    assert_eq!(std::fs::read(folder.join("b")).unwrap(), b"content of a");
    assert!(std::fs::read(folder.join("new/large")).unwrap() == large);
    let mode = std::fs::metadata(folder.join("new/large"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o100, 0o100);
}

#[test]
fn what_a_tree_lost_comes_back_from_the_cache_and_a_spoilt_content_from_the_master() {
    let mut bench = Bench::with_agent();
    let mut peer = bench.accept();
    let one = Tree::default().file("x", b"the first").file("y", b"stays");
    let two = Tree::default().file("y", b"stays").file("z", b"the other");
    for tree in [&one, &two] {
        send(&mut peer, Delete::Extra, tree).unwrap();
        settle();
        let again = send(&mut peer, Delete::Extra, tree).unwrap();
        assert_eq!(again.bytes, 0);
    }
    // Back and forth costs nothing, also after a restart.
    let result = send(&mut peer, Delete::Extra, &one).unwrap();
    assert_eq!((result.bytes, result.deleted), (0, 1));
    settle();
    send(&mut peer, Delete::Extra, &one).unwrap();
    bench.signal_agent("TERM");
    bench.wait_agent();
    bench.start_agent();
    let mut peer = Peer::new(bench.accept_raw());
    peer.greet(&bench.key);
    let result = send(&mut peer, Delete::Extra, &two).unwrap();
    assert_eq!((result.bytes, result.deleted), (0, 1));

    let cache = bench.folder.join("state/cache");
    let first = windlass_protocol::hex::encode(&digest(b"the first"));
    std::fs::write(cache.join(&first), "THE FIRST").unwrap();
    let result = send(&mut peer, Delete::Extra, &one).unwrap();
    assert_eq!(result.bytes, 9, "sent, for what the cache held was wrong");
    assert!(!cache.join(&first).exists());
    let file = bench.root().join("build/src/x");
    assert_eq!(std::fs::read(file).unwrap(), b"the first");
}

#[test]
fn another_tree_takes_what_an_untouched_one_has() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    send(&mut peer, Delete::Extra, &sample()).unwrap();
    settle();
    send(&mut peer, Delete::Extra, &sample()).unwrap();
    // A build spoils one of them.
    std::fs::write(bench.root().join("build/src/README"), "ruined!").unwrap();
    peer.tree = "build/elsewhere";
    let result = send(&mut peer, Delete::Extra, &sample()).unwrap();
    // The spoilt one and an empty one, which is not worth looking for.
    assert_eq!((result.bytes, result.reused), (7, 2));
    let folder = bench.root().join("build/elsewhere");
    assert_eq!(names(&folder), names(&bench.root().join("build/src")));
    assert_eq!(std::fs::read(folder.join("README")).unwrap(), b"read me");
}

/// Waits until the times of files prove something: a tick of their clock.
fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(80));
}
