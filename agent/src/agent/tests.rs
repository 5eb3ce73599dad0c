//! The promises of the agent's state folder.

use std::path::PathBuf;

use super::Agent;
use crate::commands::Launch;
use crate::config::{Config, Policy, Way};
use crate::scratch::Scratch;

fn config(scratch: &Scratch) -> Config {
    Config {
        way: Way::Stdio,
        readable: false,
        trust: Default::default(),
        name: "a".into(),
        key_file: PathBuf::new(),
        root: scratch.path().join("root"),
        state: scratch.path().join("state"),
        reconnect_min_ms: 1,
        reconnect_max_ms: 1,
        policy: Policy::default(),
    }
}

fn open(config: &Config) -> Result<Agent, String> {
    Agent::open(config, Launch::Threads)
}

#[test]
fn two_agents_never_share_a_state_folder() {
    let scratch = Scratch::new();
    let first = open(&config(&scratch)).unwrap();
    let error = open(&config(&scratch)).unwrap_err();
    assert!(error.contains("in use by another agent"), "{error}");
    let installation = first.installation.clone();
    drop(first);
    assert_eq!(open(&config(&scratch)).unwrap().installation, installation);
}

#[test]
fn a_state_folder_inside_the_root_is_refused() {
    let scratch = Scratch::new();
    let mut config = config(&scratch);
    config.state = config.root.join("state");
    assert!(open(&config).unwrap_err().contains("lies in the root"));
}
