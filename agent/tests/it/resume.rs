//! What a connection's end does not end: commands, their journals, their input.

use windlass_protocol::ops::{Attach, Forget, Order, Reason, Request, Signal, parse_list};
use windlass_protocol::sha256::digest;
use windlass_protocol::{CancelMode, Code, Progress};

use super::harness::{Bench, Peer, Ran, random, script};

#[test]
fn a_log_is_exact_although_the_connection_is_cut_at_random_places() {
    let bench = Bench::with_agent();
    std::fs::create_dir_all(bench.root()).unwrap();
    let content: Vec<u8> = random::<65_536>().repeat(80);
    std::fs::write(bench.root().join("content"), &content).unwrap();
    let exec = script("echo x >> starts; cat content; sleep 0.2; cat content");
    let mut journal = Vec::new();
    let mut cuts = 0;
    loop {
        let mut peer = Peer::new(bench.accept_raw());
        // Every piece between two cuts is of another length, and some end in the handshake.
        let seed = u64::from_be_bytes(random());
        let most = if seed & 1 == 0 { 1_000 } else { 500_000 };
        peer.cut_after = if cuts < 60 {
            (seed >> 8) % most
        } else {
            u64::MAX
        };
        if peer.try_greet(&bench.key).is_err() {
            cuts += 1;
            continue;
        }
        let from = journal.len() as u64;
        let channel = peer.open(&Request::Exec(exec.clone()), from);
        match peer.read_stream(channel, &mut journal) {
            Ok(result) => {
                result.unwrap();
                break;
            }
            Err(_) => cuts += 1,
        }
    }
    assert!(cuts >= 10, "only {cuts} cuts");
    let ran = Ran::parse(&journal);
    assert_eq!(digest(&ran.output), digest(&content.repeat(2)));
    assert_eq!((ran.starts, ran.result.exit), (1, Some(0)));
    assert_eq!(std::fs::read(bench.root().join("starts")).unwrap(), b"x\n");
}

#[test]
fn a_repeated_exec_never_starts_twice_and_another_one_of_its_id_is_refused() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let exec = script("echo x >> starts");
    for _ in 0..5 {
        let ran = peer.exec(&exec);
        assert_eq!((ran.starts, ran.result.exit), (1, Some(0)));
    }
    assert_eq!(std::fs::read(bench.root().join("starts")).unwrap(), b"x\n");
    let mut other = script("echo y >> starts");
    other.id = exec.id;
    assert_eq!(
        peer.call(&Request::Exec(other)).unwrap_err().code,
        Code::IdMismatch
    );
}

#[test]
fn an_older_generation_is_refused_and_a_newer_one_is_remembered() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut exec = script("sleep 600");
    exec.generation = 4;
    peer.open(&Request::Exec(exec.clone()), 0);
    let attach = |generation| {
        Request::Attach(Attach {
            id: exec.id,
            generation,
        })
    };
    while peer.call(&Request::List).unwrap().first("cmd").is_none() {}
    assert_eq!(
        peer.call(&attach(3)).unwrap_err().code,
        Code::StaleGeneration
    );
    let signal = Signal {
        id: exec.id,
        generation: 6,
        order: Order::End(CancelMode::Kill),
    };
    peer.call(&Request::Signal(signal)).unwrap();
    assert_eq!(
        peer.call(&attach(5)).unwrap_err().code,
        Code::StaleGeneration
    );
    peer.call(&attach(6)).unwrap();
    let states = parse_list(&peer.call(&Request::List).unwrap()).unwrap();
    assert_eq!(
        (states[0].generation, states[0].progress),
        (6, Progress::Finished)
    );
}

#[test]
fn ready_lists_what_is_known_until_it_is_forgotten() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    assert!(peer.commands.is_empty());
    let exec = script("echo done");
    let ran = peer.exec(&exec);
    assert_eq!(ran.output, b"done\n");
    drop(peer);
    let mut peer = bench.accept();
    assert_eq!(peer.commands.len(), 1);
    assert_eq!(
        (peer.commands[0].id, peer.commands[0].progress),
        (exec.id, Progress::Finished)
    );
    let forget = Request::Forget(Forget {
        id: exec.id,
        generation: 1,
    });
    peer.call(&forget).unwrap();
    peer.call(&forget).unwrap();
    let attach = Request::Attach(Attach {
        id: exec.id,
        generation: 1,
    });
    assert_eq!(peer.call(&attach).unwrap_err().code, Code::UnknownId);
    assert_eq!(
        std::fs::read_dir(bench.folder.join("state/cmd"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_running_command_is_not_forgotten() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let exec = script("sleep 600");
    peer.open(&Request::Exec(exec.clone()), 0);
    while peer.call(&Request::List).unwrap().first("cmd").is_none() {}
    let forget = Request::Forget(Forget {
        id: exec.id,
        generation: 1,
    });
    assert_eq!(peer.call(&forget).unwrap_err().code, Code::Busy);
}

/// Starts a command and reads its journal up to the word `out`.
fn begin(bench: &Bench, exec: &windlass_protocol::ops::Exec) -> Vec<u8> {
    let mut peer = bench.accept();
    peer.open(&Request::Exec(exec.clone()), 0);
    let mut journal = Vec::new();
    while !journal.windows(4).any(|bytes: &[u8]| bytes == b"out\n") {
        if let windlass_protocol::Event::Data { bytes, .. } = peer.next().unwrap() {
            journal.extend_from_slice(&bytes);
        }
    }
    journal
}

#[test]
fn a_command_outlives_the_crash_of_its_agent_and_its_output_goes_on_where_it_was() {
    let mut bench = Bench::with_agent();
    let text = "echo x >> starts; echo out; while [ ! -e go ]; do sleep 0.01; done; \
                i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exit 7";
    let exec = script(text);
    let mut journal = begin(&bench, &exec);
    for _ in 0..3 {
        bench.signal_agent("KILL");
        bench.wait_agent();
        bench.start_agent();
        let peer = bench.accept();
        assert_eq!(peer.commands.len(), 1);
        assert_eq!(
            (peer.commands[0].id, peer.commands[0].progress),
            (exec.id, Progress::Running)
        );
        assert!(peer.commands[0].journal_end >= journal.len() as u64);
    }
    bench.signal_agent("KILL");
    bench.wait_agent();
    // It writes, and ends, while there is no agent.
    std::fs::write(bench.root().join("go"), b"").unwrap();
    bench.start_agent();
    let mut peer = bench.accept();
    let channel = peer.open(&Request::Exec(exec), journal.len() as u64);
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    let ran = Ran::parse(&journal);
    let lines: String = (0..2000).map(|i| format!("line {i}\n")).collect();
    assert_eq!(ran.output, format!("out\n{lines}").as_bytes());
    assert_eq!(
        (ran.result.reason, ran.result.exit, ran.starts),
        (Reason::Exited, Some(7), 1)
    );
    assert_eq!(std::fs::read(bench.root().join("starts")).unwrap(), b"x\n");
}

#[test]
fn an_agent_that_is_stopped_leaves_its_commands_running() {
    let mut bench = Bench::with_agent();
    let exec = script("echo out; while [ ! -e go ]; do sleep 0.01; done; echo end");
    let mut journal = begin(&bench, &exec);
    bench.signal_agent("TERM");
    assert!(bench.wait_agent().success());
    assert_eq!(bench.shims().len(), 1);
    bench.start_agent();
    let mut peer = bench.accept();
    std::fs::write(bench.root().join("go"), b"").unwrap();
    let channel = peer.open(&Request::Exec(exec), journal.len() as u64);
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    assert_eq!(Ran::parse(&journal).output, b"out\nend\n");
}

#[test]
fn a_command_whose_shim_dies_is_told_lost_with_a_right_hash_and_nothing_of_it_is_left() {
    let bench = Bench::with_agent();
    let exec = script("echo x >> starts; echo $$ > pid; echo out; sleep 600");
    let mut journal = begin(&bench, &exec);
    let shim = bench.shims().remove(0);
    let killed = std::process::Command::new("kill")
        .args(["-s", "KILL", &shim])
        .status();
    assert!(killed.unwrap().success());
    let mut peer = bench.accept();
    let channel = peer.open(&Request::Exec(exec), journal.len() as u64);
    // The end is checked against the hash of all that was read.
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    let ran = Ran::parse(&journal);
    assert_eq!((ran.result.reason, ran.starts), (Reason::AgentLost, 1));
    assert_eq!(ran.output, b"out\n");
    assert!(is_gone(&bench));
}

#[test]
fn when_agent_and_shim_die_the_command_is_killed_and_told_lost_and_never_started_again() {
    let mut bench = Bench::with_agent();
    let exec = script("echo x >> starts; echo $$ > pid; echo out; sleep 600");
    begin(&bench, &exec);
    let shim = bench.shims().remove(0);
    bench.signal_agent("KILL");
    bench.wait_agent();
    let killed = std::process::Command::new("kill")
        .args(["-s", "KILL", &shim])
        .status();
    assert!(killed.unwrap().success());
    bench.start_agent();
    let mut peer = bench.accept();
    let ran = peer.exec(&exec);
    assert_eq!((ran.result.reason, ran.starts), (Reason::AgentLost, 1));
    assert_eq!(ran.output, b"out\n");
    assert_eq!(std::fs::read(bench.root().join("starts")).unwrap(), b"x\n");
    assert!(is_gone(&bench));
}

/// Whether the process that wrote its number into `pid` is dead.
fn is_gone(bench: &Bench) -> bool {
    let pid = std::fs::read_to_string(bench.root().join("pid")).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.map_or(true, |line| line.contains(") Z "))
}

#[test]
fn a_command_ends_when_no_master_has_come_for_the_length_of_its_lease() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut exec = script("sleep 600");
    exec.lease_s = 1;
    peer.open(&Request::Exec(exec.clone()), 0);
    while peer.call(&Request::List).unwrap().first("cmd").is_none() {}
    drop(peer);
    // Connected, but nobody proves to be the master.
    let stranger = bench.accept_raw();
    while !bench.log().contains("lease-expired") {
        std::thread::yield_now();
    }
    drop(stranger);
    let ran = bench.accept().exec(&exec);
    assert_eq!((ran.result.reason, ran.starts), (Reason::LeaseExpired, 1));
}
