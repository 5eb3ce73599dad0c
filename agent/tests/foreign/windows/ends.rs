//! How commands end: by themselves, asked, killed, with all that they started.

use windlass_protocol::ops::{Exec, Reason, Request};
use windlass_protocol::{CancelMode, Event, Progress};

use super::{await_processes, bench, probe_with, processes_with, text, token};
use crate::harness::{Peer, Ran};

/// Starts the command, cancels it once that text came, and takes it to its end.
fn cancel_after(peer: &mut Peer, exec: Exec, awaited: &str, mode: CancelMode) -> Ran {
    let channel = peer.open(&Request::Exec(exec), 0);
    let mut journal = Vec::new();
    while !String::from_utf8_lossy(&journal).contains(awaited) {
        if let Event::Data { bytes, .. } = peer.next().unwrap() {
            journal.extend_from_slice(&bytes);
        }
    }
    peer.connection.cancel(channel, mode).unwrap();
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    Ran::parse(&journal)
}

#[test]
fn all_32_bits_of_an_exit_status_are_told() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    for status in [0, 3, 259, 0x8000_0001] {
        let ran = peer.exec(&probe_with(&["exit", &status.to_string()]));
        assert_eq!(
            (ran.result.reason, ran.result.exit),
            (Reason::Exited, Some(status))
        );
    }
}

#[test]
fn a_crash_is_told_by_the_status_of_the_system() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let ran = peer.exec(&probe_with(&["crash"]));
    assert_eq!(ran.result.reason, Reason::Signalled);
    assert_eq!(ran.result.ntstatus, Some(0xc000_0005));
}

#[test]
fn a_command_that_cannot_be_asked_is_killed_at_once() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let token = token();
    let mut exec = probe_with(&["patient", &token]);
    // Wine does not deliver Ctrl-Break.
    exec.grace_ms = 600_000;
    let ran = cancel_after(&mut peer, exec, "ready", CancelMode::Term);
    assert!(text(&ran.output).starts_with("ready\n"));
    assert_eq!(
        (ran.result.reason, ran.result.exit, ran.result.signal),
        (Reason::Cancelled, None, Some(9))
    );
    assert!(ran.result.wall_ms < 60_000, "{} ms", ran.result.wall_ms);
    assert_eq!(processes_with(&token), [""; 0]);
}

#[test]
fn a_command_outlives_the_crash_of_its_agent_and_its_output_goes_on_where_it_was() {
    let Some(mut bench) = bench() else { return };
    let exec = probe_with(&["lines-after", "go", "2000"]);
    let mut peer = bench.accept();
    peer.open(&Request::Exec(exec.clone()), 0);
    let mut journal = Vec::new();
    while !String::from_utf8_lossy(&journal).contains("out\n") {
        if let Event::Data { bytes, .. } = peer.next().unwrap() {
            journal.extend_from_slice(&bytes);
        }
    }
    for _ in 0..2 {
        bench.signal_agent("KILL");
        bench.wait_agent();
        bench.start_agent();
        let peer = bench.accept();
        assert_eq!(peer.commands.len(), 1);
        assert_eq!(peer.commands[0].progress, Progress::Running);
    }
    bench.signal_agent("KILL");
    bench.wait_agent();
    // It writes, and ends, while there is no agent.
    std::fs::write(bench.root().join("go"), b"").unwrap();
    bench.start_agent();
    let mut peer = bench.accept();
    let channel = peer.open(&Request::Exec(exec), journal.len() as u64);
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    let ran = Ran::parse(&journal);
    let lines: String = (0..2000).map(|line| format!("line {line}\n")).collect();
    assert_eq!(text(&ran.output), format!("out\n{lines}"));
    assert_eq!(
        (ran.result.reason, ran.result.exit, ran.starts),
        (Reason::Exited, Some(7), 1)
    );
}

#[test]
fn a_kill_takes_the_whole_tree() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let token = token();
    let exec = probe_with(&["tree", &token, "3"]);
    let ran = cancel_after(&mut peer, exec, "depth 0", CancelMode::Kill);
    assert_eq!(ran.result.reason, Reason::Cancelled);
    await_processes(&token, 0);
}

#[test]
fn a_child_that_wants_out_of_the_job_does_not_outlive_the_command() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let token = token();
    let ran = peer.exec(&probe_with(&["break-away", &token]));
    assert_eq!(ran.result.reason, Reason::Exited);
    await_processes(&token, 0);
}

#[test]
fn what_a_command_leaves_is_killed_and_counted_also_if_it_holds_the_output() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    for kind in ["leave", "leave-quiet"] {
        let token = token();
        let ran = peer.exec(&probe_with(&[kind, &token]));
        assert_eq!(
            (ran.result.reason, ran.result.exit),
            (Reason::Exited, Some(0)),
            "{kind}"
        );
        assert_eq!(ran.result.leftovers_killed, 1, "{kind}");
        await_processes(&token, 0);
    }
}
