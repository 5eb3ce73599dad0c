//! Bad weather between agent and master: cuts, silence, ends that vanish, clocks that jump. Each
//! build ends right: one run of the command, every line once, its exit status.

use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::{self, Background};
use windlass_tests::valve::{Flow, Valve};
use windlass_tests::wait;

/// How much faster the connection's clocks go where a test waits for minutes of them.
const RATE: u64 = 100;

/// A build on its way: a command prints a line every 50 ms until the file `go` is there, then ends.
struct Voyage {
    master: Master,
    valve: Valve,
    agent: Background,
    folder: tempfile::TempDir,
}

impl Voyage {
    /// A build whose command has begun.
    fn begin(environment: &[(&str, &str)]) -> Self {
        Self::begin_with(environment, environment)
    }

    /// The same with variables of the master and of its agent.
    fn begin_with(of_master: &[(&str, &str)], of_agent: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let repository = Repository::new(&folder.path().join("repository"));
        repository.write("a", "a");
        repository.commit("Begin");
        let shown = folder.path().display();
        let script = format!(
            "echo run >> {shown}/runs; n=0; until test -e {shown}/go || test $n = 4000; do n=$((n+1)); \
             echo line $n; sleep 0.05; done; echo $n > {shown}/lines; exit 3"
        );
        let steps = format!("  {{ run = \"{script}\" }},");
        let mut master = Master::new(&small_configuration(&repository, &steps, ""));
        master.set(of_master);
        master.start();
        master.set(of_agent);
        let valve = Valve::start(master.agents());
        let agent = master.agent("linux-1", valve.address());
        wait::until("the command runs", || {
            std::fs::read_to_string(folder.path().join("runs")).ok()
        });
        Self {
            master,
            valve,
            agent,
            folder,
        }
    }

    /// Lets the command end, and checks that everything is right.
    fn end(&self) -> serde_json::Value {
        let path = |name: &str| self.folder.path().join(name);
        std::fs::write(path("go"), "").expect("the file is made");
        let build = self.master.finished_build("package", 1);
        let told = format!("{build}\n{}", self.master.log());
        assert_eq!(build["result"], "failure", "{told}");
        let runs = std::fs::read_to_string(path("runs")).expect("it ran");
        assert_eq!(runs, "run\n", "a command runs once");
        let steps = self
            .master
            .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
            .json();
        let step = &steps["items"][0];
        assert_eq!(step["state_text"], "exit code 3", "{step}");
        let log = &step["logs"][0]["id"];
        let text = self.master.get(&format!("/logs/{log}/raw"), "").body;
        let count = std::fs::read_to_string(path("lines")).expect("it ended");
        let count: u32 = count.trim().parse().expect("a number");
        let expected: String = (1..=count).map(|n| format!("line {n}\n")).collect();
        assert_eq!(text, expected.as_bytes(), "every line once, in order");
        build
    }
}

fn pause_s(seconds: u64) {
    // The weather itself lasts that long; there is nothing to wait for.
    std::thread::sleep(std::time::Duration::from_secs(seconds));
}

#[test]
fn a_cut_of_20_seconds_leaves_the_build_as_it_is() {
    let voyage = Voyage::begin(&[]);
    voyage.valve.turn(Flow::Closed);
    pause_s(20);
    voyage.valve.turn(Flow::Open);
    voyage.end();
}

#[test]
fn a_silence_of_20_minutes_leaves_the_build_as_it_is() {
    let rate = RATE.to_string();
    let voyage = Voyage::begin(&[("WINDLASS_TEST_CLOCK_RATE", &rate)]);
    let before = voyage.valve.carried();
    voyage.valve.turn(Flow::Silent);
    pause_s(20 * 60 / RATE);
    voyage.valve.turn(Flow::Open);
    wait::until("the agent dials again", || {
        (voyage.valve.carried() > before).then_some(())
    });
    voyage.end();
}

#[test]
fn an_agent_whose_master_vanished_without_a_word_finds_out_and_comes_back() {
    let rate = RATE.to_string();
    let voyage = Voyage::begin(&[("WINDLASS_TEST_CLOCK_RATE", &rate)]);
    let before = voyage.valve.carried();
    voyage.valve.lose_masters();
    wait::until("the agent dials again", || {
        (voyage.valve.carried() > before).then_some(())
    });
    voyage.end();
}

#[test]
fn a_master_whose_agent_vanished_without_a_word_takes_it_back_at_once() {
    let voyage = Voyage::begin(&[]);
    let before = voyage.valve.carried();
    voyage.valve.lose_agents();
    wait::until("the agent dials again", || {
        (voyage.valve.carried() > before).then_some(())
    });
    voyage.end();
}

/// A clock of the day that jumps by a year in the middle of the build, for all programs that read
/// the file it is set by.
fn jumps_of_a_year(days: &str) {
    let library = std::env::var("WINDLASS_TEST_FAKETIME").unwrap_or_default();
    if library.is_empty() {
        assert!(
            std::env::var_os("WINDLASS_TEST_ALL").is_none(),
            "the library of faketime is needed: tests/run installs it"
        );
        eprintln!("left out: the library of faketime is needed, which tests/run installs");
        return;
    }
    for side in ["master", "agent"] {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let clock = folder.path().join("clock");
        std::fs::write(&clock, "+0").expect("the file is made");
        let file = clock.display().to_string();
        let environment = [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            // Jumps of the time of day are what the world has.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        let none: &[(&str, &str)] = &[];
        let (of_master, of_agent) = match side {
            "master" => (&environment[..], none),
            _ => (none, &environment[..]),
        };
        let voyage = Voyage::begin_with(of_master, of_agent);
        std::fs::write(&clock, days).expect("the file is written");
        let before = voyage.valve.carried();
        voyage.valve.turn(Flow::Closed);
        voyage.valve.turn(Flow::Open);
        wait::until("the agent dials again", || {
            (voyage.valve.carried() > before).then_some(())
        });
        let build = voyage.end();
        let year = |key: &str| build[key].as_str().map(|time| time[..4].to_owned());
        let jumped = year("started_at") != year("finished_at");
        assert_eq!(jumped, side == "master", "{build}");
        let maps = format!("/proc/{}/maps", voyage.agent.id());
        let maps = std::fs::read_to_string(maps).expect("the agent runs");
        assert_eq!(maps.contains("libfaketime"), side == "agent");
    }
}

#[test]
fn a_clock_that_jumps_a_year_ahead_on_either_side_changes_nothing() {
    jumps_of_a_year("+365d");
}

#[test]
fn a_clock_that_jumps_a_year_back_on_either_side_changes_nothing() {
    jumps_of_a_year("-365d");
}

/// A program that runs the agent with its state folder on a disk of its own of that many bytes.
fn agent_on_small_disk(
    folder: &std::path::Path,
    state: &std::path::Path,
    bytes: u64,
) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(state).expect("the folder is made");
    let (agent, state) = (programs::agent().display(), state.display());
    let text = format!(
        "#!/bin/sh\nexec unshare --user --map-root-user --mount sh -c \
         'mount -t tmpfs -o size={bytes} tmpfs \"$0\" && exec {agent} \"$@\"' {state} \"$@\"\n"
    );
    let program = folder.join("agent-on-small-disk");
    std::fs::write(&program, text).expect("the file is written");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, executable).expect("it is ours");
    program
}

/// Bytes that are free where that process sees the folder.
fn free_bytes(pid: u32, folder: &std::path::Path) -> Option<u64> {
    let seen = format!("/proc/{pid}/root{}", folder.display());
    // Not `df`, which looks for a disk among those that we see.
    let mut command = std::process::Command::new("stat");
    let output = command
        .args(["--file-system", "--format=%a %S", &seen])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (blocks, bytes) = text.trim().split_once(' ')?;
    Some(blocks.parse::<u64>().ok()? * bytes.parse::<u64>().ok()?)
}

/// What the master does not take fills the disk, up to the last byte or to the reserve. The
/// command waits then, and goes on when the master is back.
fn a_full_disk(reserve_bytes: u64) {
    const DISK_BYTES: u64 = 12 << 20;
    const LINES: u32 = 24_000;
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let shown = folder.path().display();
    let rest = "x".repeat(990);
    let script = format!(
        "echo run >> {shown}/runs; until test -e {shown}/go; do sleep 0.05; done; n=0; \
         while test $n -lt {LINES}; do n=$((n+1)); echo $n {rest}; done; exit 3"
    );
    let steps = format!("  {{ run = \"{script}\" }},");
    let mut master = Master::new(&small_configuration(&repository, &steps, ""));
    master.start();
    let valve = Valve::start(master.agents());
    let state = master.path("agent-linux-1").join("state");
    let program = agent_on_small_disk(folder.path(), &state, DISK_BYTES);
    let address = valve.address().to_string();
    let reserve = reserve_bytes.to_string();
    let way = ["--master", &address, "--reserve-bytes", &reserve];
    let agent = master.agent_by(&program, "linux-1", &way, &master.key_of("linux-1"));
    wait::until("the command runs", || {
        std::fs::read_to_string(folder.path().join("runs")).ok()
    });
    valve.turn(Flow::Silent);
    std::fs::write(folder.path().join("go"), "").expect("the file is made");
    wait::until("the disk is full", || {
        // Less than the two records that one look of the agent may let pass.
        let free = free_bytes(agent.id(), &state)?;
        (free < reserve_bytes + (128 << 10)).then_some(())
    });
    // The agent comes back and is asked again while there is no room for anything.
    valve.turn(Flow::Closed);
    valve.turn(Flow::Open);
    let build = master.finished_build("package", 1);
    let told = format!("{build}\n{}", master.log());
    assert_eq!(build["result"], "failure", "{told}");
    let runs = std::fs::read_to_string(folder.path().join("runs")).expect("it ran");
    assert_eq!(runs, "run\n", "a command runs once");
    let path = format!("/api/v1/builds/{}/steps", build["id"]);
    let steps = master.get(&path, "").json();
    let step = &steps["items"][0];
    assert_eq!(step["state_text"], "exit code 3", "{step}\n{told}");
    let log = &step["logs"][0]["id"];
    let text = master.get(&format!("/logs/{log}/raw"), "").body;
    let expected: String = (1..=LINES).map(|n| format!("{n} {rest}\n")).collect();
    assert!(text == expected.as_bytes(), "every line once, in order");
}

#[test]
fn a_disk_that_is_full_to_the_last_byte_holds_the_command_up_and_loses_nothing() {
    a_full_disk(0);
}

#[test]
fn a_disk_that_is_full_to_the_reserve_holds_the_command_up_and_loses_nothing() {
    a_full_disk(4 << 20);
}
