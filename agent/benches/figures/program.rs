//! The program by itself: its size, how soon it is there, what it holds while it has nothing to do.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::ground::Ground;
use crate::table::{Row, median};

/// Starts measured; the middle one counts.
const STARTS: usize = 21;
/// After this the first STATUS is out and the threads that made it are gone.
const SETTLED: Duration = Duration::from_millis(1_500);

/// Size of every program of `agent/dist` in that folder.
pub(crate) fn sizes(folder: &Path) -> Vec<Row> {
    let mut programs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("windlass-"))
        .collect();
    programs.sort_by_key(std::fs::DirEntry::file_name);
    let row = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let most = if name.contains("-tls") { 3_000 } else { 900 };
        let bytes = entry.metadata().unwrap().len();
        Row {
            name: name.trim_start_matches("windlass-agent-").into(),
            figure: format!("{:.0} KB", bytes as f64 / 1e3),
            yardstick: "-".into(),
            ratio: None,
            wanted: format!("≤ {most} KB"),
            is_met: bytes <= most * 1_000,
        }
    };
    programs.iter().map(row).collect()
}

/// From the start of the process to READY, and what it holds then.
pub(crate) fn start(ground: &Ground) -> Vec<Row> {
    let (mut ready, mut shell) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        shell.push(shell_start());
        let began = Instant::now();
        drop(ground.connect(None));
        ready.push(began.elapsed());
    }
    let peer = ground.connect(None);
    // Nothing tells that a process has come to rest.
    std::thread::sleep(SETTLED);
    let held = resident_kb(peer.agent.pid());
    let mut sleeping = Command::new("sleep").arg("60").spawn().unwrap();
    std::thread::sleep(SETTLED);
    let yardstick = resident_kb(sleeping.id());
    sleeping.kill().unwrap();
    sleeping.wait().unwrap();
    let row = Row::of_time("start to READY", &ready, "sh -c true", &shell);
    vec![
        Row {
            wanted: "≤ 50 ms".into(),
            is_met: median(&ready) <= Duration::from_millis(50),
            ..row
        },
        Row {
            name: "idle resident".into(),
            figure: format!("{:.2} MB", held as f64 / 1e3),
            yardstick: format!("sleep 60: {:.2} MB", yardstick as f64 / 1e3),
            ratio: Some(held as f64 / yardstick as f64),
            wanted: "≤ 3 MB".into(),
            is_met: held <= 3_000,
        },
    ]
}

/// A shell that does nothing, from start to end.
pub(crate) fn shell_start() -> Duration {
    let began = Instant::now();
    let mut shell = Command::new("sh");
    shell.args(["-c", "true"]).stdin(Stdio::null());
    assert!(shell.status().unwrap().success());
    began.elapsed()
}

/// Kilobytes of memory that a process holds, what it shares with others included.
fn resident_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    // The system counts in units of 1024.
    number.parse::<u64>().unwrap() * 1_024 / 1_000
}
