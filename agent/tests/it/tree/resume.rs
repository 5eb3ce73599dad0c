//! Trees whose connection is cut: nothing that came is sent again, nothing wrong is taken for right.

use super::*;
use crate::harness::random;

/// The next connection that gets to READY: those of an agent that was killed do not.
fn next_living(bench: &Bench) -> Peer {
    loop {
        let mut peer = Peer::new(bench.accept_raw());
        if peer.try_greet(&bench.key).is_ok() {
            return peer;
        }
    }
}

#[test]
fn a_cut_in_a_large_file_costs_neither_the_manifest_nor_what_came_of_the_file() {
    let bench = Bench::with_agent();
    let large: Vec<u8> = random::<65_536>().repeat(80);
    let tree = sample().file("m/large", &large).file("z", b"last");
    let mut done = 0;
    for attempt in 0.. {
        let mut peer = Peer::new(bench.accept_raw());
        peer.greet(&bench.key);
        let channel = open(&mut peer, Delete::Extra, &[], &tree.manifest());
        let begin = begin_of(&mut peer, channel);
        let whole = tree.manifest().len() as u64;
        assert_eq!(begin, if attempt == 0 { 0 } else { whole });
        peer.connection
            .abort(channel, &Failure::new(Code::Cancelled, ""))
            .unwrap();
        assert_eq!(peer.response(channel).unwrap_err().code, Code::Cancelled);
        peer.cut_after_written = peer.bytes_written + 700_000;
        if let Ok(result) = try_send(&mut peer, Delete::Extra, &[], &tree) {
            let result = result.unwrap();
            // Only what the last connection brought is counted.
            assert!(result.bytes < 1_000_000, "{result:?}");
            done = attempt;
            break;
        }
        assert!(attempt < 20, "no progress");
    }
    assert!(done >= 3, "only {done} cuts");
    let folder = bench.root().join("build/src");
    assert_eq!(std::fs::read(folder.join("m/large")).unwrap(), large);
    assert_eq!(names(&folder).len(), 7, "{:?}", names(&folder));
}

#[test]
fn a_part_that_somebody_spoilt_is_noticed_and_thrown_away() {
    let mut bench = Bench::with_agent();
    let large: Vec<u8> = random::<65_536>().repeat(40);
    let tree = Tree::default().file("large", &large);
    let mut peer = bench.accept();
    peer.cut_after_written = peer.bytes_written + 1_500_000;
    assert!(try_send(&mut peer, Delete::Extra, &[], &tree).is_err());
    let folder = bench.root().join("build/src");
    let part = names(&folder).pop().unwrap();
    let mut bytes = std::fs::read(folder.join(&part)).unwrap();
    bytes[0] ^= 1;
    std::fs::write(folder.join(&part), bytes).unwrap();
    // Parts of other files are of no use any more.
    std::fs::write(folder.join(".windlass-tree-00.part"), "x").unwrap();
    bench.signal_agent("KILL");
    bench.wait_agent();
    bench.start_agent();
    let mut peer = next_living(&bench);
    let failure = send(&mut peer, Delete::None, &tree).unwrap_err();
    assert_eq!(failure.code, Code::Checksum);
    let result = send(&mut peer, Delete::None, &tree).unwrap();
    assert_eq!(result.bytes, large.len() as u64);
    assert_eq!(names(&folder), ["large"]);
}
