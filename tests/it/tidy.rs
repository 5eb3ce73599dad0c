//! Rules of the source tree as tests: floors, sizes, file heads and names, who may name what.

mod floors;
mod kills;
mod names;
mod routes;
mod sources;
mod trust;

use std::process::Command;

use sources::{Source, repository, rust_sources};

/// Lines at which a file should be split, and at which it must be.
const LINES_WARN: usize = 400;
const LINES_MAX: usize = 600;

/// Table definitions are long and dull by nature.
const LONG_FILES: &[&str] = &["master/src/db/schema.rs"];

#[test]
fn every_file_opens_with_what_lives_in_it() {
    let bare: Vec<_> = rust_sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| source.path)
        .collect();
    assert!(bare.is_empty(), "no `//!` on the first line: {bare:#?}");
}

#[test]
fn no_file_is_too_long() {
    let mut over = Vec::new();
    for Source { path, text } in rust_sources() {
        let lines = text.lines().count();
        if LONG_FILES.contains(&path.as_str()) {
            continue;
        }
        if lines > LINES_WARN {
            eprintln!("warning: {path} has {lines} lines, split it at {LINES_WARN}");
        }
        if lines > LINES_MAX {
            over.push(format!("{path}: {lines}"));
        }
    }
    assert!(over.is_empty(), "over {LINES_MAX} lines: {over:#?}");
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    const BANNED: &[&str] = &[
        "mod.rs",
        "utils.rs",
        "util.rs",
        "common.rs",
        "helpers.rs",
        "helper.rs",
        "prelude.rs",
        "misc.rs",
    ];
    let found: Vec<_> = rust_sources()
        .into_iter()
        .filter(|source| BANNED.iter().any(|name| source.file_name() == *name))
        .map(|source| source.path)
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// What rustls with ring brings along on Linux: all that the agent may have with TLS.
const CRATES_OF_TLS: &[&str] = &[
    "cfg-if",
    "getrandom",
    "libc",
    "once_cell",
    "ring",
    "rustls",
    "rustls-pki-types",
    "rustls-webpki",
    "subtle",
    "untrusted",
    "windlass-agent",
    "windlass-protocol",
    "zeroize",
];

/// The crates that the agent is made of, in order, each once.
fn crates_of_agent(edges: &str, more: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "-p", "windlass-agent", "--edges", edges])
        .args(["--prefix", "none", "--no-dedupe", "--offline", "--locked"])
        .args(more)
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let names = text.lines().filter_map(|line| line.split(' ').next());
    let mut crates: Vec<String> = names.map(str::to_owned).collect();
    crates.sort();
    crates.dedup();
    crates
}

#[test]
fn the_agent_and_the_protocol_depend_on_nothing_else() {
    let crates = crates_of_agent("all", &[]);
    assert_eq!(crates, ["windlass-agent", "windlass-protocol"]);
    let of_linux = ["--features", "tls", "--target", "x86_64-unknown-linux-gnu"];
    assert_eq!(crates_of_agent("normal", &of_linux), CRATES_OF_TLS);
}
