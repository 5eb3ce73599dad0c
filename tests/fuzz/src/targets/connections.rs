//! Whole connections: bytes of a stranger, and genuine frames of a peer that has the key and
//! breaks every other rule.

use windlass_protocol::boxes::Boxed;
use windlass_protocol::frame::FrameWriter;
use windlass_protocol::header::{FrameType, PREAMBLE};
use windlass_protocol::hmac::Hmac;
use windlass_protocol::ops::{Exec, Program, Request};
use windlass_protocol::sha256::digest;
use windlass_protocol::{AgentHello, CommandId, Connection, Event, Key, MasterHello};

const KEY: [u8; 32] = [9; 32];
/// Bytes of an AUTH frame with one mac.
const AUTH_BYTES: usize = 50;
/// What may come on a channel before the next is acknowledged: a few frames of `LONG_BYTES`, and
/// beyond it is reached soon.
const WINDOW: u64 = 60_000;
/// Bytes of a frame that is made long: its MAC is computed together with that of its neighbours.
const LONG_BYTES: usize = 4_500;
/// Frames that are handed over together: more than have their MACs computed together.
const GROUP: usize = 20;
/// Bytes before a payload in the input: type, flags, channel, length.
const HEAD_BYTES: usize = 5;

fn agent_hello() -> AgentHello {
    AgentHello {
        name: "a".into(),
        installation: "i".into(),
        boot: "b".into(),
        version: "1".into(),
        os: "linux".into(),
        arch: "x86_64".into(),
        enroll: None,
        confidential: false,
        capabilities: Vec::new(),
    }
}

fn master_hello() -> MasterHello {
    MasterHello {
        deployment: "d".into(),
        version: "1".into(),
        capabilities: Vec::new(),
    }
}

fn agent() -> Connection {
    Connection::agent(agent_hello(), vec![Key::from_bytes(KEY)], [1; 32], 0)
}

fn master() -> Connection {
    Connection::master(master_hello(), [2; 32], 0)
}

/// Answers what a program would answer, so that the connection goes on.
fn serve(connection: &mut Connection) {
    while let Some(event) = connection.poll_event() {
        match event {
            Event::Hello(_) => {
                let _ = connection.provide_keys(0, vec![Key::from_bytes(KEY)]);
            }
            Event::Proven(_) => {
                let _ = connection.announce(&[]);
            }
            Event::Request { channel, .. } => match channel.0 % 3 {
                0 => {
                    let _ = connection.respond(channel, Ok(Boxed::new()));
                }
                _ => {
                    let _ = connection.acknowledge(channel, 0, WINDOW);
                    let _ = connection.send_data(channel, 0, &[7; 300]);
                }
            },
            Event::Data {
                channel,
                offset,
                bytes,
            } => {
                let durable = offset + bytes.len() as u64;
                let _ = connection.acknowledge(channel, durable, durable + WINDOW);
            }
            _ => {}
        }
    }
    let _ = connection.poll_transmit();
    let _ = connection.poll_timeout();
}

/// A stranger's bytes, to either side.
pub fn handshake(bytes: &[u8]) {
    for mut connection in [agent(), master()] {
        let _ = connection.poll_transmit();
        for piece in bytes.chunks(500) {
            connection.handle_bytes(0, piece);
            serve(&mut connection);
        }
        assert!(!connection.is_ready(), "a stranger came in");
        connection.handle_eof(0);
        serve(&mut connection);
        assert!(connection.is_closed());
    }
}

/// A frame of the handshake.
fn plain(writer: &mut FrameWriter, kind: FrameType, pairs: &Boxed) -> Vec<u8> {
    let mut bytes = Vec::new();
    writer.write(&mut bytes, kind, 0, 0, &[&pairs.encode()]);
    bytes
}

fn proof(label: &[u8], transcript: &[u8; 32]) -> Boxed {
    let mut pairs = Boxed::new();
    pairs.push("mac", Hmac::new(&KEY).sign(&[label, transcript]));
    pairs
}

/// The writer of a peer whose handshake is over; its READY is the first frame.
fn keyed(mut writer: FrameWriter, label: &[u8], t3: &[u8; 32]) -> (FrameWriter, Vec<u8>) {
    writer.set_key(Hmac::new(&Hmac::new(&KEY).sign(&[label, t3])));
    let ready = plain(&mut writer, FrameType::Ready, &Boxed::new());
    (writer, ready)
}

fn ready_agent() -> (Connection, FrameWriter) {
    let (mut agent, mut writer) = (agent(), FrameWriter::new());
    let theirs = agent.poll_transmit().unwrap_or_default();
    let mut hello = master_hello().to_box();
    hello.push("nonce", [2; 32]);
    let ours = [PREAMBLE, &plain(&mut writer, FrameType::Hello, &hello)].concat();
    agent.handle_bytes(0, &ours);
    let t1 = digest(&[theirs, ours].concat());
    let auth = agent.poll_transmit().unwrap_or_default();
    let t2 = digest(&[&t1[..], &auth].concat());
    let ours = plain(
        &mut writer,
        FrameType::Auth,
        &proof(b"WNDLS/1 master proof\0", &t2),
    );
    let t3 = digest(&[&t2[..], &ours].concat());
    let (writer, ready) = keyed(writer, b"WNDLS/1 master frames\0", &t3);
    agent.handle_bytes(0, &[ours, ready].concat());
    serve(&mut agent);
    assert!(agent.is_ready());
    (agent, writer)
}

fn ready_master() -> (Connection, FrameWriter) {
    let (mut master, mut writer) = (master(), FrameWriter::new());
    let mut hello = agent_hello().to_box();
    hello.push("nonce", [1; 32]);
    let ours = [PREAMBLE, &plain(&mut writer, FrameType::Hello, &hello)].concat();
    master.handle_bytes(0, &ours);
    while let Some(event) = master.poll_event() {
        if matches!(event, Event::Hello(_)) {
            let _ = master.provide_keys(0, vec![Key::from_bytes(KEY)]);
        }
    }
    let theirs = master.poll_transmit().unwrap_or_default();
    let t1 = digest(&[ours, theirs].concat());
    let ours = plain(
        &mut writer,
        FrameType::Auth,
        &proof(b"WNDLS/1 agent proof\0", &t1),
    );
    let t2 = digest(&[&t1[..], &ours].concat());
    master.handle_bytes(0, &ours);
    let auth = master.poll_transmit().unwrap_or_default();
    let t3 = digest(&[&t2[..], &auth[..AUTH_BYTES.min(auth.len())]].concat());
    let (writer, ready) = keyed(writer, b"WNDLS/1 agent frames\0", &t3);
    master.handle_bytes(0, &ready);
    serve(&mut master);
    assert!(master.is_ready());
    (master, writer)
}

/// Genuine frames of any type, in any order, to either side; by the bits of the first byte one by
/// one or in groups, which are cut somewhere, as they are or made long.
pub fn established(bytes: &[u8]) {
    let Some((side, mut rest)) = bytes.split_first() else {
        return;
    };
    let (mut connection, mut writer) = if side % 2 == 0 {
        ready_agent()
    } else {
        ready_master()
    };
    if side % 2 == 1 {
        for number in 0..4 {
            let program = Program::Argv(vec![b"x".to_vec()]);
            let request = Request::Exec(Exec::new(CommandId([number; 16]), program));
            let _ = connection.open(&request, 0, WINDOW);
        }
    }
    serve(&mut connection);
    let group = if side & 2 == 0 { 1 } else { GROUP };
    let least = if side & 4 == 0 { 0 } else { LONG_BYTES };
    let cut = usize::from(*side >> 3) * 3_001;
    let (mut frames, mut count) = (Vec::new(), 0);
    while let Some((head, tail)) = rest.split_first_chunk::<HEAD_BYTES>() {
        let length = usize::from(u16::from_be_bytes([head[3], head[4]])).min(tail.len());
        let (payload, tail) = tail.split_at(length);
        let channel = u32::from(head[2]);
        let more = vec![0; least.saturating_sub(payload.len())];
        writer.write_raw(&mut frames, head[0], head[1], channel, &[payload, &more]);
        count += 1;
        rest = tail;
        if count == group || rest.len() < HEAD_BYTES {
            let (first, second) = frames.split_at(cut.min(frames.len()));
            for bytes in [first, second] {
                connection.handle_bytes(0, bytes);
                serve(&mut connection);
            }
            frames.clear();
            count = 0;
        }
    }
    connection.handle_timeout(100_000);
    serve(&mut connection);
    connection.handle_eof(0);
    assert!(connection.is_closed());
}
