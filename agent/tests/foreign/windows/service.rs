//! The agent as a service of Windows.

use std::process::{Command, Output};

use windlass_protocol::ops::Reason;

use super::{WORDS, probe_with, windows_path};
use crate::harness::{Bench, PATIENCE};

fn run(bench: &Bench, arguments: &[&str]) -> Output {
    let mut command: Command = bench.bare_command();
    let config = windows_path(&bench.folder.join("agent.conf"));
    command.args(arguments).args(["--config", &config]);
    command.output().unwrap()
}

/// Takes the service away whatever happens: one that is left would be started with Wine, in vain,
/// and hold up every other.
struct Removal<'a>(&'a Bench);

impl Drop for Removal<'_> {
    fn drop(&mut self) {
        let _ = run(self.0, &["uninstall"]);
    }
}

#[test]
fn the_system_starts_and_stops_the_agent_that_was_installed() {
    let Some(bench) = super::super::unstarted(WORDS) else {
        return;
    };
    let in_folder = |name: &str| windows_path(&bench.folder.join(name)).replace('\\', "/");
    let config = format!(
        "master = \"127.0.0.1:{}\"\nname = \"builder-7\"\nkey_file = \"{}\"\nroot = \"{}\"\n\
         state = \"{}\"\n",
        bench.port,
        in_folder("key"),
        in_folder("root"),
        in_folder("state")
    );
    std::fs::write(bench.folder.join("agent.conf"), config).unwrap();
    let _removal = Removal(&bench);
    let mut installed = run(&bench, &["install"]);
    // Wine gives a service ten seconds to start, which a busy machine may need for the first.
    for _ in 0..2 {
        if !installed.status.success() {
            let _ = run(&bench, &["uninstall"]);
            installed = run(&bench, &["install"]);
        }
    }
    assert!(installed.status.success(), "{installed:?}");
    let mut peer = bench.accept();
    let ran = peer.exec(&probe_with(&["exit", "4"]));
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Exited, Some(4))
    );
    let status = String::from_utf8(run(&bench, &["status"]).stdout).unwrap();
    assert!(status.contains("running     yes"), "{status}");
    let removed = run(&bench, &["uninstall"]);
    assert!(removed.status.success(), "{removed:?}");
    // It says goodbye before it ends.
    while peer
        .next()
        .is_ok_and(|event| !matches!(event, windlass_protocol::Event::Closed(_)))
    {}
    drop(peer);
    let log = bench.folder.join("agent.log");
    let begun = std::time::Instant::now();
    while !std::fs::read_to_string(&log).unwrap().contains("stopped") {
        assert!(begun.elapsed() < PATIENCE, "the service goes on");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
