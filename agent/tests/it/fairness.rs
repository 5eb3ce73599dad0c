//! A slow reader of one channel is in nobody's way, and costs no memory.

use windlass_protocol::ops::{Get, Request};
use windlass_protocol::{Event, RelPath, limits};

use super::harness::{Bench, Peer, script, write};

/// What the agent may grow by while a master takes nothing: the credit that was given, in
/// kilobytes, and as much again for buffers.
const GROWTH_KB_MAX: u64 = (2 * limits::LOG_WINDOW + 2 * limits::FILE_WINDOW) / 1024;

/// Takes what comes until the channels that nobody acknowledges have used up their credit.
fn take_until_still(peer: &mut Peer, wanted: u64) {
    let mut taken = 0;
    while taken < wanted {
        if let Event::Data { bytes, .. } = peer.next().unwrap() {
            taken += bytes.len() as u64;
        }
    }
}

#[test]
fn streams_that_nobody_acknowledges_stall_no_other_and_cost_no_memory() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    peer.exec(&script("true"));
    let before = bench.resident_kb();
    write(&bench.root(), "big", &vec![7; 64 << 20]);
    let big = Request::Get(Get {
        path: RelPath::parse(b"big").unwrap(),
        max_bytes: 0,
        expect: None,
        unhashed: false,
    });
    let noisy = script("head -c 60000000 /dev/zero; echo over > ../over");
    peer.connection
        .open(&Request::Exec(noisy), 0, limits::LOG_WINDOW)
        .unwrap();
    peer.connection.open(&big, 0, limits::FILE_WINDOW).unwrap();
    take_until_still(&mut peer, limits::LOG_WINDOW + limits::FILE_WINDOW);
    // Both are out of credit; commands, questions and files go on beside them.
    for turn in 0..20 {
        let ran = peer.exec(&script(&format!("echo {turn}")));
        assert_eq!(ran.output, format!("{turn}\n").into_bytes());
    }
    assert!(peer.call(&Request::Info).is_ok());
    // The command is not held up by its reader: its output waits on the disk.
    while !bench.folder.join("over").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let grown = bench.resident_kb().saturating_sub(before);
    assert!(
        grown <= GROWTH_KB_MAX,
        "{grown} kB, {GROWTH_KB_MAX} are allowed"
    );
}
