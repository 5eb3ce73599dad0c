//! `selftest`: what it says of a machine that has everything, and of one that has not.

use crate::harness::Bench;

#[test]
fn a_machine_that_has_everything_passes_with_a_line_for_each() {
    let bench = Bench::new();
    let output = bench.program("selftest").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    for name in ["randomness", "sha-256", "files", "command"] {
        let line = said.lines().find(|line| line.contains(name));
        assert!(line.is_some_and(|line| line.starts_with("ok")), "{said}");
    }
    assert!(
        said.ends_with(")\n") && said.contains("works on this machine"),
        "{said}"
    );
}

#[test]
fn what_fails_is_named_and_the_status_tells() {
    let bench = Bench::new();
    let file = bench.folder.join("file");
    std::fs::write(&file, "").unwrap();
    // Nowhere to work: neither there nor where it stands.
    let output = bench
        .program("selftest")
        .env("TMPDIR", &file)
        .current_dir("/proc/self")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.starts_with("FAILED") && said.contains("TMPDIR"),
        "{said}"
    );
}
