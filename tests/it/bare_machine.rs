//! A machine with nothing but a small Debian, curl, a compiler and make: it comes by the one-line
//! installer, as a plain user, and builds a real C program. It is a folder that `tests/run` makes,
//! entered with namespaces of its own, so nothing of it is left.

use std::path::{Path, PathBuf};
use std::process::Command;

use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::Background;

const STEPS: &str = "  { source = \"editor\" },\n  { run = \"make -j2\", timeout = \"20m\" },\n  \
     { run = \"./demo\" },\n  \
     { product = \"demo\", version = \"1.0\", target = \"{agent.arch}-{agent.os}\" },";
const MAKEFILE: &str = "demo: main.o sqlite3.o\n\tcc -o demo main.o sqlite3.o -lpthread -ldl -lm\n\
     main.o: sqlite3.h\n";
const MAIN: &str = r#"#include <stdio.h>
#include "sqlite3.h"

int main(void) {
    sqlite3 *db;
    sqlite3_stmt *sum;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;
    if (sqlite3_exec(db, "CREATE TABLE t (n); INSERT INTO t VALUES (40), (2);", 0, 0, 0)) return 2;
    if (sqlite3_prepare_v2(db, "SELECT sum(n) FROM t", -1, &sum, 0) != SQLITE_OK) return 3;
    if (sqlite3_step(sum) != SQLITE_ROW) return 4;
    printf("the answer is %d\n", sqlite3_column_int(sum, 0));
    return sqlite3_column_int(sum, 0) == 42 ? 0 : 5;
}
"#;

/// The agent's program without a library that it would have to find.
fn static_program() -> PathBuf {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--package=windlass-agent",
            "--bin=windlass-agent",
        ])
        .args(["--target", &triple, "--target-dir"])
        .arg(&folder)
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "it does not build"
    );
    folder.join(triple).join("debug/windlass-agent")
}

/// The sources of SQLite, which the master's own dependencies bring.
fn sqlite_sources() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|one| one["name"] == "libsqlite3-sys");
    let manifest = package.and_then(|one| one["manifest_path"].as_str());
    let manifest = Path::new(manifest.expect("the package of SQLite"));
    manifest.with_file_name("sqlite3")
}

/// Enters the bare machine as a plain user, pastes the line there, and stays until it is dropped.
fn machine(debian: &Path, line: &str, log: &Path) -> Background {
    const ENTER: &str = "mount -t proc proc \"$0/proc\" && \
         mount -t tmpfs -o mode=1777 tmpfs \"$0/home\" && \
         exec chroot --userspec=1000:1000 \"$0\" \
         env -i HOME=/home PATH=/usr/bin:/bin sh -c \"cd; $1; exec sleep 86400\"";
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            ENTER,
        ])
        .arg(debian)
        .arg(format!("{} >&2", line.trim()));
    Background::start(command, log)
}

#[test]
fn a_bare_machine_comes_by_the_one_line_installer_and_builds_a_c_program() {
    let Some(debian) = std::env::var_os("WINDLASS_TEST_BARE").map(PathBuf::from) else {
        eprintln!("left out: a bare machine, which tests/run makes where it is root");
        return;
    };
    for missing in ["git", "python3", "cargo", "rustc"] {
        assert!(!debian.join("usr/bin").join(missing).exists(), "{missing}");
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    for file in ["sqlite3.c", "sqlite3.h"] {
        let content = std::fs::read(sqlite_sources().join(file));
        repository.write(file, content.expect("the sources of SQLite"));
    }
    repository.write("Makefile", MAKEFILE);
    repository.write("main.c", MAIN);
    repository.commit("Begin");
    let configuration =
        small_configuration(&repository, STEPS, "").replace("[agent.linux-1]\nslots = 1\n", "");
    let mut master = Master::new(&configuration);
    let programs = master.path("data/agents");
    std::fs::create_dir_all(&programs).expect("a folder of programs");
    let name = format!("windlass-agent-{}-linux", std::env::consts::ARCH);
    std::fs::copy(static_program(), programs.join(name)).expect("the agent's program");
    master.start();
    let line = master.command(&["agent", "token", "bare-1"], "");
    let log = folder.path().join("bare-1.log");
    let _machine = machine(&debian, &line, &log);
    let build = master.finished_build("package", 1);
    let told = std::fs::read_to_string(&log).unwrap_or_default();
    assert_eq!(
        build["result"],
        "success",
        "{build}\n{told}\n{}",
        master.log()
    );
    assert_eq!(build["agent"], "bare-1");
}
