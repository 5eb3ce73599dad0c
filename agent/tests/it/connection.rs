//! Who is served and who is not, and how the agent comes and goes.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use windlass_protocol::ops::{Reason, Request, Shutdown, ShutdownMode};
use windlass_protocol::{Code, Event, Key};

use super::harness::{Bench, Peer, Ran, random, script};

#[test]
fn a_master_that_does_not_know_the_key_is_not_served_and_the_agent_tries_again() {
    let bench = Bench::with_agent();
    let mut peer = Peer::new(bench.accept_raw());
    assert!(peer.try_greet(&Key::from_bytes(random())).is_err());
    bench.accept();
    assert!(bench.log().contains("refused"), "{}", bench.log());
}

#[test]
fn garbage_from_the_other_side_ends_the_connection_and_not_the_agent() {
    let bench = Bench::with_agent();
    for garbage in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"WNDLS/1\n\xff\xff\xff\xff\x01",
    ] {
        let mut stream = bench.accept_raw();
        stream.write_all(garbage).unwrap();
    }
    let mut peer = bench.accept();
    assert_eq!(peer.exec(&script("echo on")).output, b"on\n");
}

#[test]
fn an_agent_told_to_end_with_its_commands_ends_them_says_so_and_ends_well() {
    let mut bench = Bench::with_agent();
    let mut peer = bench.accept();
    let channel = peer.open(&Request::Exec(script("echo on; sleep 600")), 0);
    let mut journal = Vec::new();
    while !journal.windows(3).any(|bytes: &[u8]| bytes == b"on\n") {
        if let Event::Data { bytes, .. } = peer.next().unwrap() {
            journal.extend_from_slice(&bytes);
        }
    }
    peer.open(
        &Request::Shutdown(Shutdown {
            mode: ShutdownMode::Now,
        }),
        0,
    );
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    assert_eq!(Ran::parse(&journal).result.reason, Reason::AgentLost);
    assert!(bench.wait_agent().success());
    bench.wait_shims();
}

#[test]
fn an_agent_without_a_master_stops_at_once_when_asked() {
    let mut bench = Bench::new();
    bench.port = 1;
    bench.start_agent();
    while !bench.log().contains("127.0.0.1:1") {
        std::thread::yield_now();
    }
    bench.signal_agent("TERM");
    assert!(bench.wait_agent().success());
}

#[test]
fn a_key_file_that_others_can_read_ends_the_agent_with_the_remedy() {
    let bench = Bench::new();
    bench.write_key(&bench.key, 0o644);
    let output = bench.command().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("chmod 600"), "{errors}");
    assert!(
        !errors.contains(&bench.key.to_text()),
        "the key stands in the error"
    );
}

#[test]
fn a_new_key_file_is_used_at_the_next_connection() {
    let mut bench = Bench::with_agent();
    drop(bench.accept());
    bench.key = Key::from_bytes(random());
    bench.write_key(&bench.key, 0o600);
    // One connection may have begun with the old key.
    let greeted = (0..3).any(|_| {
        let mut peer = Peer::new(bench.accept_raw());
        peer.try_greet(&bench.key).is_ok()
    });
    assert!(greeted);
}

#[test]
fn what_the_agent_does_not_know_is_unsupported_and_the_connection_goes_on() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut request = windlass_protocol::Boxed::new();
    request.push("op", "levitate");
    let channel = peer.connection.open_box(&request, 0, 0).unwrap();
    assert_eq!(peer.response(channel).unwrap_err().code, Code::Unsupported);
    let info = peer.call(&Request::Info).unwrap();
    assert_eq!(info.text("os").unwrap(), Some(std::env::consts::OS));
    assert!(info.require_number("disk_total").unwrap() > 0);
    assert!(info.require_number("cpus").unwrap() > 0);
}

#[test]
fn an_agent_is_told_everything_by_a_file_beside_its_key() {
    let bench = Bench::new();
    let text = format!(
        "master = \"127.0.0.1:{}\"\nname = \"builder-7\"\nkey_file = \"key\"\n\
         root = \"root\"\nstate = \"state\"\nreconnect_min_ms = 5\n",
        bench.port
    );
    let path = bench.folder.join("agent.conf");
    std::fs::write(&path, text).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_windlass-agent"));
    let mut child = command.arg("--config").arg(path).spawn().unwrap();
    let mut peer = bench.accept();
    assert_eq!(peer.exec(&script("pwd")).result.exit, Some(0));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(bench.root().is_dir() && bench.folder.join("state/installation").is_file());
}

#[test]
fn an_agent_on_standard_input_and_output_serves_one_master_and_ends_well_after_its_bye() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    let [input, output] = [theirs.try_clone().unwrap(), theirs].map(std::os::fd::OwnedFd::from);
    let mut command = bench.command_without_master();
    let mut child = command
        .arg("--stdio")
        .stdin(input)
        .stdout(output)
        .spawn()
        .unwrap();
    drop(command);
    let mut peer = Peer::new(ours);
    peer.greet(&bench.key);
    assert_eq!(peer.exec(&script("echo on; cat")).output, b"on\n");
    peer.connection.bye();
    while peer.next().is_ok() {}
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_transport_command_carries_the_connection_and_is_started_again_after_a_cut() {
    let mut bench = Bench::new();
    let carry = "exec 3<>/dev/tcp/127.0.0.1/$0; cat <&3 & exec cat >&3";
    let command = format!("bash -c '{carry}' {}", bench.port);
    bench.start_agent_by(&["--transport", &command]);
    for _ in 0..2 {
        let mut peer = bench.accept();
        assert_eq!(peer.exec(&script("echo on")).output, b"on\n");
    }
    bench.signal_agent("TERM");
    assert!(bench.wait_agent().success());
}

#[test]
fn relative_paths_stay_what_they_are_where_the_agent_must_stand_near_its_state() {
    let mut bench = Bench::new();
    // Longer than the address of a socket may be.
    let state = format!("state/{}", "d".repeat(120));
    let carry = "exec 3<>/dev/tcp/127.0.0.1/$1; cat <&3 & exec cat >&3";
    let dial = bench.folder.join("dial");
    std::fs::write(&dial, format!("#!/bin/bash\n{carry}\n")).unwrap();
    std::fs::set_permissions(&dial, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = bench.bare_command();
    command
        .args([
            "--name=builder-7",
            "--key-file=key",
            "--root=root",
            "--state",
            &state,
        ])
        .args(["--transport", &format!("./dial {}", bench.port)])
        .args(["--reconnect-min-ms=5", "--reconnect-max-ms=20"])
        .current_dir(&bench.folder);
    bench.spawn(command);
    for _ in 0..2 {
        // The key is read and the program started anew for each connection.
        let mut peer = bench.accept();
        assert_eq!(
            peer.exec(&script("pwd; echo on")).output,
            format!("{}\non\n", bench.root().display()).into_bytes()
        );
    }
}

/// Dials the agent that said in its log where it listens.
fn dial_listening(bench: &Bench) -> Peer {
    let address = loop {
        let log = bench.log();
        let line = log
            .lines()
            .find_map(|line| line.split_once("listening at "));
        if let Some((_, address)) = line {
            break address.to_owned();
        }
        std::thread::yield_now();
    };
    Peer::new(std::net::TcpStream::connect(address).unwrap())
}

#[test]
fn a_listening_agent_serves_the_master_that_dials_while_strangers_knock() {
    let mut bench = Bench::new();
    bench.start_agent_by(&["--listen", "127.0.0.1:0"]);
    let silent = dial_listening(&bench);
    let mut thief = dial_listening(&bench);
    assert!(thief.try_greet(&Key::from_bytes(random())).is_err());
    let mut peer = dial_listening(&bench);
    peer.greet(&bench.key);
    let mut next = dial_listening(&bench);
    next.greet(&bench.key);
    assert_eq!(peer.exec(&script("echo on")).output, b"on\n");
    assert_eq!(next.exec(&script("echo on")).output, b"on\n");
    bench.signal_agent("TERM");
    assert!(bench.wait_agent().success());
    drop(silent);
}
