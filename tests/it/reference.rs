//! The reference agent in Python, written from the protocol's text alone: it keeps the promises of
//! every level, and a real build runs on it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};
use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::{self, Background};

use crate::conformance;

fn agent() -> &'static Path {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../protocol-spec/reference/agent.py"
    ))
}

#[test]
fn the_reference_agent_keeps_every_promise_of_the_text() {
    conformance::check(&[], &[OsStr::new("python3"), agent().as_os_str()]);
}

#[test]
fn the_reference_agent_reads_every_vector() {
    let mut command = Command::new("python3");
    command.arg(agent().with_file_name("test_vectors.py"));
    let told = programs::run(command, "");
    assert!(told.status.success(), "{}", told.stderr);
}

#[test]
fn a_real_build_runs_on_the_reference_agent() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("source/text", "from the repository\n");
    repository.commit("Begin");
    let steps = "  { source = \"editor\" },\n  { run = \"mkdir dist; cat source/text; \
        cp source/text dist/editor.txt\" },\n  { product = \"dist/editor.txt\", \
        version = \"1.0.{buildnumber}\", target = \"any\" },";
    let mut master = Master::new(&small_configuration(&repository, steps, ""));
    master.start();
    let key = master.key_of("linux-1");
    let home = folder.path().join("home");
    for name in ["root", "state"] {
        std::fs::create_dir_all(home.join(name)).expect("a folder");
    }
    master.write_key(&home, &key);
    let mut command = Command::new("python3");
    command.arg(agent()).args([
        "--master",
        &master.agents().to_string(),
        "--name",
        "linux-1",
    ]);
    for name in ["key", "root", "state"] {
        let flag = if name == "key" { "key-file" } else { name };
        command.arg(format!("--{flag}")).arg(home.join(name));
    }
    let _agent = Background::start(command, &home.join("log"));
    let build = master.finished_build("package", 1);
    let said = std::fs::read_to_string(home.join("log")).unwrap_or_default();
    assert_eq!(
        build["result"],
        "success",
        "{build}\n{said}\n{}",
        master.log()
    );
    let list = master.get("/api/v1/products", "").json();
    let product = format!("/api/v1/products/{}", list["items"][0]["id"]);
    let product = master.get(&product, "").json();
    let sum: String = Sha256::digest("from the repository\n")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(product["files"][0]["sha256"], sum, "{product}");
}
