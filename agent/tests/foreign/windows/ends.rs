//! How commands end: by themselves, asked, killed, with all that they started.

use windlass_protocol::ops::{Exec, Reason, Request};
use windlass_protocol::{CancelMode, Event};

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
fn a_command_is_asked_by_ctrl_break_and_may_end_its_own_way() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let ran = cancel_after(
        &mut peer,
        probe_with(&["polite"]),
        "ready",
        CancelMode::Term,
    );
    assert_eq!(text(&ran.output), "ready\nasked\n");
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Cancelled, Some(7))
    );
}

#[test]
fn a_command_that_was_asked_and_stays_is_killed() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let token = token();
    let mut exec = probe_with(&["patient", &token]);
    exec.grace_ms = 300;
    let ran = cancel_after(&mut peer, exec, "ready", CancelMode::Term);
    assert_eq!(text(&ran.output), "ready\nasked\n");
    assert_eq!(ran.result.reason, Reason::Cancelled);
    assert_eq!(processes_with(&token), [""; 0]);
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
