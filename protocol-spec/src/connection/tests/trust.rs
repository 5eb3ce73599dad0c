//! Hostile peers and people on the wire: what the table of TRUST.md promises and no other test
//! of the connection shows.

use super::*;
use crate::frame::FrameWriter;
use crate::header::{HEADER_BYTES, Header, PREAMBLE};

/// A frame as it goes before the keys stand.
fn plain_frame(kind: FrameType, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    FrameWriter::new().write(&mut bytes, kind, 0, 0, &[payload]);
    bytes
}

/// The frames of a recorded direction, the preamble left out; the last has a mac.
fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &bytes[PREAMBLE.len()..];
    let mut frames = Vec::new();
    for mac in [0, 0, 16] {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        let (frame, later) = rest.split_at(HEADER_BYTES + length + mac);
        frames.push(frame.to_vec());
        rest = later;
    }
    frames
}

/// Plays the agent's frames to a master, each as soon as the master has looked at the last.
fn play_to_master(frames: &[Vec<u8>]) -> Connection {
    let mut master = Connection::master(master_hello(), [2; 32], 0);
    master.handle_bytes(0, PREAMBLE);
    for frame in frames {
        master.handle_bytes(0, frame);
        while let Some(event) = master.poll_event() {
            if matches!(event, Event::Hello(_)) {
                master.provide_keys(0, vec![key(9)]).unwrap();
            }
        }
        while master.poll_transmit().is_some() {}
    }
    master
}

/// Plays the master's frames to an agent.
fn play_to_agent(frames: &[Vec<u8>]) -> Connection {
    let mut agent = Connection::agent(agent_hello(), vec![key(9)], [1; 32], 0);
    agent.handle_bytes(0, PREAMBLE);
    for frame in frames {
        agent.handle_bytes(0, frame);
        while let Some(event) = agent.poll_event() {
            if matches!(event, Event::Proven(_)) {
                agent.announce(&[]).unwrap();
            }
        }
        while agent.poll_transmit().is_some() {}
    }
    agent
}

#[test]
fn a_proof_sent_back_to_its_sender_is_refused() {
    let mut agent = Connection::agent(agent_hello(), vec![key(9)], [1; 32], 0);
    let mut shown = Connection::master(master_hello(), [2; 32], 0);
    shown.handle_bytes(0, &agent.poll_transmit().unwrap());
    agent.handle_bytes(0, &shown.poll_transmit().unwrap());
    let proof = agent.poll_transmit().unwrap();
    agent.handle_bytes(0, &proof);
    let events: Vec<_> = std::iter::from_fn(|| agent.poll_event()).collect();
    assert!(closed(&events).is_some(), "{events:?}");
    assert_eq!(events.len(), 1, "the agent believed its own proof");
}

#[test]
fn a_session_relayed_as_another_agent_fails_though_the_key_is_the_same() {
    // The relay speaks to the master as `builder-8` and has `builder-7` make the proof.
    let mut agent = Connection::agent(agent_hello(), vec![key(9)], [1; 32], 0);
    let other = AgentHello {
        name: "builder-8".into(),
        ..agent_hello()
    };
    let mut mask = Connection::agent(other, vec![key(1)], [1; 32], 0);
    let mut master = Connection::master(master_hello(), [2; 32], 0);
    agent.poll_transmit().unwrap();
    master.handle_bytes(0, &mask.poll_transmit().unwrap());
    master.provide_keys(0, vec![key(9)]).unwrap();
    agent.handle_bytes(0, &master.poll_transmit().unwrap());
    master.handle_bytes(0, &agent.poll_transmit().unwrap());
    master.handle_timeout(limits::REFUSAL_MS);
    let events: Vec<_> = std::iter::from_fn(|| master.poll_event()).collect();
    assert_eq!(closed(&events), Some(&CloseReason::AuthFailed));
}

#[test]
fn nothing_can_be_put_in_taken_out_or_doubled_before_the_session() {
    let mut honest = Pair::new(vec![key(9)]);
    honest.run(&[key(9)]);
    let (up, down) = (frames(&honest.from_agent), frames(&honest.from_master));
    assert!(play_to_master(&up).is_ready() && play_to_agent(&down).is_ready());
    let mut attacks = Vec::new();
    for sent in [&up, &down] {
        for at in 0..sent.len() {
            let mut less = sent.clone();
            less.remove(at);
            let mut more = sent.clone();
            more.insert(at, sent[at].clone());
            attacks.extend([less, more]);
            for kind in FrameType::ALL {
                for payload in [&b""[..], b"\x02x-\0\0\0\0", &[0; 8]] {
                    let mut more = sent.clone();
                    more.insert(at, plain_frame(*kind, payload));
                    attacks.push(more);
                }
            }
        }
    }
    assert!(attacks.len() > 200, "{}", attacks.len());
    for (number, attack) in attacks.iter().enumerate() {
        let (mut agent, mut master) = (play_to_agent(attack), play_to_master(attack));
        for side in [&agent, &master] {
            // A doubled READY comes when the session stands, and ends it.
            assert!(!side.is_ready() || side.is_closed(), "attack {number}");
        }
        let told = |side: &mut Connection| {
            std::iter::from_fn(|| side.poll_event())
                .any(|event| matches!(event, Event::Request { .. } | Event::Response { .. }))
        };
        assert!(!told(&mut agent) && !told(&mut master), "attack {number}");
    }
}

#[test]
fn a_peer_that_leaves_the_macs_out_is_refused_whatever_was_offered() {
    let offer = || vec!["no-mac".to_owned(), "integrity-none".to_owned()];
    let mut pair = Pair::new(vec![key(9)]);
    let hello = AgentHello {
        capabilities: offer(),
        ..agent_hello()
    };
    pair.agent = Connection::agent(hello, vec![key(9)], [1; 32], 0);
    let hello = MasterHello {
        capabilities: offer(),
        ..master_hello()
    };
    pair.master = Connection::master(hello, [2; 32], 0);
    pair.run(&[key(9)]);
    assert!(pair.agent.is_ready() && pair.master.is_ready());
    let bare = plain_frame(FrameType::Ping, &[7; 8]);
    for side in [&mut pair.agent, &mut pair.master] {
        side.handle_bytes(0, &bare);
        assert!(!side.is_closed(), "the mac is still to come");
        side.handle_bytes(0, &[0; 16]);
        let last = std::iter::from_fn(|| side.poll_event()).last();
        let error = ProtocolError::BadMac;
        assert_eq!(last, Some(Event::Closed(CloseReason::Protocol(error))));
    }
}

#[test]
fn a_mac_of_fifteen_bytes_is_refused() {
    let mut pair = Pair::ready();
    let mut sent = Vec::new();
    for _ in 0..2 {
        pair.master.open(&mkdir(), 0, 0).unwrap();
        sent.push(pair.master.poll_transmit().unwrap());
    }
    let short = sent[0].len() - 1;
    pair.agent.handle_bytes(0, &sent[0][..short]);
    pair.agent.handle_bytes(0, &sent[1]);
    let events: Vec<_> = std::iter::from_fn(|| pair.agent.poll_event()).collect();
    let error = CloseReason::Protocol(ProtocolError::BadMac);
    assert_eq!(events, [Event::Closed(error)]);
}

#[test]
fn a_length_that_comes_slowly_or_lies_at_its_border_decides_nothing_before_its_mac() {
    for length in [0, 1, FRAME_MAX as u32, FRAME_MAX as u32 + 1, u32::MAX] {
        let mut pair = Pair::ready();
        let header = Header {
            length,
            tag: FrameType::Ping.tag(),
            flags: 0,
            channel: 0,
        };
        for byte in header.encode() {
            pair.agent.handle_bytes(0, &[byte]);
        }
        let refused = length > FRAME_MAX as u32;
        assert_eq!(pair.agent.is_closed(), refused, "{length}");
        if !refused {
            pair.agent.handle_bytes(0, &vec![0; length as usize + 16]);
            assert!(pair.agent.is_closed(), "{length}");
        }
        assert_eq!(pair.agent.pong, None);
    }
}

#[test]
fn a_marked_key_that_is_not_known_ends_the_handshake_on_either_side() {
    let hello = |mut pairs: Boxed, nonce: u8| {
        pairs.push("nonce", [nonce; 32]);
        pairs.push("!version", "0");
        let frame = plain_frame(FrameType::Hello, &pairs.encode());
        [PREAMBLE, &frame[..]].concat()
    };
    let mut master = Connection::master(master_hello(), [2; 32], 0);
    master.handle_bytes(0, &hello(agent_hello().to_box(), 1));
    assert!(master.is_closed());
    assert_eq!(master.poll_transmit(), None);
    let mut agent = Connection::agent(agent_hello(), vec![key(9)], [1; 32], 0);
    agent.poll_transmit().unwrap();
    agent.handle_bytes(0, &hello(master_hello().to_box(), 2));
    assert!(agent.is_closed());
    assert_eq!(agent.poll_transmit(), None, "a proof was made for it");
}

#[test]
fn after_rotation_the_old_key_is_refused() {
    let mut pair = Pair::new(vec![key(1)]);
    pair.run(&[key(1), key(2)]);
    assert!(pair.agent.is_ready() && pair.master.is_ready());
    let mut pair = Pair::new(vec![key(1)]);
    pair.run(&[key(2)]);
    pair.master.handle_timeout(limits::REFUSAL_MS);
    pair.carry();
    assert_eq!(closed(&pair.at_master), Some(&CloseReason::AuthFailed));
}

#[test]
fn clocks_that_are_ten_years_apart_change_nothing() {
    const TEN_YEARS_MS: u64 = 10 * 365 * 86_400_000;
    for (agent_at, master_at) in [(0, TEN_YEARS_MS), (TEN_YEARS_MS, 0)] {
        let mut agent = Connection::agent(agent_hello(), vec![key(9)], [1; 32], agent_at);
        let mut master = Connection::master(master_hello(), [2; 32], master_at);
        for after in [
            0,
            1,
            2,
            3,
            limits::PING_MS,
            limits::PING_MS + 1,
            limits::DEAD_MS,
        ] {
            agent.handle_timeout(agent_at + after);
            master.handle_timeout(master_at + after);
            for _ in 0..4 {
                let (up, down) = (agent.poll_transmit(), master.poll_transmit());
                master.handle_bytes(master_at + after, &up.unwrap_or_default());
                agent.handle_bytes(agent_at + after, &down.unwrap_or_default());
                while let Some(event) = master.poll_event() {
                    if matches!(event, Event::Hello(_)) {
                        master
                            .provide_keys(master_at + after, vec![key(9)])
                            .unwrap();
                    }
                }
                while let Some(event) = agent.poll_event() {
                    if matches!(event, Event::Proven(_)) {
                        agent.announce(&[]).unwrap();
                    }
                }
            }
        }
        assert!(agent.is_ready() && master.is_ready());
    }
}

#[test]
fn the_text_says_that_there_is_no_forward_secrecy() {
    let text = include_str!("../../../README.md");
    let words: Vec<_> = text.split_whitespace().collect();
    let said = "It has no forward secrecy of its own: what was recorded on a readable transport";
    assert!(words.join(" ").contains(said));
}
