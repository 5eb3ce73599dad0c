//! Enrolment with the real program: by a token over the wire, by a pasted key, and what stands in
//! its way.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};

use windlass_protocol::{Event, Key, Token};

use crate::harness::{Bench, Peer, random};

fn token() -> Token {
    Token {
        id: "t-1".into(),
        secret: Key::from_bytes(random()),
    }
}

fn config_file(bench: &Bench) -> PathBuf {
    bench.folder.join("etc/agent.conf")
}

/// Starts `enroll` with these flags; its configuration will be in `etc`.
fn enroll(bench: &Bench, flags: &[&str]) -> Child {
    let mut command = bench.program("enroll");
    command
        .args(["--name=builder-7", "--reconnect-min-ms=5"])
        .arg(format!("--master=127.0.0.1:{}", bench.port))
        .arg("--config")
        .arg(config_file(bench));
    for name in ["root", "state"] {
        command
            .arg(format!("--{name}"))
            .arg(bench.folder.join(name));
    }
    command.args(flags);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn end(child: Child) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = [stdout, stderr].concat();
    (status.success(), String::from_utf8(text).unwrap())
}

/// The master's side up to the stored key; the agent has not been answered yet.
fn prove(bench: &Bench, token: &Token, secret: &Key) -> (Peer, Key) {
    let mut peer = Peer::new(bench.accept_raw());
    loop {
        match peer.next().unwrap() {
            Event::Hello(hello) => {
                assert_eq!(hello.enroll.as_ref(), Some(&token.id));
                let keys = vec![secret.clone()];
                peer.connection.provide_keys(0, keys).unwrap();
            }
            Event::Enrolling { key } => return (peer, key),
            other => panic!("{other:?}"),
        }
    }
}

fn finish(mut peer: Peer) {
    peer.connection.accept_enrolment().unwrap();
    loop {
        match peer.next() {
            Ok(Event::Ready { hello, .. }) => assert!(hello.enroll.is_some()),
            Ok(Event::Closed(reason)) => {
                assert_eq!(reason, windlass_protocol::CloseReason::Bye);
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_agent_enrols_by_token_and_then_connects_by_its_own_key() {
    let mut bench = Bench::new();
    let token = token();
    let child = enroll(&bench, &["--token", &token.to_text()]);
    let (peer, key) = prove(&bench, &token, &token.secret);
    finish(peer);
    let (good, text) = end(child);
    assert!(good && text.contains("builder-7 is enrolled"), "{text}");
    let key_file = bench.folder.join("etc/builder-7.key");
    let mode = std::fs::metadata(&key_file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        std::fs::read_to_string(&key_file).unwrap(),
        format!("{}\n", key.to_text())
    );
    bench.key = key;
    bench.start_program("run", &["--config", config_file(&bench).to_str().unwrap()]);
    bench.accept();
}

#[test]
fn a_cut_before_ready_is_tried_again_with_the_same_token() {
    let bench = Bench::new();
    let token = token();
    let child = enroll(&bench, &["--token", &token.to_text()]);
    // The master stored the key, and the line broke before it could say so.
    let (peer, first) = prove(&bench, &token, &token.secret);
    drop(peer);
    let (peer, second) = prove(&bench, &token, &token.secret);
    finish(peer);
    let (good, text) = end(child);
    assert!(good, "{text}");
    assert!(first != second);
    let stored = std::fs::read_to_string(bench.folder.join("etc/builder-7.key")).unwrap();
    assert_eq!(stored.trim(), second.to_text());
}

#[test]
fn a_token_that_does_not_fit_is_told_once_and_leaves_nothing() {
    let bench = Bench::new();
    let token = token();
    let child = enroll(&bench, &["--token", &token.to_text()]);
    let mut peer = Peer::new(bench.accept_raw());
    while let Ok(event) = peer.next() {
        if let Event::Hello(_) = event {
            peer.connection.provide_keys(0, vec![]).unwrap();
        }
    }
    let (good, text) = end(child);
    assert!(!good && text.contains("used up"), "{text}");
    assert!(!bench.folder.join("etc").exists());
}

#[test]
fn a_pasted_key_is_stored_without_a_master_and_never_replaced_unasked() {
    let mut bench = Bench::new();
    let text = bench.key.to_text();
    let mut child = enroll(&bench, &["--key=-"]);
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{text}").unwrap();
    drop(input);
    assert!(end(child).0);
    let other = Key::from_bytes(random()).to_text();
    let (good, said) = end(enroll(&bench, &["--key", &other]));
    assert!(!good && said.contains("--force"), "{said}");
    bench.start_program("run", &["--config", config_file(&bench).to_str().unwrap()]);
    bench.accept();
    let (good, said) = end(enroll(&bench, &["--force", "--key", &other]));
    assert!(good, "{said}");
    for wrong in ["wlk1_00", "wlt1_a_00", ""] {
        let flags = format!("--key={wrong}");
        assert!(!end(enroll(&bench, &["--force", &flags])).0, "{wrong}");
    }
}
