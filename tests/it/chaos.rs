//! Everything dies, at random and again and again, while a build prints: the connection is cut,
//! the agent (the parent of every shim) and the master are killed. The build ends right: no byte
//! of its log is lost or doubled, its command ran once, its exit status is the true one.

use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use windlass_tests::git::Repository;
use windlass_tests::http;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::proxy::Proxy;

/// Cuts, and kills of each program, of the short form. The long form is
/// `WINDLASS_TEST_CUTS=10000 WINDLASS_TEST_KILLS=200 tests/run chaos`; `WINDLASS_TEST_SEED` says
/// another order of events.
const CUTS: u64 = 20;
const KILLS: u64 = 4;
const SEED: u64 = 11;
/// Lines of one build, so many that it lasts some seconds.
const LINES: u64 = 60_000;
/// A connection is cut after at most so many bytes: several cuts in a second of printing.
const CUT_BYTES_MAX: u64 = 200_000;
/// The same of the long form: a handshake and a record or two.
const CUT_BYTES_MAX_LONG: u64 = 40_000;
/// A build that nothing befalls takes a few seconds; a restart of the master one or two; the first
/// build of the long form lives through most of it.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// Prints the lines in pieces, with pauses, and ends with a status that is not 0.
const SCRIPT: &str = "echo run >> \"$1\"\n\
    awk 'BEGIN { for (n = 1; n <= 60000; n++) { printf \"%010d some output of a long build\\n\", n; \
    if (n % 400 == 0) { fflush(); system(\"sleep 0.02\") } } }'\n\
    exit 7\n";

/// A sequence of numbers from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % most
    }
}

#[test]
fn whatever_is_killed_or_cut_no_byte_is_lost_no_command_runs_twice_and_the_status_is_right() {
    let (cuts, kills) = (
        number("WINDLASS_TEST_CUTS", CUTS),
        number("WINDLASS_TEST_KILLS", KILLS),
    );
    let mut chance = Chance(number("WINDLASS_TEST_SEED", SEED));
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("make.sh", SCRIPT);
    repository.commit("Begin");
    let runs = folder.path().join("runs");
    let steps = format!(
        "  {{ source = \"editor\" }},\n  {{ run = \"sh make.sh {}\" }},",
        runs.display()
    );
    let mut master = Master::new(&small_configuration(&repository, &steps, ""));
    master.start();
    // A connection that dies of something else takes its cut with it.
    let spare = 4 * kills;
    let bytes_max = match cuts > 1_000 {
        true => CUT_BYTES_MAX_LONG,
        false => CUT_BYTES_MAX,
    };
    let proxy = Proxy::start(master.agents(), SEED, cuts + spare, bytes_max);
    let key = master.key_of("linux-1");
    let mut agent = master.agent_with_key("linux-1", proxy.address(), &key);
    let expected = expected();
    let (mut agent_kills, mut master_kills, mut builds) = (0, 0, 0);
    while agent_kills < kills || master_kills < kills || proxy.cuts() < cuts {
        builds += 1;
        if builds > 1 {
            repository.write("round", builds.to_string());
            repository.commit(&format!("Round {builds}"));
        }
        let began = Instant::now();
        let build = loop {
            assert!(
                began.elapsed() < PATIENCE,
                "build {builds} does not end\n{}",
                master.log()
            );
            if let Some(build) = finished(&master, builds) {
                break build;
            }
            // Between two blows things get on a little: that is what the blows are to meet.
            std::thread::sleep(Duration::from_millis(100 + chance.below(300)));
            match chance.below(5) {
                0 | 1 if agent_kills < kills => {
                    agent_kills += 1;
                    agent.kill();
                    agent = master.agent_with_key("linux-1", proxy.address(), &key);
                }
                2 if master_kills < kills => {
                    master_kills += 1;
                    master.kill();
                    master.start();
                }
                _ => {}
            }
        };
        let ran = std::fs::read_to_string(&runs).expect("the command ran");
        assert_eq!(ran.lines().count() as u64, builds, "each command runs once");
        verify(&master, &build, &expected);
    }
    println!(
        "{builds} builds, {} cuts, {agent_kills} kills of the agent, {master_kills} of the master",
        proxy.cuts()
    );
}

/// The builder's build of that number once it has ended; the master may be away.
fn finished(master: &Master, number: u64) -> Option<Value> {
    let path = "/api/v1/builds?builder=package";
    let answer = http::request(master.web(), "GET", path, &[], &[]).ok()?;
    let list: Value = serde_json::from_slice(&answer.body).ok()?;
    let mut items = list["items"].as_array()?.iter();
    let found = items.find(|build| build["number"] == number && build["state"] == "finished")?;
    Some(found.clone())
}

fn verify(master: &Master, build: &Value, expected: &[u8]) {
    let path = format!("/api/v1/builds/{}/steps", build["id"]);
    let steps = master.get(&path, "").json();
    let step = &steps["items"][1];
    let told = step.to_string();
    assert_eq!(build["result"], "failure", "{build}\n{told}");
    assert_eq!(step["state_text"], "exit code 7", "{build}\n{told}");
    let raw = master.get(&format!("/logs/{}/raw", step["logs"][0]["id"]), "");
    assert_eq!(
        raw.body.len() as u64,
        LINES * 39,
        "bytes of the log\n{told}"
    );
    assert_eq!(
        Sha256::digest(&raw.body).as_slice(),
        expected,
        "the log is byte-exact"
    );
}

fn expected() -> Vec<u8> {
    let mut sum = Sha256::new();
    for n in 1..=LINES {
        sum.update(format!("{n:010} some output of a long build\n"));
    }
    sum.finalize().to_vec()
}

fn number(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(default)
}
