//! Nothing of a command outlives its end, whatever it did to get away; unless it may.

use std::path::Path;
use std::time::{Duration, Instant};

use windlass_protocol::CancelMode;
use windlass_protocol::ops::{Exec, Leftovers, Reason, Request};

use super::harness::{Bench, PATIENCE, Ran, script};

/// Waits until a file holds a whole line, and gives it.
fn line(path: &Path) -> String {
    let by = Instant::now() + PATIENCE;
    loop {
        if let Ok(text) = std::fs::read_to_string(path)
            && text.ends_with('\n')
        {
            return text.trim().to_owned();
        }
        assert!(Instant::now() < by, "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A zombie runs no more.
fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|line| !line.rsplit_once(')').unwrap().1.starts_with(" Z"))
}

/// Runs a script that writes the number of its stray process into `pid`, cancels it then, and
/// says whether the stray lives when the result is there.
fn cancel(text: &str, mode: CancelMode) -> (Ran, bool) {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut exec = script(text);
    exec.grace_ms = 300;
    let channel = peer.open(&Request::Exec(exec), 0);
    peer.flush();
    let pid = line(&bench.root().join("pid"));
    assert!(is_alive(&pid));
    peer.connection.cancel(channel, mode).unwrap();
    let mut journal = Vec::new();
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    let lives = is_alive(&pid);
    (Ran::parse(&journal), lives)
}

fn assert_nothing_is_left(text: &str) {
    for mode in [CancelMode::Term, CancelMode::Kill] {
        let (ran, lives) = cancel(text, mode);
        assert!(!lives, "{mode:?}: {:?}", ran.result);
        assert_eq!(ran.result.reason, Reason::Cancelled);
        assert_eq!(ran.result.leftovers_left, 0);
    }
}

#[test]
fn a_cancel_leaves_nothing_of_a_shell_tree() {
    assert_nothing_is_left("sh -c 'sh -c \"echo \\$\\$ > pid; sleep 600; :\"; :'; :");
}

#[test]
fn a_cancel_leaves_nothing_of_a_double_fork() {
    assert_nothing_is_left("(sh -c 'echo $$ > pid; exec sleep 600' &) ; sleep 600");
}

#[test]
fn a_cancel_leaves_nothing_of_a_daemon_in_a_session_of_its_own() {
    assert_nothing_is_left("(setsid sh -c 'echo $$ > pid; exec sleep 600' &) ; sleep 600");
}

/// Such a daemon has left group and session, has lost its parent, and carries nothing that was
/// given to it: only whoever adopts it can know it.
#[test]
fn a_cancel_leaves_nothing_of_a_daemon_without_a_trace() {
    assert_nothing_is_left("(env -i setsid sh -c 'echo $$ > pid; exec sleep 600' &) ; sleep 600");
}

#[test]
fn a_cancel_leaves_nothing_of_what_starts_itself_again() {
    let text = "cat > again <<'END'\ntrap '' TERM HUP\nsetsid sh -c 'sleep 0.01; exec sh again' &\n\
                echo $$ > pid\nsleep 600\nEND\nenv -i sh again & sleep 600";
    let (ran, _) = cancel(text, CancelMode::Kill);
    assert_eq!(ran.result.reason, Reason::Cancelled);
    assert_eq!(ran.result.leftovers_left, 0, "{:?}", ran.result);
}

#[test]
fn what_orphans_used_is_counted_too() {
    let busy = "(setsid sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo > done' &); \
                while ! test -e done; do sleep 0.05; done";
    let ran = Bench::with_agent().accept().exec(&script(busy));
    let used_ms = ran.result.user_ms + ran.result.sys_ms;
    assert!(used_ms > 50, "{:?}", ran.result);
}

#[test]
fn a_cancel_leaves_nothing_that_ignores_to_be_asked() {
    let (ran, lives) = cancel(
        "trap '' TERM HUP INT; echo $$ > pid; while :; do sleep 600; done",
        CancelMode::Term,
    );
    assert!(!lives);
    assert_eq!(
        (ran.result.reason, ran.result.signal),
        (Reason::Cancelled, Some(9))
    );
}

#[test]
fn a_cancel_is_not_held_up_by_a_stray_that_holds_the_pipe() {
    let started = Instant::now();
    assert_nothing_is_left(
        "setsid sh -c 'trap \"\" TERM; echo $$ > pid; while :; do sleep 600; done' & wait",
    );
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn what_a_command_leaves_at_its_own_end_is_killed_and_counted() {
    let ran = run_leaving(&script(LEAVE));
    assert!(!ran.1, "{:?}", ran.0.result);
    assert_eq!(
        (ran.0.result.reason, ran.0.result.exit),
        (Reason::Exited, Some(5))
    );
    assert_eq!(ran.0.result.leftovers_killed, 1);
}

const LEAVE: &str = "setsid sh -c 'echo $$ > pid; exec sleep 600' >/dev/null 2>&1 & \
                     while ! test -s pid; do sleep 0.01; done; exit 5";

fn run_leaving(exec: &Exec) -> (Ran, bool) {
    let bench = Bench::with_agent();
    let ran = bench.accept().exec(exec);
    let pid = line(&bench.root().join("pid"));
    let lives = is_alive(&pid);
    let _ = std::process::Command::new("kill")
        .args(["-9", &pid])
        .stderr(std::process::Stdio::null())
        .status();
    (ran, lives)
}

#[test]
fn what_may_stay_stays_and_is_counted() {
    let mut exec = script(LEAVE);
    exec.leftovers = Leftovers::Keep;
    let (ran, lives) = run_leaving(&exec);
    assert!(lives);
    assert_eq!(ran.result.exit, Some(5));
    assert_eq!(
        (ran.result.leftovers_left, ran.result.leftovers_killed),
        (1, 0)
    );
}

#[test]
fn processor_time_and_memory_of_children_are_counted() {
    let ran = Bench::with_agent().accept().exec(&script(
        "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; :",
    ));
    assert!(
        ran.result.user_ms + ran.result.sys_ms > 50,
        "{:?}",
        ran.result
    );
    assert!(ran.result.max_rss > 500_000, "{:?}", ran.result);
}
