//! A machine comes by the one-line installer and a token, and builds; nobody else comes by the same
//! token. The machine's program is fetched from the master, over real sockets.

use std::process::Command;

use serde_json::json;
use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::{self, Background, Outcome, agent};
use windlass_tests::wait;

const STEPS: &str = "  { source = \"editor\" },\n  { run = \"cat a\" },";

/// The master of a builder that only agents of the pool `lab` fit, with programs to hand out.
fn master(folder: &std::path::Path) -> Master {
    let repository = Repository::new(&folder.join("repository"));
    repository.write("a", "from the repository\n");
    repository.commit("Begin");
    let configuration = small_configuration(&repository, STEPS, "")
        .replace("[agent.linux-1]\nslots = 1\n", "")
        .replace(
            "project = \"editor\"\nsteps",
            "project = \"editor\"\nagents = { pool = \"lab\" }\nsteps",
        );
    let mut master = Master::new(&configuration);
    let programs = master.path("data/agents");
    std::fs::create_dir_all(&programs).expect("a folder of programs");
    let name = format!("windlass-agent-{}-linux", std::env::consts::ARCH);
    std::fs::copy(agent(), programs.join(name)).expect("the agent's program");
    master.start();
    master
}

/// Runs the line that was printed as a machine of its own, whose home is `home`.
fn paste(line: &str, home: &std::path::Path) -> Outcome {
    std::fs::create_dir_all(home).expect("a home");
    let inside = |name: &str| home.join(name).display().to_string();
    let line = line.trim();
    let (root, state) = (inside("work"), inside("state"));
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{line} -s -- --root {root} --state {state}"))
        .env("HOME", home)
        .env("WINDLASS_DIR", inside("program"))
        .env("WINDLASS_CONFIG", inside("agent.conf"))
        .env("WINDLASS_START", "no");
    programs::run(command, "")
}

#[test]
fn a_machine_comes_by_the_one_line_installer_and_builds() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let master = master(folder.path());
    let arguments = ["agent", "token", "box-7", "--label", "pool=lab"];
    let line = master.command(&arguments, "");
    assert!(!line.contains("agent/bin"), "one line: {line}");
    let home = folder.path().join("box-7");
    let told = paste(&line, &home);
    assert!(told.status.success(), "{told:?}\n{}", master.log());
    assert!(told.stdout.contains("box-7 is enrolled"), "{told:?}");

    let second = paste(&line, &folder.path().join("thief"));
    assert!(!second.status.success(), "{second:?}");
    assert!(
        second.stderr.contains("token is wrong, used up"),
        "{second:?}"
    );

    let mut command = Command::new(home.join("program/windlass-agent"));
    command
        .args(["run", "--config"])
        .arg(home.join("agent.conf"));
    let _agent = Background::start(command, &home.join("log"));
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    assert_eq!(build["agent"], "box-7");

    let agent = master.get("/api/v1/agents/box-7", "").json();
    assert_eq!(agent["enrolled"], true, "{agent}");
    assert_eq!(agent["labels"], json!({ "pool": "lab" }));
    assert_eq!(agent["owner"], json!(null), "nobody asks without a login");
    wait::until("the agent tells how its machine stands", || {
        let agent = master.get("/api/v1/agents/box-7", "").json();
        agent["status"]["disk_free"].as_u64()
    });
    the_trail_tells(&master);
}

#[test]
fn an_agent_is_sent_a_new_program_and_one_that_refuses_it_says_why() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let master = master(folder.path());
    let admin = master.user("ada", "admin");
    for (name, more) in [("box-8", "--upgrade"), ("box-9", "--readable")] {
        let line = master.command(&["agent", "token", name], "");
        let home = folder.path().join(name);
        let told = paste(&line, &home);
        assert!(told.status.success(), "{told:?}");
        let mut command = Command::new(home.join("program/windlass-agent"));
        command.args(["run", more, "--reconnect-min-ms", "20", "--config"]);
        command.arg(home.join("agent.conf"));
        let _agent = Background::start(command, &home.join("log"));
        let path = format!("/api/v1/agents/{name}");
        let agent = || master.get(&path, "").json();
        wait::until("the agent is connected", || {
            (agent()["connected"] == true).then_some(())
        });
        let asked = master.ask("POST", &format!("{path}/upgrade"), &admin, Some(&json!({})));
        assert_eq!(asked.status, 202, "{}", asked.text());
        let upgrade = wait::until("the upgrade is over", || {
            let upgrade = agent()["upgrade"].clone();
            (!upgrade["ended_at"].is_null()).then_some(upgrade)
        });
        let (state, why) = match more {
            "--upgrade" => ("done", "works with version"),
            _ => ("failed", "permission"),
        };
        assert_eq!(upgrade["state"], state, "{upgrade}\n{}", master.log());
        let text = upgrade["state_text"].as_str().unwrap_or_default();
        assert!(text.contains(why), "{upgrade}");
    }
}

/// Both uses of the token are in the audit trail, the second as refused.
fn the_trail_tells(master: &Master) {
    let admin = master.user("ada", "admin");
    let trail = master.get("/api/v1/audit", &admin).json();
    let rows = trail["items"].as_array().cloned().unwrap_or_default();
    let told = |outcome: &str, action: &str| {
        let fits = |row: &&serde_json::Value| row["outcome"] == outcome && row["action"] == action;
        rows.iter().filter(fits).count()
    };
    assert_eq!(told("done", "agent.enrol"), 1, "{trail}");
    assert_eq!(told("done", "agent.token"), 1, "{trail}");
    let refused = told("refused", "agent.enrol") + told("refused", "agent.connect");
    assert!(refused >= 1, "{trail}");
}

#[test]
fn a_damaged_or_missing_program_is_told_and_nothing_is_left() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let master = master(folder.path());
    let line = master.command(&["agent", "token", "lab-*"], "");
    let name = format!("windlass-agent-{}-linux", std::env::consts::ARCH);
    let program = master.path("data/agents").join(&name);
    let sums = master.path("data/agents/SHA256SUMS");
    std::fs::write(&sums, format!("{}  {name}\n", "0".repeat(64))).expect("sums");
    let home = folder.path().join("lab-1");
    let told = paste(&line, &home);
    assert!(
        told.stderr.contains("the master has no program"),
        "{told:?}"
    );
    std::fs::remove_file(&sums).expect("no sums");
    std::fs::remove_file(&program).expect("no program");
    let told = paste(&line, &home);
    assert!(told.stderr.contains("nor any other"), "{told:?}");
    assert!(!home.join("agent.conf").exists());
    assert_eq!(master.get(&format!("/agent/bin/{name}"), "").status, 404);
    assert_eq!(master.get("/agent/install.ps1", "").status, 200);
    assert_eq!(master.get("/agent/install.sh", "").status, 200);
}
