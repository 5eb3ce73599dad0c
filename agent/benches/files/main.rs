//! How fast files and trees move, each figure beside a yardstick measured in the same run:
//! `cargo bench -p windlass-agent --bench files` (`-- whole`, `-- trees`, `-- far` for a part of it). The agent is the real program; the master is made
//! of the protocol's own core and the least code around it. Needs `nc` (netcat-openbsd) and `tar`.
//! Not here: what must be true whatever the speed; see `tests/it`.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on may stop"
)]

mod ground;
mod peer;
mod proxy;
mod table;
mod trees;

use std::time::Duration;

use ground::Ground;
use table::{Row, median};

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
    let ground = Ground::new();
    let mut rows = Vec::new();
    if wants("whole") {
        rows.extend(whole_files(&ground));
    }
    if wants("trees") {
        rows.extend(trees::measure(&ground, ROUNDS));
    }
    if wants("far") {
        rows.extend(far_files(&ground));
    }
    rows.iter().for_each(Row::print);
}

/// 1 GiB each way, in turns with `nc`.
fn whole_files(ground: &Ground) -> Vec<Row> {
    ground.make_source(FILE_BYTES);
    let (mut put, mut get, mut nc) = (Vec::new(), Vec::new(), Vec::new());
    let mut peer = ground.connect(None);
    for _ in 0..ROUNDS {
        nc.push(ground.nc());
        put.push(peer.put(&ground.source(), "put"));
        get.push(peer.get("put", &ground.target("got")));
        ground.remove("got");
        peer.remove("put");
    }
    let speed = |times: &[Duration]| FILE_BYTES as f64 / 1e6 / median(times).as_secs_f64();
    let row = |name, times| Row {
        name,
        figure: format!("{:.0} MB/s", speed(times)),
        yardstick: format!("nc into a file {:.0} MB/s", speed(&nc)),
        ratio: Some(speed(times) / speed(&nc)),
        wanted: "≥ 0.50",
    };
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
    let row = |name, times: &[Duration]| Row {
        name,
        figure: format!(
            "{:.0} MB/s",
            FAR_BYTES as f64 / 1e6 / median(times).as_secs_f64()
        ),
        yardstick: format!("round trip {} ms", FAR_RTT.as_millis()),
        ratio: None,
        wanted: "≥ 60 MB/s",
    };
    vec![
        row("put through a far line", &put),
        row("get through a far line", &get),
    ]
}
