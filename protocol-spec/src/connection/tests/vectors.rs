//! Connections against `vectors/`: a whole session byte for byte, and what closes one.

use super::*;
use crate::journal;
use crate::tests::read;

#[test]
fn the_session_of_the_vectors_comes_out_byte_for_byte() {
    let [session] = read(include_str!("../../../vectors/session.txt"))
        .try_into()
        .unwrap();
    let key = Key::from_bytes(session.array("key"));
    let mut pair = Pair::new(vec![key.clone()]);
    pair.agent = Connection::agent(
        agent_hello(),
        vec![key.clone()],
        session.array("agent_nonce"),
        0,
    );
    pair.master = Connection::master(master_hello(), session.array("master_nonce"), 0);
    pair.run(&[key]);

    let program = Program::Argv(vec![b"echo".to_vec(), b"hi".to_vec()]);
    let id = CommandId(std::array::from_fn(|n| n as u8));
    let exec = Request::Exec(Exec::new(id, program));
    let channel = pair.master.open(&exec, 0, limits::LOG_WINDOW).unwrap();
    pair.carry();
    let arrived = Event::Request {
        channel,
        request: exec,
        from: 0,
    };
    assert_eq!(pair.at_agent.last(), Some(&arrived));

    let journal = session.bytes("journal");
    let length = journal.len() as u64;
    pair.agent.send_data(channel, 0, &journal).unwrap();
    pair.carry();
    pair.master
        .acknowledge(channel, length, length + limits::LOG_WINDOW)
        .unwrap();
    pair.carry();
    pair.agent
        .finish(channel, length, digest(&journal))
        .unwrap();
    pair.agent.respond(channel, Ok(Boxed::new())).unwrap();
    pair.carry();
    pair.agent.bye();
    pair.carry();

    let joined = |name| {
        let lines = session.all(name);
        lines
            .iter()
            .flat_map(|line| crate::hex::decode(line.as_bytes()).unwrap())
            .collect()
    };
    let (up, down): (Vec<u8>, Vec<u8>) = (joined("up"), joined("down"));
    assert!(pair.from_agent == up, "up differs");
    assert!(pair.from_master == down, "down differs");
    let mut decoder = journal::Decoder::starting_at(0);
    decoder.push(&journal);
    let records: Vec<_> = std::iter::from_fn(|| decoder.next_record().unwrap()).collect();
    assert!(records[2].exit().unwrap().is_success());
    assert_eq!(closed(&pair.at_master), Some(&CloseReason::Bye));
}

#[test]
fn connections_close_and_stay_as_the_vectors_say() {
    let vectors = read(include_str!("../../../vectors/connections.txt"));
    for vector in &vectors {
        let is_new = vector.first("stage") == Some("new");
        let mut pair = if is_new { greeting() } else { Pair::ready() };
        if !is_new {
            pair.open(&exec(), 0, 100);
        }
        let to_master = vector.first("to") == Some("master");
        let mut bytes = vector.bytes("hex");
        let (from, to) = match to_master {
            true => (&mut pair.agent, &mut pair.master),
            false => (&mut pair.master, &mut pair.agent),
        };
        if !is_new {
            bytes = with_macs(&mut from.writer, &bytes);
        }
        to.handle_bytes(0, &bytes);
        assert_eq!(
            to.is_closed(),
            vector.first("closes").is_some(),
            "{vector:?}"
        );
        assert_ne!(
            vector.first("closes").is_some(),
            vector.first("stays").is_some()
        );
        // A master answers a stranger's proper HELLO with its own, and nothing else at all.
        if is_new && to_master && to.is_closed() {
            let before = to.poll_transmit().unwrap_or_default();
            let hellos = usize::from(matches!(to.poll_event(), Some(Event::Hello(_))));
            assert_eq!(
                before.windows(8).filter(|w| w == b"WNDLS/1\n").count(),
                hellos
            );
            let hello = before.get(8..12).map_or(0, |length| {
                18 + u32::from_be_bytes(length.try_into().unwrap()) as usize
            });
            assert_eq!(before.len(), hello, "{vector:?}");
        }
    }
    assert!(vectors.len() > 100);
}

fn greeting() -> Pair {
    let mut pair = Pair::new(vec![key(9)]);
    pair.agent = Connection::agent(agent_hello(), vec![key(9)], [0x11; 32], 0);
    pair.master = Connection::master(master_hello(), [0x22; 32], 0);
    pair
}

/// The same frames, each with the mac it would have.
fn with_macs(writer: &mut FrameWriter, mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk() {
        let header = crate::header::Header::decode(head);
        let (payload, rest) = rest.split_at(header.length as usize);
        writer.write_raw(
            &mut out,
            header.tag,
            header.flags,
            header.channel,
            &[payload],
        );
        bytes = rest;
    }
    assert!(bytes.is_empty());
    out
}
