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
    check_under_wine(&["--path-prefix", "Z:"], &command);
}

/// Runs every case against the agent of this command.
pub(crate) fn check(flags: &[&str], command: &[&OsStr]) {
    let (text, broken) = run(&[flags, &["--jobs", JOBS]].concat(), command);
    assert!(broken.is_empty(), "{}", complaints(&text));
    let kept = text.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(kept > 100, "only {kept} cases ran: {text}");
}

/// The same under Wine, which loses a program now and then when many run at once: a case that breaks
/// is tried once more by itself.
fn check_under_wine(flags: &[&str], command: &[&OsStr]) {
    let (text, broken) = run(&[flags, &["--jobs", JOBS]].concat(), command);
    let few = broken.len() <= 5;
    assert!(few, "{}", complaints(&text));
    for name in broken {
        let (again, broken) = run(&[flags, &["--only", &name]].concat(), command);
        assert!(
            broken.is_empty(),
            "{}\n{}",
            complaints(&text),
            complaints(&again)
        );
    }
    let kept = text.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(kept > 100, "only {kept} cases ran: {text}");
}

/// What the runner printed, and the names of the cases that broke.
fn run(flags: &[&str], command: &[&OsStr]) -> (String, Vec<String>) {
    let output = Command::new(programs::conformance())
        .args(["--level", "L2", "--patience", PATIENCE])
        .args(flags)
        .arg("--")
        .args(command)
        .output()
        .expect("the runner starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // `not ok 3 - L0 name: what it promises`
    let name = |line: &str| {
        let rest = line.strip_prefix("not ok ")?.split_once(" - ")?.1;
        let name = rest.split_once(' ')?.1.split_once(':')?.0;
        Some(name.to_owned())
    };
    let broken: Vec<String> = text.lines().filter_map(name).collect();
    assert_eq!(output.status.success(), broken.is_empty(), "{text}");
    (text, broken)
}

/// The lines of the cases that broke.
fn complaints(text: &str) -> String {
    let lines = text.lines().skip_while(|line| !line.starts_with("not ok"));
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with("ok ")).collect();
    lines.join("\n")
}
