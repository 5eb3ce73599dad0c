//! Figures of the agent, printed by `cargo test -- --ignored --nocapture figures`. With
//! `WINDLASS_TEST_AGENT` they are those of that program, such as one made for use.

use std::time::Instant;

use windlass_protocol::ops::{Exec, Forget, Program, Request};
use windlass_protocol::{ChannelId, CommandId, Event};

use super::harness::{Bench, Peer, random};

/// How often each round trip is measured; the median counts.
const ROUNDS: usize = 101;
/// Commands at once.
const MANY: usize = 100;

fn quiet(words: &[&str]) -> Exec {
    let argv = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    Exec::new(CommandId(random()), Program::Argv(argv))
}

fn forget(peer: &mut Peer, exec: &Exec) {
    let forget = Forget {
        id: exec.id,
        generation: 1,
    };
    peer.call(&Request::Forget(forget)).unwrap();
}

#[test]
#[ignore = "a measurement"]
fn exec_true_there_and_back_and_a_hundred_at_once() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let exec = quiet(&["true"]);
        let began = Instant::now();
        assert_eq!(peer.exec(&exec).result.exit, Some(0));
        took.push(began.elapsed());
        forget(&mut peer, &exec);
    }
    took.sort();
    println!(
        "exec true: median {:?}, worst {:?}",
        took[ROUNDS / 2],
        took[ROUNDS - 1]
    );

    let began = Instant::now();
    let mut open: Vec<ChannelId> = Vec::new();
    for _ in 0..MANY {
        let exec = quiet(&["sh", "-c", "echo begun; sleep 3; echo ended"]);
        open.push(peer.open(&Request::Exec(exec), 0));
    }
    while !open.is_empty() {
        if let Event::Response { channel, result } = peer.next().unwrap() {
            result.unwrap();
            open.retain(|one| *one != channel);
        }
    }
    println!("{MANY} commands of 3 s at once: {:?}", began.elapsed());
}
