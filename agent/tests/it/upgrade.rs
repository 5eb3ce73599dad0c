//! Replacing the agent's program from the master, with real programs: good ones, ones that fail
//! each in their own way, and the commands that run meanwhile.

use std::path::{Path, PathBuf};

use windlass_protocol::ops::{Attach, Request, Upgrade};
use windlass_protocol::sha256::digest;
use windlass_protocol::{Boxed, Code, Event, Failure, Progress};

use crate::harness::{Bench, Peer, Ran, script};

/// What the program under test says it is.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// This very program with other bytes, which the system ignores.
fn good_program() -> Vec<u8> {
    let mut bytes = std::fs::read(env!("CARGO_BIN_EXE_windlass-agent")).unwrap();
    bytes.extend_from_slice(b"a later one");
    bytes
}

/// A program that passes the trial as version 9.9.9 and then does this on probation.
fn bad_program(on_probation: &str) -> Vec<u8> {
    let text = format!(
        "#!/bin/sh\ncase $1 in\n--version) echo windlass-agent 9.9.9;;\nselftest) ;;\n\
         probation) {on_probation};;\n*) exit 9;;\nesac\n"
    );
    text.into_bytes()
}

fn upgrade(peer: &mut Peer, program: &[u8], version: &str) -> Result<Boxed, Failure> {
    let request = Upgrade {
        size: program.len() as u64,
        sha256: digest(program),
        version: version.into(),
    };
    let channel = peer.open(&Request::Upgrade(request), 0);
    peer.send_stream(channel, program);
    peer.response(channel)
}

/// What the agent tells of itself after READY.
fn status(peer: &mut Peer) -> Boxed {
    loop {
        if let Event::Status(pairs) = peer.next().unwrap() {
            return pairs;
        }
    }
}

/// Reads the connection to its end.
fn ends(mut peer: Peer) {
    while !matches!(peer.next(), Ok(Event::Closed(_)) | Err(_)) {}
}

/// The program that runs as this process.
fn running(pid: u32) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/exe")).unwrap()
}

fn beside(program: &Path, ending: &str) -> PathBuf {
    program.with_file_name(format!("windlass-agent{ending}"))
}

#[test]
fn a_new_program_takes_over_in_the_same_process_and_at_the_same_place() {
    let mut bench = Bench::new();
    let program = bench.start_own_agent(&["--upgrade"]);
    let old = std::fs::read(&program).unwrap();
    let mut peer = bench.accept();
    let new = good_program();
    upgrade(&mut peer, &new, VERSION).unwrap();
    ends(peer);
    // On probation.
    let peer = bench.accept();
    assert!(std::fs::read(&program).unwrap() == old);
    ends(peer);
    // For good.
    let mut peer = bench.accept();
    assert!(running(bench.pid()) == new && std::fs::read(&program).unwrap() == new);
    assert!(std::fs::read(beside(&program, ".old")).unwrap() == old);
    assert!(!beside(&program, ".new").exists());
    assert_eq!(status(&mut peer).first("upgrade_failed"), None);
}

#[test]
fn a_running_command_does_not_notice_that_the_program_is_replaced() {
    let mut bench = Bench::new();
    bench.start_own_agent(&["--upgrade"]);
    let mut peer = bench.accept();
    let command = script("echo before; while ! test -e go; do sleep 0.05; done; echo after");
    let id = command.id;
    peer.open(&Request::Exec(command), 0);
    while !matches!(peer.next().unwrap(), Event::Data { .. }) {}
    let new = good_program();
    upgrade(&mut peer, &new, VERSION).unwrap();
    ends(peer);
    // On probation it is there, and for good.
    let peer = bench.accept();
    assert_eq!(peer.commands[0].progress, Progress::Running);
    ends(peer);
    let mut peer = bench.accept();
    assert!(running(bench.pid()) == new);
    assert_eq!(peer.commands[0].progress, Progress::Running);
    std::fs::write(bench.root().join("go"), "").unwrap();
    let generation = peer.commands[0].generation;
    let channel = peer.open(&Request::Attach(Attach { id, generation }), 0);
    let mut journal = Vec::new();
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    let ran = Ran::parse(&journal);
    assert_eq!(
        (ran.output.as_slice(), ran.starts),
        (&b"before\nafter\n"[..], 1)
    );
    assert!(ran.result.is_success());
}

/// Children of that process that have ended and that nobody took away.
#[cfg(target_os = "linux")]
fn zombies_of(parent: u32) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap();
    let lines = all
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let dead = format!(") Z {parent} ");
    lines.filter(|line| line.contains(&dead)).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn shims_of_the_program_before_are_taken_away_when_they_end() {
    let mut bench = Bench::new();
    bench.start_own_agent(&["--upgrade"]);
    let mut peer = bench.accept();
    // One ends during the probation, one after it.
    for name in ["early", "late"] {
        let text = format!("echo on; while ! test -e {name}; do sleep 0.02; done");
        let channel = peer.open(&Request::Exec(script(&text)), 0);
        while !matches!(peer.next().unwrap(), Event::Data { channel: of, .. } if of == channel) {}
    }
    upgrade(&mut peer, &good_program(), VERSION).unwrap();
    ends(peer);
    let peer = bench.accept();
    std::fs::write(bench.root().join("early"), "").unwrap();
    while bench.shims().len() > 1 {
        std::thread::yield_now();
    }
    ends(peer);
    let peer = bench.accept();
    assert_eq!(zombies_of(bench.pid()), [""; 0]);
    std::fs::write(bench.root().join("late"), "").unwrap();
    while !(bench.shims().is_empty() && zombies_of(bench.pid()).is_empty()) {
        std::thread::yield_now();
    }
    drop(peer);
}

#[test]
fn a_program_that_crashes_or_never_reaches_the_master_goes_back_by_itself() {
    let mut bench = Bench::new();
    let program = bench.start_own_agent(&["--upgrade", "--upgrade-ms=700"]);
    let old = std::fs::read(&program).unwrap();
    let mut peer = bench.accept();
    for (on_probation, expected) in [
        (
            "exit 3",
            "ended before it had reached the master (exit status: 3)",
        ),
        ("kill -SEGV $$", "signal: 11"),
        ("exec cat", "did not reach the master within 700 ms"),
        (
            "echo ready; exit 1",
            "ended right after it had reached the master",
        ),
    ] {
        upgrade(&mut peer, &bad_program(on_probation), "9.9.9").unwrap();
        ends(peer);
        peer = bench.accept();
        let pairs = status(&mut peer);
        let why = pairs.text("upgrade_failed").unwrap().unwrap_or_default();
        assert!(why.starts_with("9.9.9") && why.contains(expected), "{why}");
        assert!(std::fs::read(&program).unwrap() == old && running(bench.pid()) == old);
        assert!(!beside(&program, ".new").exists());
    }
    // What went back stands in nobody's way.
    upgrade(&mut peer, &good_program(), VERSION).unwrap();
    ends(peer);
    ends(bench.accept());
    let mut peer = bench.accept();
    assert_eq!(status(&mut peer).first("upgrade_failed"), None);
}

#[test]
fn a_new_program_that_does_not_leave_when_it_is_told_is_killed() {
    let mut bench = Bench::new();
    bench.start_own_agent(&["--upgrade", "--upgrade-ms=100"]);
    let mut peer = bench.accept();
    let program = bad_program("while :; do sleep 1; done");
    upgrade(&mut peer, &program, "9.9.9").unwrap();
    ends(peer);
    let why = status(&mut bench.accept());
    let why = why.text("upgrade_failed").unwrap().unwrap_or_default();
    assert!(why.contains("signal: 9"), "{why}");
}

#[test]
fn what_does_not_pass_its_trial_never_runs_as_the_agent() {
    let mut bench = Bench::new();
    let program = bench.start_own_agent(&["--upgrade"]);
    let mut peer = bench.accept();
    let refused = |peer: &mut Peer, program: &[u8], version: &str| {
        let failure = upgrade(peer, program, version).unwrap_err();
        (failure.code, failure.text)
    };
    let (code, text) = refused(&mut peer, &good_program(), "9.9.9");
    assert!(
        code == Code::BadRequest && text.contains("not 9.9.9"),
        "{text}"
    );
    let (code, text) = refused(&mut peer, b"no program at all", VERSION);
    assert!(
        code == Code::BadRequest && text.contains("cannot be started"),
        "{text}"
    );
    let failing = b"#!/bin/sh\ntest $1 = --version && echo windlass-agent 9.9.9\n";
    let (code, text) = refused(&mut peer, failing, "9.9.9");
    assert!(
        code == Code::BadRequest && text.contains("`selftest`"),
        "{text}"
    );
    // Not the bytes that were announced.
    let request = Upgrade {
        size: 4,
        sha256: digest(b"good"),
        version: VERSION.into(),
    };
    let channel = peer.open(&Request::Upgrade(request), 0);
    peer.send_stream(channel, b"evil");
    assert_eq!(peer.response(channel).unwrap_err().code, Code::Checksum);
    assert!(!beside(&program, ".new").exists());
    // The same connection goes on.
    assert!(peer.exec(&script("true")).result.is_success());
}

#[test]
fn nothing_is_replaced_without_the_owners_word() {
    let mut bench = Bench::new();
    let program = bench.start_own_agent(&[]);
    let old = std::fs::read(&program).unwrap();
    let mut peer = bench.accept();
    let failure = upgrade(&mut peer, &good_program(), VERSION).unwrap_err();
    assert_eq!(failure.code, Code::Permission);
    assert!(std::fs::read(&program).unwrap() == old);
}

#[test]
fn the_guard_killed_during_probation_leaves_the_old_program_and_no_other() {
    let mut bench = Bench::new();
    let program = bench.start_own_agent(&["--upgrade", "--upgrade-ms=30000"]);
    let old = std::fs::read(&program).unwrap();
    let mut peer = bench.accept();
    upgrade(&mut peer, &bad_program("exec cat"), "9.9.9").unwrap();
    ends(peer);
    bench.signal_agent("KILL");
    bench.wait_agent();
    assert!(std::fs::read(&program).unwrap() == old);
    bench.start_own_agent(&["--upgrade"]);
    bench.accept();
}

#[test]
fn a_stop_during_probation_ends_guard_and_new_program_and_keeps_the_old_file() {
    let mut bench = Bench::new();
    let program = bench.start_own_agent(&["--upgrade", "--upgrade-ms=60000"]);
    let old = std::fs::read(&program).unwrap();
    let mut peer = bench.accept();
    let number = bench.folder.join("number");
    let text = format!(
        "echo $$ >{0}.part; mv {0}.part {0}; exec cat",
        number.display()
    );
    upgrade(&mut peer, &bad_program(&text), "9.9.9").unwrap();
    ends(peer);
    while !number.exists() {
        std::thread::yield_now();
    }
    bench.signal_agent("TERM");
    assert!(bench.wait_agent().success());
    let new = std::fs::read_to_string(&number).unwrap();
    assert!(!Path::new("/proc").join(new.trim()).exists());
    assert!(std::fs::read(&program).unwrap() == old);
}
