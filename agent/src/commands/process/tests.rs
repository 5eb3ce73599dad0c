//! The promises of running one command, each with a real process.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc;

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{Exec, ExecResult, Output, Program, Reason, SignalName, Stdin};
use windlass_protocol::{CancelMode, CommandId};

use super::{Journal, Notice, Task, supervise};
use crate::clock::now_ms;
use crate::root::Root;
use crate::scratch::Scratch;
use crate::sys::Folder;

/// What came out of a command.
struct Ran {
    output: Vec<u8>,
    errors: Vec<u8>,
    notes: String,
    result: ExecResult,
}

fn script(text: &str) -> Exec {
    let program = Program::Script {
        text: text.into(),
        shell: "sh".into(),
    };
    let mut exec = Exec::new(fresh_id(), program);
    exec.grace_ms = 200;
    exec
}

/// An id of its own for each command: what carries it is killed when the command ends.
fn fresh_id() -> CommandId {
    let mut id = [0; 16];
    crate::sys::fill_random(&mut id).unwrap();
    id[0] = 7;
    CommandId(id)
}

/// Runs to the end; `when` may send orders once the output holds a line.
fn run(exec: Exec, orders: Vec<Notice>) -> Ran {
    let scratch = Scratch::new();
    let journal = Arc::new(Journal::create(scratch.path()).unwrap());
    let (sender, notices) = mpsc::channel();
    let task = Task {
        exec,
        cwd: Folder::open(scratch.path()).unwrap(),
        root: Root::open(scratch.path()).unwrap(),
        adopts: false,
        account: None,
        folder: scratch.path().to_owned(),
        journal: Arc::clone(&journal),
        stdin: None,
        sender: sender.clone(),
        notices,
    };
    let gate = Arc::new(crate::commands::gate::Gate::default());
    journal.watch(&gate);
    let supervision = std::thread::spawn(move || supervise(task));
    if !orders.is_empty() {
        gate.wait(|_| read(&journal).0.output.contains(&b'\n').then_some(()))
            .unwrap();
        orders
            .into_iter()
            .for_each(|order| sender.send(order).unwrap());
    }
    supervision.join().unwrap();
    let (mut ran, ended) = read(&journal);
    assert!(ended, "the journal has no exit box");
    ran.result.wall_ms = ran.result.wall_ms.max(1);
    ran
}

fn read(journal: &Journal) -> (Ran, bool) {
    let mut bytes = Vec::new();
    journal.reader(0).unwrap().read_to_end(&mut bytes).unwrap();
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&bytes);
    let result = ExecResult::new(Reason::AgentLost);
    let mut ran = Ran {
        output: Vec::new(),
        errors: Vec::new(),
        notes: String::new(),
        result,
    };
    while let Some(record) = decoder.next_record().unwrap() {
        match record.kind {
            RecordKind::Stdout => ran.output.extend_from_slice(&record.bytes),
            RecordKind::Stderr => ran.errors.extend_from_slice(&record.bytes),
            RecordKind::Note => ran.notes += &String::from_utf8(record.bytes).unwrap(),
            RecordKind::Exit => ran.result = record.exit().unwrap(),
            _ => {}
        }
    }
    (ran, decoder.is_ended())
}

fn is_alive(pid: &str) -> bool {
    // A zombie waits for its parent and runs no more.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|line| {
        !line
            .rsplit_once(')')
            .unwrap()
            .1
            .trim_start()
            .starts_with('Z')
    })
}

#[test]
fn exit_code_output_and_figures_are_told() {
    let ran = run(script("echo out; echo err >&2; exit 7"), vec![]);
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Exited, Some(7))
    );
    assert_eq!(ran.output, b"out\nerr\n", "merged, in true order");
    assert!(ran.result.max_rss > 100_000, "{}", ran.result.max_rss);
    let mut exec = script("echo out; echo err >&2; kill -9 $$");
    exec.output = Output::Split;
    let ran = run(exec, vec![]);
    assert_eq!(
        (ran.result.reason, ran.result.signal),
        (Reason::Signalled, Some(9))
    );
    assert_eq!(
        (&ran.output[..], &ran.errors[..]),
        (&b"out\n"[..], &b"err\n"[..])
    );
}

#[test]
fn the_environment_is_inherited_changed_and_marked() {
    let mut exec = script("echo $A-$B-${PATH:+path}; env | grep -c WINDLASS_COMMAND=07");
    exec.env_set = vec![(b"A".to_vec(), b"x=y".to_vec()), (b"B".to_vec(), vec![])];
    assert_eq!(run(exec, vec![]).output, b"x=y--path\n1\n");
    let mut exec = script("echo ${HOME-unset}");
    exec.env_unset = vec![b"HOME".to_vec()];
    assert_eq!(run(exec, vec![]).output, b"unset\n");
}

#[test]
fn input_that_comes_with_the_request_is_read_to_its_end() {
    let mut exec = script("cat; echo over");
    exec.stdin = Stdin::Input(b"one\ntwo".to_vec());
    assert_eq!(run(exec, vec![]).output, b"one\ntwoover\n");
}

#[test]
fn a_delivered_signal_ends_nothing_by_itself() {
    let exec = script("trap 'echo got; exit 4' USR1; echo ready; while :; do sleep 0.01; done");
    let ran = run(exec, vec![Notice::Deliver(SignalName::Usr1)]);
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Exited, Some(4))
    );
    assert!(ran.output.ends_with(b"got\n"));
}

#[test]
fn a_program_that_is_not_there_is_spawn_failed_and_named() {
    let argv = Program::Argv(vec![b"no-such-program".to_vec()]);
    let ran = run(Exec::new(fresh_id(), argv), vec![]);
    assert_eq!(ran.result.reason, Reason::SpawnFailed);
    assert!(
        ran.result.text.contains("no-such-program"),
        "{}",
        ran.result.text
    );
}

#[test]
fn a_cancel_ends_the_whole_group() {
    let exec = script("sleep 600 & echo $!; sleep 600");
    let started = now_ms();
    let ran = run(exec, vec![Notice::End(Reason::Cancelled, CancelMode::Term)]);
    assert_eq!(ran.result.reason, Reason::Cancelled);
    let pid = String::from_utf8(ran.output).unwrap();
    assert!(!is_alive(pid.trim()), "the background process lives");
    assert!(now_ms() - started < 10_000);
}

#[test]
fn an_ignored_term_is_followed_by_kill() {
    let exec = script("trap '' TERM; echo ready; while :; do sleep 1; done");
    let ran = run(exec, vec![Notice::End(Reason::Cancelled, CancelMode::Term)]);
    assert_eq!(
        (ran.result.reason, ran.result.signal),
        (Reason::Cancelled, Some(9))
    );
}

#[test]
fn term_lets_a_command_end_in_its_own_way() {
    let mut exec = script("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done");
    exec.grace_ms = 60_000;
    let ran = run(exec, vec![Notice::End(Reason::Cancelled, CancelMode::Term)]);
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Cancelled, Some(3))
    );
    assert!(ran.output.ends_with(b"bye\n"));
}

#[test]
fn the_total_time_ends_a_command_that_keeps_writing() {
    let mut exec = script("while :; do echo x; sleep 0.01; done");
    exec.timeout_ms = 150;
    assert_eq!(run(exec, vec![]).result.reason, Reason::Timeout);
}

#[test]
fn silence_ends_a_command_and_output_does_not() {
    let mut exec = script("for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done; sleep 600");
    exec.idle_ms = 400;
    let ran = run(exec, vec![]);
    assert_eq!(ran.result.reason, Reason::Idle);
    assert_eq!(ran.output, b"1\n2\n3\n4\n5\n6\n");
}

#[test]
fn output_beyond_the_limit_ends_a_command_at_exactly_the_limit() {
    let mut exec = script("yes");
    exec.max_bytes = 100_001;
    let ran = run(exec, vec![]);
    assert_eq!(ran.result.reason, Reason::MaxOutput);
    assert_eq!(ran.output.len(), 100_001);
}

#[test]
fn a_lease_without_a_master_ends_a_command() {
    let mut exec = script("echo ready; sleep 600");
    exec.lease_s = 1;
    let started = now_ms();
    let ran = run(exec, vec![Notice::MasterGone(Some(now_ms()))]);
    assert_eq!(ran.result.reason, Reason::LeaseExpired);
    assert!(now_ms() - started >= 1000);
}

#[test]
fn a_child_that_holds_the_pipe_is_killed_and_noted() {
    let ran = run(script("sleep 600 & echo $!"), vec![]);
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Exited, Some(0))
    );
    assert_eq!(ran.result.leftovers_killed, 1);
    assert!(ran.notes.contains("killed 1 process"), "{}", ran.notes);
    assert!(!is_alive(String::from_utf8(ran.output).unwrap().trim()));
}

#[test]
fn a_daemon_of_another_session_that_holds_the_pipe_hangs_nothing() {
    let started = now_ms();
    // Without its mark it is no part of the command.
    let text = "env -u WINDLASS_COMMAND setsid sleep 600 & echo $!";
    let ran = run(script(text), vec![]);
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Exited, Some(0))
    );
    assert!(now_ms() - started < 20_000);
    let pid = String::from_utf8(ran.output).unwrap();
    assert!(is_alive(pid.trim()), "a stranger was killed");
    std::process::Command::new("kill")
        .arg(pid.trim())
        .status()
        .unwrap();
}

#[test]
fn what_left_the_group_or_the_session_is_killed_too() {
    // A job of its own group in the same session, and a daemon of a session of its own.
    let job = "set -m; sleep 600 >/dev/null 2>&1 & echo $!; exit 0";
    let daemon = "setsid sleep 600 >/dev/null 2>&1 & echo $!";
    for text in [job, daemon] {
        let ran = run(script(text), vec![]);
        assert_eq!(ran.result.leftovers_killed, 1, "{text}");
        let pid = String::from_utf8(ran.output).unwrap();
        assert!(!is_alive(pid.trim()), "{text}");
    }
}

#[test]
fn a_cancel_asks_also_what_left_the_session() {
    let mut exec = script(
        "setsid sh -c 'trap \"echo asked; exit\" TERM; echo ready; while :; do sleep 0.01; done' & \
         wait; wait",
    );
    exec.grace_ms = 60_000;
    let ran = run(exec, vec![Notice::End(Reason::Cancelled, CancelMode::Term)]);
    assert_eq!(ran.result.reason, Reason::Cancelled);
    // Its `sleep` is asked too, about which a shell may say a word.
    assert!(ran.output.ends_with(b"asked\n"));
}

#[test]
fn output_that_cannot_be_kept_ends_a_command_and_the_result_says_why() {
    let order = Notice::JournalFailed(std::io::Error::other("the disk is full"));
    let ran = run(script("echo ready; sleep 600"), vec![order]);
    assert_eq!(ran.result.reason, Reason::MaxOutput);
    assert!(ran.result.text.contains("full"), "{}", ran.result.text);
}

#[test]
fn a_long_script_runs_whole() {
    let text = format!(": {}\necho end", "x".repeat(200_000));
    assert_eq!(run(script(&text), vec![]).output, b"end\n");
}
