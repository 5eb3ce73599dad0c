//! The stream cut at every byte, and handed over in pieces of any size.

use super::*;
use crate::journal::{self, RecordKind};
use crate::ops::{ExecResult, Reason};

/// A journal as a small command writes it.
fn sample_journal() -> Vec<u8> {
    let mut bytes = Vec::new();
    journal::encode_started(4711, &mut bytes);
    journal::encode(RecordKind::Stdout, 5, b"hello\n\x00\xff", &mut bytes);
    journal::encode(RecordKind::Stderr, 6, &[b'e'; 300], &mut bytes);
    let result = ExecResult {
        exit: Some(0),
        ..ExecResult::new(Reason::Exited)
    };
    journal::encode_exit(7, &result, &mut bytes);
    bytes
}

/// A whole session with one command, as bytes of both directions.
fn record_session(journal: &[u8]) -> Pair {
    let mut pair = Pair::new(vec![key(9)]);
    pair.run(&[key(9)]);
    let channel = pair.master.open(&exec(), 0, 1_000_000).unwrap();
    pair.carry();
    pair.agent.send_data(channel, 0, journal).unwrap();
    pair.agent
        .finish(channel, journal.len() as u64, digest(journal))
        .unwrap();
    pair.agent.respond(channel, Ok(Boxed::new())).unwrap();
    pair.carry();
    pair.agent.bye();
    pair.carry();
    pair
}

/// Plays the agent's bytes to a master of the same nonce, in pieces that never reach beyond the
/// `turns`, where the agent waited for an answer.
fn replay(bytes: &[u8], turns: &[usize], mut piece: impl FnMut() -> usize) -> Vec<Event> {
    let mut master = Connection::master(master_hello(), [2; 32], 0);
    let mut events = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let turn = turns.iter().find(|turn| **turn > at).unwrap();
        let end = (at + piece()).min(*turn).min(bytes.len());
        master.handle_bytes(0, &bytes[at..end]);
        at = end;
        while let Some(event) = master.poll_event() {
            match event {
                Event::Hello(_) => master.provide_keys(0, vec![key(9)]).unwrap(),
                Event::Ready { .. } => {
                    master.open(&exec(), 0, 1_000_000).unwrap();
                }
                _ => {}
            }
            events.push(event);
        }
    }
    master.handle_eof(0);
    events.extend(std::iter::from_fn(|| master.poll_event()));
    events
}

#[test]
fn a_stream_cut_at_any_byte_never_makes_a_complete_result() {
    let journal = sample_journal();
    let session = record_session(&journal);
    let (whole, turns) = (session.from_agent, session.turns);
    let complete = replay(&whole, &turns, || usize::MAX / 2);
    assert_eq!(closed(&complete), Some(&CloseReason::Bye));
    let mut lost = 0;
    for end in 0..whole.len() {
        let events = replay(&whole[..end], &turns, || usize::MAX / 2);
        assert_eq!(closed(&events), Some(&CloseReason::Lost), "cut at {end}");
        let kept = &events[..events.len() - 1];
        assert_eq!(kept, &complete[..kept.len()], "cut at {end}");
        let mut decoder = journal::Decoder::starting_at(0);
        let mut got = Vec::new();
        for event in kept {
            if let Event::Data { bytes, .. } = event {
                got.extend_from_slice(bytes);
                decoder.push(bytes);
            }
        }
        assert!(journal.starts_with(&got));
        while decoder.next_record().unwrap().is_some() {}
        assert_eq!(decoder.is_ended(), got.len() == journal.len());
        lost += 1;
    }
    assert!(lost > 700, "{lost}");
}

#[test]
fn the_size_of_pieces_makes_no_difference() {
    let session = record_session(&sample_journal());
    let (whole, turns) = (session.from_agent, session.turns);
    let complete = replay(&whole, &turns, || usize::MAX / 2);
    assert_eq!(replay(&whole, &turns, || 1), complete);
    for seed in 1..200 {
        let mut seeded = Seeded(seed);
        assert_eq!(
            replay(&whole, &turns, || 1 + seeded.below(90)),
            complete,
            "seed {seed}"
        );
    }
}

#[test]
fn a_command_cut_off_and_attached_again_at_random_gives_every_byte_once() {
    let journal: Vec<u8> = (0..500_000u32).map(|n| (n * 31 / 13) as u8).collect();
    for seed in 1..20 {
        let mut seeded = Seeded(seed);
        let mut stored: Vec<u8> = Vec::new();
        let mut connections = 0;
        while stored.len() < journal.len() {
            connections += 1;
            let mut pair = Pair::ready();
            let from = stored.len() as u64;
            let channel = pair.open(&exec(), from, 1 + seeded.below(200_000) as u64);
            let mut sent = from as usize;
            for _ in 0..1 + seeded.below(6) {
                sent += pair
                    .agent
                    .send_data(channel, sent as u64, &journal[sent..])
                    .unwrap();
                // At times the connection breaks here, and only a part arrives.
                let Some(bytes) = pair.agent.poll_transmit() else {
                    break;
                };
                let breaks = seeded.below(4) == 0;
                let arrives = if breaks {
                    seeded.below(bytes.len())
                } else {
                    bytes.len()
                };
                let cut = arrives < bytes.len();
                pair.master.handle_bytes(0, &bytes[..arrives]);
                while let Some(event) = pair.master.poll_event() {
                    if let Event::Data { offset, bytes, .. } = event {
                        assert_eq!(offset, stored.len() as u64);
                        stored.extend(bytes);
                    }
                }
                if cut {
                    break;
                }
                let durable = stored.len() as u64;
                pair.master
                    .acknowledge(channel, durable, durable + 50_000)
                    .unwrap();
                let ack = pair.master.poll_transmit().unwrap();
                pair.agent.handle_bytes(0, &ack);
            }

            assert!(connections < 1000, "seed {seed} makes no progress");
        }
        assert!(stored == journal, "seed {seed}");
    }
}
