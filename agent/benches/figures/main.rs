//! Every figure that the agent promises, each beside a yardstick measured in the same run:
//! `agent/figures`, or `cargo bench -p windlass-agent --bench figures`, with the parts that are
//! wanted behind `--`: `size start commands whole trees far`. With `WINDLASS_TEST_DIST`, a folder
//! that `agent/dist` made, the agent is the program for Linux in there; else the one just
//! compiled. The master is made of the protocol's own core and the least code around it. Needs
//! `nc` (netcat-openbsd) and `tar`. Not here: what must be true whatever the speed; see `tests/it`.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on may stop"
)]

mod commands;
mod ground;
mod peer;
mod program;
mod proxy;
mod table;
mod trees;

use std::path::PathBuf;
use std::time::Duration;

use ground::Ground;
use table::{Row, median};

/// The same memory as the agent's: a master keeps its buffers too.
#[global_allocator]
static MEMORY: windlass_agent::Memory = windlass_agent::Memory;

/// Bytes of the large file.
const FILE_BYTES: u64 = 1 << 30;
/// Bytes that go through the slow line.
const FAR_BYTES: u64 = 256 << 20;
/// Round trip of the slow line.
const FAR_RTT: Duration = Duration::from_millis(60);
/// Each pair is measured this often, in turns; the middle counts.
const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` and `cargo bench -- --list` want no measurement.
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
    }
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| {
        let mut words = wanted.iter().filter(|word| !word.starts_with('-'));
        words.clone().next().is_none() || words.any(|word| word == name)
    };
    let dist = std::env::var_os("WINDLASS_TEST_DIST").map(PathBuf::from);
    let built = || env!("CARGO_BIN_EXE_windlass-agent").into();
    let given =
        |dist: &PathBuf| dist.join(format!("windlass-agent-{}-linux", std::env::consts::ARCH));
    let program = dist.as_ref().map_or_else(built, given);
    println!("measuring {}", program.display());
    let ground = Ground::new(program);
    Row::print_head();
    let print = |rows: Vec<Row>| rows.iter().for_each(Row::print);
    if let Some(dist) = dist.filter(|_| wants("size")) {
        print(program::sizes(&dist));
    }
    if wants("start") {
        print(program::start(&ground));
    }
    if wants("commands") {
        print(commands::measure(&ground));
    }
    if wants("whole") {
        print(whole_files(&ground));
    }
    if wants("trees") {
        print(trees::measure(&ground, ROUNDS));
    }
    if wants("far") {
        print(far_files(&ground));
    }
}

/// 1 GiB each way, in turns with `nc`.
fn whole_files(ground: &Ground) -> Vec<Row> {
    ground.make_source(FILE_BYTES);
    let (mut put, mut get, mut nc) = (Vec::new(), Vec::new(), Vec::new());
    let mut peer = ground.connect(None);
    let given = ground.target("root").join("given");
    std::fs::hard_link(ground.source(), &given).unwrap();
    for _ in 0..ROUNDS {
        nc.push(ground.nc());
        put.push(peer.put(&ground.source(), "put"));
        // Each of the three finds as much memory free for the file that it writes.
        peer.remove("put");
        get.push(peer.get("given", &ground.target("got")));
        ground.remove("got");
    }
    let speed = |times: &[Duration]| FILE_BYTES as f64 / 1e6 / median(times).as_secs_f64();
    let row = |name: &str, times: &[Duration]| Row {
        name: name.into(),
        figure: format!("{:.0} MB/s", speed(times)),
        yardstick: format!("nc into a file: {:.0} MB/s", speed(&nc)),
        ratio: Some(speed(times) / speed(&nc)),
        wanted: "≥ 0.50".into(),
        is_met: speed(times) / speed(&nc) >= 0.5,
    };
    std::fs::remove_file(given).unwrap();
    vec![row("put 1 GiB", &put), row("get 1 GiB", &get)]
}

/// Both ways through a line with a long round trip.
fn far_files(ground: &Ground) -> Vec<Row> {
    ground.make_source(FAR_BYTES);
    let mut peer = ground.connect(Some(FAR_RTT));
    let (mut put, mut get) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        put.push(peer.put(&ground.source(), "far"));
        get.push(peer.get("far", &ground.target("got")));
        ground.remove("got");
        peer.remove("far");
    }
    let row = |name: &str, times: &[Duration]| {
        let speed = FAR_BYTES as f64 / 1e6 / median(times).as_secs_f64();
        Row {
            name: name.into(),
            figure: format!("{speed:.0} MB/s"),
            yardstick: format!("{} ms of round trip", FAR_RTT.as_millis()),
            ratio: None,
            wanted: "≥ 60 MB/s".into(),
            is_met: speed >= 60.0,
        }
    };
    vec![row("put, far line", &put), row("get, far line", &get)]
}
