//! One busy channel never keeps the others, or the connection itself, from being heard.

use super::*;

#[test]
fn channels_take_turns_and_control_frames_go_first() {
    let mut pair = Pair::ready();
    let channels: Vec<_> = (0..4).map(|_| pair.open(&exec(), 0, 10_000_000)).collect();
    for channel in &channels {
        let taken = pair
            .agent
            .send_data(*channel, 0, &vec![1; 1_000_000])
            .unwrap();
        assert_eq!(taken, limits::SEND_QUEUE_MAX);
    }
    // A PING of the master comes while everything is full.
    pair.master.handle_timeout(limits::PING_MS);
    let ping = pair.master.poll_transmit().unwrap();
    pair.agent.handle_bytes(0, &ping);
    let first = pair.agent.poll_transmit().unwrap();
    assert_eq!(first[4], FrameType::Pong.tag());
    pair.master.handle_bytes(limits::PING_MS, &first);
    while let Some(bytes) = pair.agent.poll_transmit() {
        pair.master.handle_bytes(limits::PING_MS, &bytes);
    }
    let order: Vec<_> = std::iter::from_fn(|| pair.master.poll_event())
        .filter_map(|event| match event {
            Event::Data { channel, bytes, .. } => Some((channel, bytes.len())),
            _ => None,
        })
        .collect();
    // Each as long as all before it on its channel, up to the most.
    let lengths = [4, 4, 8, 16, 32, 64, 64, 64].map(|kib| kib * 1024);
    let turns = lengths.iter().flat_map(|length| {
        let turn = channels.iter().map(|channel| (*channel, *length));
        turn.collect::<Vec<_>>()
    });
    assert_eq!(order, turns.collect::<Vec<_>>());
}

#[test]
fn what_one_call_hands_out_is_bounded() {
    let mut pair = Pair::ready();
    for _ in 0..50 {
        let channel = pair.open(&exec(), 0, 10_000_000);
        pair.agent.send_data(channel, 0, &vec![1; 300_000]).unwrap();
    }
    while let Some(bytes) = pair.agent.poll_transmit() {
        assert!(
            bytes.len() < 5 * limits::DATA_BYTES_MAX + 1000,
            "{}",
            bytes.len()
        );
    }
}

#[test]
fn who_was_told_less_is_told_when_there_is_room() {
    let mut pair = Pair::ready();
    let channel = pair.open(&exec(), 0, 10_000_000);
    let taken = pair
        .agent
        .send_data(channel, 0, &vec![1; 1_000_000])
        .unwrap() as u64;
    assert_eq!(pair.agent.room(channel), 0);
    pair.carry();
    let told = pair
        .at_agent
        .iter()
        .filter(|e| **e == Event::Writable { channel })
        .count();
    assert_eq!(told, 1);
    assert!(pair.agent.send_data(channel, taken, &[1; 10]).unwrap() == 10);
}

#[test]
fn a_flood_of_pings_makes_one_answer_to_the_newest() {
    let mut pair = Pair::ready();
    let mut bytes = Vec::new();
    for n in 0..1000u64 {
        let writer = &mut pair.master.writer;
        writer.write(&mut bytes, FrameType::Ping, 0, 0, &[&n.to_be_bytes()]);
    }
    pair.agent.handle_bytes(0, &bytes);
    let answer = pair.agent.poll_transmit().unwrap();
    assert_eq!(answer[4], FrameType::Pong.tag());
    assert_eq!(answer[10..18], 999u64.to_be_bytes());
    assert_eq!(
        answer.len(),
        crate::header::HEADER_BYTES + 8 + limits::MAC_BYTES
    );
    assert_eq!(pair.agent.poll_transmit(), None);
}
