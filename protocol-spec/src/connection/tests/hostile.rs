//! A peer that has the keys and breaks the rules, and somebody on the wire who has not.

use super::*;
use crate::header::{FLAG_ABORT, FLAG_END, HEADER_BYTES, Header};

/// Sends a frame of any kind from one side with its true keys, and gives what the other says.
fn inject(pair: &mut Pair, from_agent: bool, header: (u8, u8, u32), payload: &[u8]) -> CloseReason {
    let (from, to) = match from_agent {
        true => (&mut pair.agent, &mut pair.master),
        false => (&mut pair.master, &mut pair.agent),
    };
    let (tag, flags, channel) = header;
    let mut bytes = Vec::new();
    let kind = FrameType::parse(tag).unwrap();
    from.writer
        .write(&mut bytes, kind, flags, channel, &[payload]);
    to.handle_bytes(0, &bytes);
    let events: Vec<_> = std::iter::from_fn(|| to.poll_event()).collect();
    match closed(&events) {
        Some(reason) => reason.clone(),
        None => panic!("taken: {header:?} {events:?}"),
    }
}

fn data(offset: u64, length: usize) -> Vec<u8> {
    [offset.to_be_bytes().as_slice(), &vec![0; length]].concat()
}

fn ack(durable: u64, limit: u64) -> Vec<u8> {
    [durable.to_be_bytes(), limit.to_be_bytes()].concat()
}

#[test]
fn data_out_of_place_ends_the_connection() {
    use ProtocolError as P;
    let cases: [(u8, Vec<u8>, ProtocolError); 7] = [
        (0, data(0, 101), P::BeyondLimit),
        (0, data(1, 1), P::WrongOffset),
        (0, data(u64::MAX, 1), P::WrongOffset),
        (
            0,
            data(0, 0),
            P::Malformed("DATA must hold 1 to 65536 bytes"),
        ),
        (
            0,
            vec![0; 7],
            P::Malformed("DATA must begin with an offset"),
        ),
        (FLAG_END, data(1, 32), P::WrongOffset),
        (
            FLAG_END,
            data(0, 31),
            P::Malformed("END must hold length and SHA-256"),
        ),
    ];
    for (flags, payload, error) in cases {
        let mut pair = Pair::ready();
        let channel = pair.open(&exec(), 0, 100);
        let header = (FrameType::Data.tag(), flags, channel.0);
        let reason = inject(&mut pair, true, header, &payload);
        assert_eq!(reason, CloseReason::Protocol(error));
    }
}

#[test]
fn frames_from_the_wrong_side_or_for_no_channel_end_the_connection() {
    let cases: [(bool, FrameType, u8, u32, Vec<u8>); 12] = [
        (true, FrameType::Req, 0, 5, exec().to_box().encode()),
        (
            true,
            FrameType::Cancel,
            0,
            1,
            b"\x04mode\0\0\0\x04kill".to_vec(),
        ),
        (false, FrameType::Res, 0, 1, b"\x02ok\0\0\0\x011".to_vec()),
        (false, FrameType::Status, 0, 0, vec![]),
        (true, FrameType::Res, 0, 2, b"\x02ok\0\0\0\x011".to_vec()),
        (true, FrameType::Data, FLAG_ABORT, 1, data(0, 0)),
        (true, FrameType::Data, 2, 1, data(0, 1)),
        (true, FrameType::Ack, 0, 1, vec![0; 15]),
        (false, FrameType::Ack, 0, 9, ack(0, 1)),
        (true, FrameType::Ping, 1, 0, vec![0; 8]),
        (true, FrameType::Ping, 0, 1, vec![0; 8]),
        (
            true,
            FrameType::Hello,
            0,
            0,
            agent_hello().to_box().encode(),
        ),
    ];
    for (from_agent, kind, flags, channel, payload) in cases {
        let mut pair = Pair::ready();
        pair.open(&exec(), 0, 100);
        let reason = inject(
            &mut pair,
            from_agent,
            (kind.tag(), flags, channel),
            &payload,
        );
        assert!(
            matches!(reason, CloseReason::Protocol(_)),
            "{kind:?}: {reason:?}"
        );
    }
}

#[test]
fn acks_that_cannot_be_true_end_the_connection() {
    for (durable, limit) in [(5, 4), (1, 100), (0, u64::MAX)] {
        let mut pair = Pair::ready();
        let channel = pair.open(&exec(), 0, 100);
        let header = (FrameType::Ack.tag(), 0, channel.0);
        inject(&mut pair, false, header, &ack(durable, limit));
    }
}

#[test]
fn a_channel_number_is_used_once_and_channels_are_bounded() {
    let mut pair = Pair::ready();
    let channel = pair.open(&exec(), 0, 100);
    let header = (FrameType::Req.tag(), 0, channel.0);
    inject(&mut pair, false, header, &exec().to_box().encode());

    let mut pair = Pair::ready();
    for _ in 0..CHANNELS_MAX {
        pair.open(&exec(), 0, 0);
    }
    let header = (FrameType::Req.tag(), 0, 1000);
    let reason = inject(&mut pair, false, header, &exec().to_box().encode());
    assert_eq!(
        reason,
        CloseReason::Protocol(ProtocolError::TooManyChannels)
    );
}

#[test]
fn an_unknown_frame_type_is_ignored_after_ready_and_refused_before() {
    let mut pair = Pair::ready();
    let mut bytes = Vec::new();
    for tag in [0x09, 0x16, 0x7f, 0x80, 0xff] {
        pair.master
            .writer
            .write_raw(&mut bytes, tag, 0, 7, &[b"what?"]);
    }
    pair.agent.handle_bytes(0, &bytes);
    assert_eq!(pair.agent.poll_event(), None);
    pair.open(&mkdir(), 0, 0);

    let mut master = Connection::master(master_hello(), [2; 32], 0);
    let header = Header {
        length: 0,
        tag: 0x80,
        flags: 0,
        channel: 0,
    };
    master.handle_bytes(0, &[crate::header::PREAMBLE, &header.encode()].concat());
    assert!(master.is_closed());
}

#[test]
fn every_flipped_bit_of_a_frame_is_noticed() {
    let mut pair = Pair::ready();
    pair.master.open(&mkdir(), 0, 0).unwrap();
    let frame = pair.master.poll_transmit().unwrap();
    for bit in 0..frame.len() * 8 {
        // A longer length only waits for bytes that never come with the right MAC.
        let mut bytes = frame.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes.resize(bytes.len() + FRAME_MAX, 0);
        let mut fresh = Pair::ready();
        fresh.agent.handle_bytes(0, &bytes);
        let events: Vec<_> = std::iter::from_fn(|| fresh.agent.poll_event()).collect();
        assert!(
            matches!(
                events.as_slice(),
                [Event::Closed(CloseReason::Protocol(
                    ProtocolError::BadMac | ProtocolError::FrameTooBig(_)
                ))]
            ),
            "bit {bit}: {events:?}"
        );
    }
}

#[test]
fn replayed_reordered_dropped_and_reflected_frames_are_noticed() {
    let frames = |pair: &mut Pair| -> [Vec<u8>; 2] {
        std::array::from_fn(|_| {
            pair.master.open(&mkdir(), 0, 0).unwrap();
            pair.master.poll_transmit().unwrap()
        })
    };
    for attack in 0..4 {
        let mut pair = Pair::ready();
        let [first, second] = frames(&mut pair);
        let (bytes, to) = match attack {
            0 => ([first.clone(), first].concat(), &mut pair.agent),
            1 => ([second, first].concat(), &mut pair.agent),
            2 => (second, &mut pair.agent),
            _ => (first, &mut pair.master),
        };
        to.handle_bytes(0, &bytes);
        let last = std::iter::from_fn(|| to.poll_event()).last();
        assert_eq!(
            last,
            Some(Event::Closed(CloseReason::Protocol(ProtocolError::BadMac))),
            "attack {attack}"
        );
    }
}

#[test]
fn a_claimed_length_above_the_limit_is_refused_before_its_bytes_come() {
    let big = |length: u32| {
        Header {
            length,
            tag: 1,
            flags: 0,
            channel: 0,
        }
        .encode()
    };
    for length in [4097, 1 << 20, u32::MAX] {
        let mut master = Connection::master(master_hello(), [2; 32], 0);
        master.handle_bytes(0, &[crate::header::PREAMBLE, &big(length)].concat());
        let error = ProtocolError::FrameTooBig(length);
        assert_eq!(
            master.poll_event(),
            Some(Event::Closed(CloseReason::Protocol(error)))
        );
        assert_eq!(master.poll_transmit(), None);
    }
    let mut pair = Pair::ready();
    pair.agent
        .handle_bytes(0, &big(FRAME_MAX as u32 + 1)[..HEADER_BYTES]);
    assert!(pair.agent.is_closed());
}

#[test]
fn other_protocols_are_refused_by_their_first_bytes_and_get_no_answer() {
    for greeting in [
        "GET / HTTP/1.1\r\n",
        "SSH-2.0-x\r\n",
        "\x16\x03\x01",
        "WNDLS/2\n",
        "\0",
    ] {
        let mut master = Connection::master(master_hello(), [2; 32], 0);
        master.handle_bytes(0, greeting.as_bytes());
        let error = ProtocolError::Preamble;
        assert_eq!(
            master.poll_event(),
            Some(Event::Closed(CloseReason::Protocol(error)))
        );
        assert_eq!(master.poll_transmit(), None, "{greeting:?}");
    }
}

#[test]
fn garbage_after_a_good_beginning_never_panics() {
    let mut pair = Pair::new(vec![key(9)]);
    pair.run(&[key(9)]);
    for seed in 1..3000 {
        let mut seeded = Seeded(seed);
        let mut bytes = pair.from_agent.clone();
        for _ in 0..1 + seeded.below(8) {
            let at = seeded.below(bytes.len());
            match seeded.below(3) {
                0 => bytes[at] = seeded.below(256) as u8,
                1 => bytes.truncate(at + 1),
                _ => bytes.insert(at, seeded.below(256) as u8),
            }
        }
        let mut master = Connection::master(master_hello(), [2; 32], 0);
        master.handle_bytes(0, &bytes);
        let _ = master.provide_keys(0, vec![key(9)]);
        master.handle_timeout(limits::HANDSHAKE_MS);
        master.handle_eof(0);
        assert!(master.is_closed());
    }
}

#[test]
fn garbage_from_a_peer_with_the_keys_never_panics() {
    let requests = [
        exec().to_box().encode(),
        mkdir().to_box().encode(),
        ack(0, 50),
        data(0, 9),
    ];
    let mut stayed = 0;
    for seed in 1..20_000 {
        let mut seeded = Seeded(seed);
        let mut pair = Pair::ready();
        pair.open(&exec(), 0, 100);
        let mut bytes = Vec::new();
        let to_agent = seeded.below(2) == 0;
        let from = if to_agent {
            &mut pair.master
        } else {
            &mut pair.agent
        };
        for _ in 0..3 {
            let mut payload = requests[seeded.below(requests.len())].clone();
            for _ in 0..seeded.below(3) {
                let at = seeded.below(payload.len());
                payload[at] = seeded.below(256) as u8;
            }
            let kind = FrameType::ALL[seeded.below(FrameType::ALL.len())];
            let channel = seeded.below(4) as u32;
            from.writer.write(
                &mut bytes,
                kind,
                [0, 0, 0, 1, 4][seeded.below(5)],
                channel,
                &[&payload],
            );
        }
        let to = if to_agent {
            &mut pair.agent
        } else {
            &mut pair.master
        };
        to.handle_bytes(0, &bytes);
        while to.poll_event().is_some() {}
        while to.poll_transmit().is_some() {}
        stayed += usize::from(!to.is_closed());
    }
    assert!(stayed > 0);
}
