//! Who gets through the handshake, and that nobody else does.

use super::*;
use crate::header::{HEADER_BYTES, PREAMBLE};

#[test]
fn both_sides_prove_and_learn_who_the_other_is() {
    let mut pair = Pair::new(vec![key(9)]);
    pair.run(&[key(9)]);
    assert_eq!(pair.at_agent, [Event::Proven(master_hello())]);
    let ready = Event::Ready {
        hello: agent_hello(),
        commands: vec![],
        key_index: 0,
    };
    assert_eq!(pair.at_master, [Event::Hello(agent_hello()), ready]);
    assert!(pair.from_agent.starts_with(PREAMBLE) && pair.from_master.starts_with(PREAMBLE));
}

#[test]
fn during_rotation_either_key_of_either_side_will_do() {
    let cases: [(&[u8], &[u8], usize); 4] = [
        (&[1, 2], &[2], 0),
        (&[2], &[1, 2], 1),
        (&[1], &[1, 2], 0),
        (&[3, 2], &[1, 2], 1),
    ];
    for (agent, master, index) in cases {
        let mut pair = Pair::new(agent.iter().map(|b| key(*b)).collect());
        pair.run(&master.iter().map(|b| key(*b)).collect::<Vec<_>>());
        let Some(Event::Ready { key_index, .. }) = pair.at_master.last() else {
            panic!("not ready: {agent:?} {master:?}")
        };
        assert_eq!(*key_index, index);
        assert!(pair.agent.is_ready());
    }
}

#[test]
fn an_unknown_name_and_a_wrong_key_get_the_same_answer_at_the_same_time() {
    let transcripts: Vec<_> = [vec![], vec![key(8)], vec![key(8), key(7)]]
        .into_iter()
        .map(|keys| {
            let mut pair = Pair::new(vec![key(9)]);
            pair.run(&keys);
            assert_eq!(pair.master.poll_timeout(), Some(limits::REFUSAL_MS));
            pair.now = limits::REFUSAL_MS - 1;
            pair.master.handle_timeout(pair.now);
            assert_eq!(pair.master.poll_transmit(), None);
            pair.now = limits::REFUSAL_MS;
            pair.master.handle_timeout(pair.now);
            pair.carry();
            assert_eq!(closed(&pair.at_master), Some(&CloseReason::AuthFailed));
            let Some(CloseReason::Refused { code, .. }) = closed(&pair.at_agent) else {
                panic!("{:?}", pair.at_agent)
            };
            assert_eq!(*code, Code::AuthFailed);
            pair.from_master
        })
        .collect();
    assert!(transcripts.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn a_master_without_the_key_is_not_believed() {
    let mut pair = Pair::new(vec![key(9)]);
    pair.run(&[key(9)]);
    let honest = pair.from_master.clone();
    let auth_at = PREAMBLE.len() + hello_length(&honest);
    for flipped in auth_at..auth_at + HEADER_BYTES + 8 + 32 {
        let mut agent = Connection::agent(agent_hello(), vec![key(9)], [1; 32], 0);
        let mut bytes = honest.clone();
        bytes[flipped] ^= 1;
        agent.handle_bytes(0, &bytes);
        agent.handle_eof(0);
        let events: Vec<_> = std::iter::from_fn(|| agent.poll_event()).collect();
        assert_eq!(events.len(), 1, "byte {flipped}: {events:?}");
        assert!(closed(&events).is_some(), "byte {flipped}: {events:?}");
    }
}

fn hello_length(bytes: &[u8]) -> usize {
    let at = PREAMBLE.len();
    HEADER_BYTES + u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Runs a handshake in which bit `bit` of byte `at` of one direction is turned on its way.
fn run_flipped(at: usize, bit: u8, from_agent: bool) -> Pair {
    let mut pair = Pair::new(vec![key(9)]);
    let (mut up_at, mut down_at) = (0, 0);
    loop {
        let mut up = pair.agent.poll_transmit().unwrap_or_default();
        let mut down = pair.master.poll_transmit().unwrap_or_default();
        let (bytes, start) = if from_agent {
            (&mut up, up_at)
        } else {
            (&mut down, down_at)
        };
        if (start..start + bytes.len()).contains(&at) {
            bytes[at - start] ^= 1 << bit;
        }
        (up_at, down_at) = (up_at + up.len(), down_at + down.len());
        pair.master.handle_bytes(0, &up);
        pair.agent.handle_bytes(0, &down);
        if !pair.drain(&[key(9)]) && up.is_empty() && down.is_empty() {
            return pair;
        }
    }
}

#[test]
fn every_flipped_bit_of_the_handshake_keeps_both_from_ready() {
    let mut whole = Pair::new(vec![key(9)]);
    whole.run(&[key(9)]);
    let mut tried = 0;
    for (from_agent, length) in [
        (true, whole.from_agent.len()),
        (false, whole.from_master.len()),
    ] {
        for at in 0..length {
            for bit in 0..8 {
                let pair = run_flipped(at, bit, from_agent);
                // The master's READY tells it nothing new if the agent's was the one altered, and
                // the other way round; but never are both ready.
                let both = pair.agent.is_ready() && pair.master.is_ready();
                assert!(!both, "bit {bit} of byte {at}, from agent: {from_agent}");
                tried += 1;
            }
        }
    }
    assert!(tried > 3000, "{tried}");
}

#[test]
fn a_reflected_handshake_is_refused() {
    let mut agent = Connection::agent(agent_hello(), vec![key(9)], [1; 32], 0);
    let hello = agent.poll_transmit().unwrap();
    agent.handle_bytes(0, &hello);
    let events: Vec<_> = std::iter::from_fn(|| agent.poll_event()).collect();
    assert!(
        matches!(closed(&events), Some(CloseReason::Protocol(_))),
        "{events:?}"
    );
    assert_eq!(agent.poll_transmit(), None);
}

#[test]
fn a_nonce_of_zeros_or_our_own_is_refused() {
    for nonce in [[0; 32], [2; 32]] {
        let mut agent = Connection::agent(agent_hello(), vec![key(9)], nonce, 0);
        let mut master = Connection::master(master_hello(), [2; 32], 0);
        master.handle_bytes(0, &agent.poll_transmit().unwrap());
        assert!(master.is_closed());
        assert_eq!(master.poll_transmit(), None);
    }
}

#[test]
fn a_replayed_session_fails_at_the_proof() {
    let mut first = Pair::new(vec![key(9)]);
    first.run(&[key(9)]);
    let mut master = Connection::master(master_hello(), [3; 32], 0);
    // The recorded AUTH comes before the new HELLO is even seen: it does not fit that nonce.
    let hello_end = PREAMBLE.len() + hello_length(&first.from_agent);
    master.handle_bytes(0, &first.from_agent[..hello_end]);
    assert_eq!(master.poll_event(), Some(Event::Hello(agent_hello())));
    master.provide_keys(0, vec![key(9)]).unwrap();
    let auth_end = hello_end + HEADER_BYTES + 8 + 32;
    master.handle_bytes(0, &first.from_agent[hello_end..auth_end]);
    master.handle_timeout(limits::REFUSAL_MS);
    assert_eq!(
        master.poll_event(),
        Some(Event::Closed(CloseReason::AuthFailed))
    );
}

#[test]
fn a_session_relayed_to_another_deployment_fails_though_the_key_is_the_same() {
    // The relay shows the agent deployment `d-1` and speaks to deployment `d-2` itself.
    let mut agent = Connection::agent(agent_hello(), vec![key(9)], [1; 32], 0);
    let other = MasterHello {
        deployment: "d-2".into(),
        ..master_hello()
    };
    let mut master = Connection::master(other, [2; 32], 0);
    let mut shown = Connection::master(master_hello(), [2; 32], 0);
    let hello = agent.poll_transmit().unwrap();
    master.handle_bytes(0, &hello);
    shown.handle_bytes(0, &hello);
    agent.handle_bytes(0, &shown.poll_transmit().unwrap());
    master.poll_transmit().unwrap();
    master.provide_keys(0, vec![key(9)]).unwrap();
    master.handle_bytes(0, &agent.poll_transmit().unwrap());
    master.handle_timeout(limits::REFUSAL_MS);
    let events: Vec<_> = std::iter::from_fn(|| master.poll_event()).collect();
    assert_eq!(closed(&events), Some(&CloseReason::AuthFailed));
}

#[test]
fn keys_may_come_before_or_after_the_proof() {
    for late in [false, true] {
        let mut pair = Pair::new(vec![key(9)]);
        let hello = pair.agent.poll_transmit().unwrap();
        pair.master.handle_bytes(0, &hello);
        if !late {
            pair.master.provide_keys(0, vec![key(9)]).unwrap();
        }
        let hello = pair.master.poll_transmit().unwrap();
        pair.agent.handle_bytes(0, &hello);
        let auth = pair.agent.poll_transmit().unwrap();
        pair.master.handle_bytes(0, &auth);
        if late {
            pair.master.provide_keys(0, vec![key(9)]).unwrap();
        }
        assert_eq!(
            pair.master.provide_keys(0, vec![key(9)]),
            Err(CallError::NotReady)
        );
        let proof = pair.master.poll_transmit().unwrap();
        pair.agent.handle_bytes(0, &proof);
        assert!(matches!(pair.agent.poll_event(), Some(Event::Proven(_))));
    }
}

#[test]
fn a_handshake_that_takes_too_long_ends() {
    let mut pair = Pair::new(vec![key(9)]);
    for connection in [&mut pair.agent, &mut pair.master] {
        assert_eq!(connection.poll_timeout(), Some(limits::HANDSHAKE_MS));
        connection.handle_bytes(limits::HANDSHAKE_MS - 1, b"W");
        connection.handle_timeout(limits::HANDSHAKE_MS);
        assert_eq!(
            connection.poll_event(),
            Some(Event::Closed(CloseReason::Silent))
        );
        assert_eq!(connection.poll_timeout(), None);
    }
}

#[test]
fn the_agents_commands_arrive_with_ready() {
    let mut pair = Pair::new(vec![key(9)]);
    let known = CommandState {
        id: CommandId([0xab; 16]),
        generation: 3,
        progress: crate::Progress::Finished,
        journal_end: 4711,
    };
    for _ in 0..4 {
        let up = pair.agent.poll_transmit().unwrap_or_default();
        pair.master.handle_bytes(0, &up);
        while let Some(event) = pair.master.poll_event() {
            if let Event::Hello(_) = event {
                pair.master.provide_keys(0, vec![key(9)]).unwrap();
            }
            pair.at_master.push(event);
        }
        let down = pair.master.poll_transmit().unwrap_or_default();
        pair.agent.handle_bytes(0, &down);
        if let Some(Event::Proven(_)) = pair.agent.poll_event() {
            pair.agent.announce(&[known]).unwrap();
        }
    }
    let Some(Event::Ready { commands, .. }) = pair.at_master.last() else {
        panic!()
    };
    assert_eq!(commands, &[known]);
}
