//! Which files are programs, and which of them are handed out.

use super::*;

#[test]
fn programs_are_known_by_their_names_and_others_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs::at(folder.path().join("agents"));
    assert_eq!(programs.list().unwrap(), vec![]);
    let programs = Programs::at(folder.path());
    for name in [
        "windlass-agent-x86_64-linux",
        "windlass-agent-aarch64-linux-tls",
        "windlass-agent-x86_64-windows.exe",
        "windlass-agent-linux",
        "notes.txt",
    ] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let all = programs.list().unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|one| (one.arch.as_str(), one.os.as_str(), one.tls, one.size))
        .collect();
    let expected = [
        ("aarch64", "linux", true, 32),
        ("x86_64", "linux", false, 27),
        ("x86_64", "windows", false, 33),
    ];
    assert_eq!(told, expected);
    assert_eq!(all[0].version, env!("CARGO_PKG_VERSION"));
    fs::write(folder.path().join(VERSION), "9.8.7\n").unwrap();
    assert_eq!(programs.list().unwrap()[0].version, "9.8.7");
}

#[test]
fn a_program_that_is_not_the_one_of_the_sums_is_not_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs::at(folder.path());
    let file = folder.path().join("windlass-agent-x86_64-linux");
    fs::write(&file, "abc").unwrap();
    let sha256 = programs.list().unwrap()[0].sha256.clone();
    assert!(sha256.starts_with("ba7816bf"), "{sha256}");
    let line = format!("{sha256} *windlass-agent-x86_64-linux\n");
    fs::write(folder.path().join(SUMS), line).unwrap();
    assert_eq!(programs.list().unwrap().len(), 1);
    fs::write(&file, "abcd").unwrap();
    assert_eq!(programs.list().unwrap(), vec![]);
}
