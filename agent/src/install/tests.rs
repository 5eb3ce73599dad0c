//! What install, uninstall and status say before anything is carried out.

use super::*;
use crate::scratch::Scratch;
use std::path::PathBuf;

fn service(file: PathBuf) -> Service {
    Service { file, print: true }
}

#[test]
fn without_a_configuration_the_person_is_told_to_enrol() {
    let scratch = Scratch::new();
    for command in [install, uninstall, status] {
        let error = command(&service(scratch.path().join("agent.conf"))).unwrap_err();
        assert!(error.contains("windlass-agent enroll"), "{error}");
    }
}

#[test]
fn print_shows_everything_and_writes_nothing() {
    let scratch = Scratch::new();
    let file = scratch.path().join("agent.conf");
    let state = scratch.path().join("state");
    let text = format!(
        "master = \"h:1\"\nname = \"n\"\nkey_file = \"key\"\nroot = \"r\"\nstate = \"{}\"\n",
        state.display()
    );
    std::fs::write(&file, text).unwrap();
    let shown = install(&service(file.clone())).unwrap();
    assert!(shown.contains(&file.display().to_string()), "{shown}");
    assert!(shown.contains("windlass-agent-n"), "{shown}");
    uninstall(&service(file.clone())).unwrap();
    let told = status(&service(file)).unwrap();
    for part in [
        "name        n\n",
        "master      h:1\n",
        "running     no\n",
        "cannot read it",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(!state.exists());
}
