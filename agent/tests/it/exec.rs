//! Commands over the wire: exact bytes, cancel, input, several at once.

use windlass_protocol::ops::{Reason, Request, Stdin};
use windlass_protocol::sha256::digest;
use windlass_protocol::{CancelMode, Code, Event, RelPath};

use super::harness::{Bench, random, script};

#[test]
fn ten_megabytes_of_random_bytes_arrive_exactly() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    std::fs::create_dir_all(bench.root()).unwrap();
    let content: Vec<u8> = random::<65_536>().repeat(160);
    std::fs::write(bench.root().join("content"), &content).unwrap();
    let ran = peer.exec(&script("cat content"));
    assert_eq!(
        (ran.output.len(), digest(&ran.output)),
        (content.len(), digest(&content))
    );
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Exited, Some(0))
    );
}

#[test]
fn a_cancel_over_the_channel_ends_the_command() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    for (mode, signal) in [(CancelMode::Term, 15), (CancelMode::Kill, 9)] {
        let channel = peer.open(&Request::Exec(script("echo on; exec sleep 600")), 0);
        let mut journal = Vec::new();
        while !journal.windows(3).any(|bytes| bytes == b"on\n") {
            if let Event::Data { bytes, .. } = peer.next().unwrap() {
                journal.extend_from_slice(&bytes);
            }
        }
        peer.connection.cancel(channel, mode).unwrap();
        peer.read_stream(channel, &mut journal).unwrap().unwrap();
        let ran = super::harness::Ran::parse(&journal);
        assert_eq!(
            (ran.result.reason, ran.result.signal),
            (Reason::Cancelled, Some(signal))
        );
    }
}

#[test]
fn a_cancel_sent_with_the_request_is_not_lost() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let channel = peer.open(&Request::Exec(script("sleep 600")), 0);
    peer.connection.cancel(channel, CancelMode::Kill).unwrap();
    let mut journal = Vec::new();
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    assert_eq!(
        super::harness::Ran::parse(&journal).result.reason,
        Reason::Cancelled
    );
}

#[test]
fn input_reaches_the_command_and_ends() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let input: Vec<u8> = random::<65_536>().repeat(60);
    let mut exec = script("sha256sum");
    exec.stdin = Stdin::Stream;
    let channel = peer.open(&Request::Exec(exec), 0);
    peer.send_stream(channel, &input);
    let mut journal = Vec::new();
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    let ran = super::harness::Ran::parse(&journal);
    let expected = format!("{}  -\n", windlass_protocol::hex::encode(&digest(&input)));
    assert_eq!(String::from_utf8(ran.output).unwrap(), expected);
}

#[test]
fn commands_run_at_once_and_a_channel_nobody_reads_blocks_no_other() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    // It fills its window and is never acknowledged.
    peer.open(&Request::Exec(script("yes stuck")), 0);
    // Each waits for the other: only both at once can end.
    let one = "mkfifo a b 2>/dev/null; echo one > a; cat b";
    let two = "mkfifo a b 2>/dev/null; cat a; echo two > b";
    let first = peer.open(&Request::Exec(script(one)), 0);
    let second = peer.open(&Request::Exec(script(two)), 0);
    let mut answers = 0;
    while answers < 2 {
        if let Event::Response { channel, result } = peer.next().unwrap() {
            assert!(channel == first || channel == second);
            result.unwrap();
            answers += 1;
        }
    }
}

#[test]
fn a_working_folder_outside_or_missing_is_refused_and_nothing_starts() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    std::os::unix::fs::symlink("/", bench.root().join("out")).unwrap();
    for (cwd, code) in [("none", Code::NotFound), ("out/tmp", Code::SymlinkDenied)] {
        let mut exec = script("touch started");
        exec.cwd = RelPath::parse(cwd.as_bytes()).unwrap();
        assert_eq!(peer.call(&Request::Exec(exec)).unwrap_err().code, code);
    }
    assert!(peer.call(&Request::List).unwrap().first("cmd").is_none());
}
