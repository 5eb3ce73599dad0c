//! The program for Windows under Wine. What Wine cannot show is listed in CONTRIBUTING.

mod ends;
mod names;
mod service;
mod upgrade;
mod words;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use windlass_protocol::CommandId;
use windlass_protocol::ops::{Exec, Program, Request};

use crate::harness::{Bench, PATIENCE, random};

/// The variable that says how the agent for Windows is started.
const WORDS: &str = "WINDLASS_TEST_WINDOWS_AGENT";

/// A bench with the agent for Windows.
fn bench() -> Option<Bench> {
    super::bench(WORDS)
}

/// A path of this machine as Wine shows it.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

/// Where the program is that tells what it was given.
fn probe() -> String {
    let path = std::env::var("WINDLASS_TEST_WINDOWS_PROBE");
    windows_path(&PathBuf::from(path.expect("tests/run makes it")))
}

/// A command that runs the probe with these words.
fn probe_with(words: &[&str]) -> Exec {
    let mut argv = vec![probe().into_bytes()];
    argv.extend(words.iter().map(|word| word.as_bytes().to_vec()));
    Exec::new(CommandId(random()), Program::Argv(argv))
}

/// A script for `cmd`.
fn script(text: &str) -> Exec {
    let program = Program::Script {
        text: text.into(),
        shell: "cmd".into(),
    };
    Exec::new(CommandId(random()), program)
}

/// A word that no other process has among its arguments.
fn token() -> String {
    format!("token-{}", windlass_protocol::hex::encode(&random::<8>()))
}

/// Numbers of the processes that have the word among their arguments.
fn processes_with(token: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter(|name| {
            std::fs::read(format!("/proc/{name}/cmdline"))
                .is_ok_and(|words| String::from_utf8_lossy(&words).contains(token))
        })
        .collect()
}

/// Waits until so many processes have the word among their arguments.
fn await_processes(token: &str, count: usize) {
    let begun = Instant::now();
    loop {
        let found = processes_with(token);
        if found.len() == count {
            return;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{count} awaited, {found:?} found"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Text of an output, with the ends of its lines as here.
fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).replace("\r\n", "\n")
}

#[test]
fn the_program_for_windows_tells_what_it_runs_on() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let info = peer.call(&Request::Info).unwrap();
    let told = |key| info.text(key).unwrap().unwrap_or_default().to_owned();
    assert_eq!(told("os"), "windows");
    assert_eq!(told("arch"), "x86_64");
    assert_eq!(told("case_sensitive"), "0");
    assert_eq!(told("root"), windows_path(&bench.root()));
    assert!(info.number("memory").unwrap().unwrap() > 64 << 20);
    assert!(info.number("disk_total").unwrap().unwrap() > 0);
    assert!(told("kernel").starts_with("10."), "{}", told("kernel"));
}
