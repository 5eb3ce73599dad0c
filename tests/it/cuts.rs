//! The connection is cut at random while a command prints: one run, the log byte-exact.

use sha2::{Digest as _, Sha256};
use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::proxy::Proxy;

/// Cuts and megabytes of the short form. The long form is
/// `WINDLASS_TEST_CUTS=200 WINDLASS_TEST_MEGABYTES=50 tests/run cuts`.
const CUTS: u64 = 20;
const MEGABYTES: u64 = 5;

#[test]
fn a_log_is_byte_exact_over_many_cuts_and_the_command_runs_once() {
    let cuts = number("WINDLASS_TEST_CUTS", CUTS);
    let megabytes = number("WINDLASS_TEST_MEGABYTES", MEGABYTES);
    let lines = megabytes * 1_000_000 / 45;
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let runs = folder.path().join("runs");
    let script = format!(
        "echo run >> {}; awk 'BEGIN {{{{ for (n = 1; n <= {lines}; n++) \
         printf \\\"%010d %s\\\\n\\\", n, \\\"some output of a long build, line\\\" }}}}'",
        runs.display()
    );
    let steps = format!("  {{ source = \"editor\" }},\n  {{ run = \"{script}\" }},");
    let mut master = Master::new(&small_configuration(&repository, &steps, ""));
    master.start();
    // On average a cut falls after half of this: all of them before the last byte.
    let bytes_max = megabytes * 1_000_000 / cuts;
    let proxy = Proxy::start(master.agents(), 7, cuts, bytes_max);
    let _agent = master.agent("linux-1", proxy.address());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    assert_eq!(proxy.cuts(), cuts, "every cut was made");

    let ran = std::fs::read_to_string(&runs).expect("the command ran");
    assert_eq!(ran, "run\n", "each command runs once");
    let steps = master
        .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
        .json();
    let log = &steps["items"][1]["logs"][0]["id"];
    let text = master.get(&format!("/logs/{log}/raw"), "");
    let mut expected = Sha256::new();
    for n in 1..=lines {
        expected.update(format!("{n:010} some output of a long build, line\n"));
    }
    assert_eq!(text.body.len() as u64, lines * 45, "bytes of the log");
    assert_eq!(
        Sha256::digest(&text.body),
        expected.finalize(),
        "the log is byte-exact"
    );
}

fn number(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(default)
}
