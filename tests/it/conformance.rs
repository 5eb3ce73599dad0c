//! The agent keeps the promises of the protocol's text, as the conformance runner tries them.

use std::ffi::OsStr;
use std::process::Command;

use windlass_tests::programs;

/// Cases at once: most of them wait for a clock.
const JOBS: &str = "6";
/// Seconds for one step, on a machine that runs other tests too.
const PATIENCE: &str = "60";

#[test]
fn the_agent_keeps_every_promise_of_the_text() {
    check(&[], &[programs::agent().as_os_str()]);
}

#[test]
fn the_agent_for_windows_keeps_every_promise_of_the_text() {
    // How it is started under Wine; `tests/run` says so.
    let Some(words) = std::env::var_os("WINDLASS_TEST_WINDOWS_AGENT") else {
        eprintln!("left out: no agent for Windows; tests/run makes it");
        return;
    };
    let words = words.to_string_lossy().into_owned();
    let command: Vec<&OsStr> = words.split_whitespace().map(OsStr::new).collect();
    check(&["--path-prefix", "Z:"], &command);
}

/// Runs every case against the agent of this command.
pub(crate) fn check(flags: &[&str], command: &[&OsStr]) {
    let output = Command::new(programs::conformance())
        .args(["--level", "L2", "--jobs", JOBS, "--patience", PATIENCE])
        .args(flags)
        .arg("--")
        .args(command)
        .output()
        .expect("the runner starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let broken: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("not ok"))
        .filter(|line| !line.starts_with("ok "))
        .collect();
    assert!(output.status.success(), "{broken:#?}");
    let kept = text.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(kept > 100, "only {kept} cases ran: {text}");
}
