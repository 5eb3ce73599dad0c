//! The agent's program for Windows replaced from the master, while it and a command run.

use windlass_protocol::ops::{Request, Shutdown, ShutdownMode, Upgrade};
use windlass_protocol::sha256::digest;
use windlass_protocol::{Event, Progress};

use super::{WORDS, probe_with};
use crate::harness::{Bench, Peer};

fn ends(mut peer: Peer) {
    while !matches!(peer.next(), Ok(Event::Closed(_)) | Err(_)) {}
}

#[test]
fn a_new_program_takes_over_and_a_running_command_goes_on() {
    let Some(unstarted) = super::super::unstarted(WORDS) else {
        return;
    };
    let Ok(words) = std::env::var(WORDS) else {
        return;
    };
    let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    let given = words.pop().unwrap();
    let program = unstarted.folder.join("windlass-agent.exe");
    let old = std::fs::read(given).unwrap();
    std::fs::write(&program, &old).unwrap();
    words.push(program.display().to_string());
    let mut bench = Bench::of(words);
    let mut command = bench.command();
    command.arg("--upgrade");
    bench.spawn(command);
    let mut peer = bench.accept();
    peer.open(&Request::Exec(probe_with(&["lines-after", "go", "20"])), 0);
    while !matches!(peer.next().unwrap(), Event::Data { .. }) {}

    let new = [old.as_slice(), b"a later one"].concat();
    let upgrade = Upgrade {
        size: new.len() as u64,
        sha256: digest(&new),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    let channel = peer.open(&Request::Upgrade(upgrade), 0);
    peer.send_stream(channel, &new);
    peer.response(channel).unwrap();
    ends(peer);
    // On probation, then in the place of the old one.
    let peer = bench.accept();
    assert_eq!(peer.commands[0].progress, Progress::Running);
    ends(peer);
    let mut peer = bench.accept();
    assert_eq!(peer.commands[0].progress, Progress::Running);
    assert!(std::fs::read(&program).unwrap() == new);
    let kept = unstarted.folder.join("windlass-agent.exe.old");
    assert!(std::fs::read(kept).unwrap() == old);
    // The one that was started waits for the one that serves, and ends as that does.
    let mode = ShutdownMode::Now;
    peer.call(&Request::Shutdown(Shutdown { mode })).unwrap();
    ends(peer);
    assert!(bench.wait_agent().success());
}
