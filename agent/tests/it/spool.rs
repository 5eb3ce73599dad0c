//! What waits on the agent's disk while no master takes it: bounded for all commands together.

use std::time::Duration;

use windlass_protocol::limits;
use windlass_protocol::ops::Request;

use super::harness::{Bench, script};

/// Bytes of each command's output, and how many commands there are.
const OUTPUT_BYTES: usize = 40_000_000;
const COMMANDS: usize = 3;

/// Bytes of all journals of the agent.
fn spooled(bench: &Bench) -> u64 {
    let commands = std::fs::read_dir(bench.folder.join("state/cmd")).unwrap();
    let files = commands.flatten().flat_map(|command| {
        let files = std::fs::read_dir(command.path());
        files.into_iter().flatten().flatten()
    });
    files
        .filter(|file| file.file_name().to_string_lossy().starts_with("journal."))
        .filter_map(|file| file.metadata().ok())
        .map(|stat| stat.len())
        .sum()
}

#[test]
fn all_spools_together_are_bounded_and_nothing_is_lost_when_the_master_is_back() {
    const TOTAL_BYTES: u64 = 8_000_000;
    let mut bench = Bench::new();
    bench.start_agent_with(&["--spool-total-bytes=8000000"]);
    let mut peer = bench.accept();
    let text = format!("while ! test -e go; do sleep 0.01; done; head -c {OUTPUT_BYTES} /dev/zero");
    let commands: Vec<_> = (0..COMMANDS).map(|_| script(&text)).collect();
    for exec in &commands {
        peer.open(&Request::Exec(exec.clone()), 0);
    }
    peer.flush();
    while bench.shims().len() < COMMANDS {
        std::thread::yield_now();
    }
    drop(peer);
    std::fs::write(bench.root().join("go"), "").unwrap();
    // Full, and not growing any more for half a second.
    let (mut last, mut still) = (0, 0);
    while still < 25 {
        let now = spooled(&bench);
        still = if now == last && now > TOTAL_BYTES {
            still + 1
        } else {
            0
        };
        last = now;
        std::thread::sleep(Duration::from_millis(20));
    }
    // Each has a window's worth in any case, and what passed before it was told.
    let windows = limits::LOG_WINDOW * COMMANDS as u64;
    let most = (TOTAL_BYTES + windows) * 3 / 2 + 16_000_000;
    assert!(last < most, "{last} bytes, and {most} would be right");
    let mut peer = bench.accept();
    for exec in &commands {
        let ran = peer.exec(exec);
        assert!(ran.result.is_success() && ran.starts == 1);
        assert_eq!(ran.output.len(), OUTPUT_BYTES);
    }
}
