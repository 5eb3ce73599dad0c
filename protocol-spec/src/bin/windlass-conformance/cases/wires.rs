//! Sections 3, 4 and 6: frames after the keys, and what closes a connection.

use windlass_protocol::Boxed;
use windlass_protocol::header::FrameType;

use super::Row;
use crate::ask::request;
use crate::bench::Bench;
use crate::fault::{Outcome, broken, ensure, same};
use crate::wire::Wire;

pub(crate) const ROWS: &[Row] = &[
    ("ping", "PING is answered with its bytes", ping),
    (
        "unknown-type",
        "a type that is not in the table is ignored",
        unknown_type,
    ),
    ("bad-mac", "a frame with one bit changed closes", bad_mac),
    ("replayed", "a frame sent twice closes", replayed),
    (
        "misplaced",
        "a frame that is not in its place closes",
        misplaced,
    ),
    ("too-long", "a frame above 262144 bytes closes", too_long),
    ("largest", "a frame of 262144 bytes is taken", largest),
    ("bad-boxes", "a malformed box closes", bad_boxes),
    (
        "bye",
        "BYE ends the connection, and the agent says no more",
        bye,
    ),
    (
        "goaway",
        "GOAWAY of the master ends nothing that runs",
        goaway,
    ),
    (
        "channels",
        "256 channels may be open, and no more",
        channels,
    ),
    (
        "crossing",
        "frames for an answered channel are ignored",
        crossing,
    ),
    ("noise", "random bytes close, whatever they are", noise),
];

fn ready(bench: &mut Bench<'_>) -> Outcome<Wire> {
    let mut wire = bench.wire()?;
    wire.greet()?;
    Ok(wire)
}

fn ping(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = ready(bench)?;
    for token in [[0; 8], [255; 8], *b"\r\n\0\x01abc "] {
        wire.send(FrameType::Ping, 0, 0, &token);
        let pong = wire.expect(FrameType::Pong)?;
        same("bytes of PONG", pong.payload, token.to_vec())?;
    }
    wire.send(FrameType::Pong, 0, 0, &[1; 8]);
    wire.expect_alive("after a PONG that nobody asked for")
}

fn unknown_type(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = ready(bench)?;
    for (tag, flags, channel) in [(0x7f, 0, 0), (0x40, 255, 0), (0x16, 3, 9), (0x15, 0, 4)] {
        wire.send_raw(tag, flags, channel, b"whatever it may be");
        wire.expect_alive(&format!("after type {tag:#04x}"))?;
    }
    Ok(())
}

fn bad_mac(bench: &mut Bench<'_>) -> Outcome {
    for bit in [0, 37, 10 * 8, 18 * 8, 34 * 8 - 1] {
        let mut wire = ready(bench)?;
        let mut frame = wire.encode(FrameType::Ping.tag(), 0, 0, b"12345678");
        frame[bit / 8] ^= 0x80 >> (bit % 8);
        wire.link.send(&frame);
        // A length that grew is waited for: give it what it wants.
        wire.link.send(&vec![0; 300_000]);
        wire.expect_end(&format!("bit {bit} of a PING"))?;
    }
    Ok(())
}

fn replayed(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = ready(bench)?;
    let frame = wire.encode(FrameType::Ping.tag(), 0, 0, b"12345678");
    wire.link.send(&frame);
    wire.expect(FrameType::Pong)?;
    wire.link.send(&frame);
    wire.expect_end("a PING sent twice")
}

fn misplaced(bench: &mut Bench<'_>) -> Outcome {
    let list = request("list", &[]).encode();
    let frames: [(&str, FrameType, u8, u32, &[u8]); 14] = [
        ("PING with a flag", FrameType::Ping, 1, 0, b"12345678"),
        ("PING on a channel", FrameType::Ping, 0, 1, b"12345678"),
        ("PING of 7 bytes", FrameType::Ping, 0, 0, b"1234567"),
        ("PONG of 9 bytes", FrameType::Pong, 0, 0, b"123456789"),
        ("REQ on channel 0", FrameType::Req, 0, 0, &list),
        ("REQ with a flag", FrameType::Req, 1, 1, &list),
        ("a second READY", FrameType::Ready, 0, 0, b""),
        ("HELLO", FrameType::Hello, 0, 0, b""),
        ("RES of the master", FrameType::Res, 0, 1, b""),
        ("STATUS of the master", FrameType::Status, 0, 0, b""),
        ("DATA on no channel", FrameType::Data, 0, 5, &[0; 9]),
        ("ACK on no channel", FrameType::Ack, 0, 5, &[0; 16]),
        ("ACK on channel 0", FrameType::Ack, 0, 0, &[0; 16]),
        (
            "BYE with a wrong seq",
            FrameType::Bye,
            0,
            0,
            b"\x03seq\0\0\0\x017",
        ),
    ];
    for (what, kind, flags, channel, payload) in frames {
        let mut wire = ready(bench)?;
        wire.send(kind, flags, channel, payload);
        wire.expect_end(what)?;
    }
    let mut wire = ready(bench)?;
    wire.send(FrameType::Req, 0, 4, &list);
    wire.send(FrameType::Req, 0, 4, &list);
    wire.expect_end("REQ on a channel number used before")?;
    let mut wire = ready(bench)?;
    wire.send(FrameType::Req, 0, 4, &list);
    wire.send(FrameType::Req, 0, 3, &list);
    wire.expect_end("REQ on a lower channel number")
}

fn too_long(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = ready(bench)?;
    wire.link.send(&[0, 4, 0, 1, 6, 0, 0, 0, 0, 0]);
    wire.expect_end("a claim of 262145 bytes")?;
    let mut wire = ready(bench)?;
    wire.link.send(&[255, 255, 255, 255, 6, 0, 0, 0, 0, 0]);
    wire.expect_end("a claim of 2^32 - 1 bytes")
}

fn largest(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = ready(bench)?;
    let mut pairs = request("list", &[]);
    let room = 262_144 - pairs.encoded_len() - 5 - "x-large".len();
    pairs.push("x-large", vec![b'x'; room]);
    let payload = pairs.encode();
    same("bytes of the request", payload.len(), 262_144)?;
    wire.send(FrameType::Req, 0, 1, &payload);
    let answer = wire.expect(FrameType::Res)?;
    let answer = Boxed::decode(&answer.payload)?;
    same("`ok`", answer.first("ok"), Some(b"1".as_slice()))
}

fn bad_boxes(bench: &mut Bench<'_>) -> Outcome {
    let many: Vec<u8> = b"\x01a\0\0\0\0".repeat(4097);
    let boxes: [(&str, &[u8]); 7] = [
        ("a pair cut off", b"\x02op\0\0\0\x04lis"),
        ("a key cut off", b"\x09op"),
        ("a value longer than all", b"\x02op\xff\xff\xff\xfflist"),
        ("an empty key", b"\x00\0\0\0\0"),
        ("a key in capitals", b"\x02OP\0\0\0\x04list"),
        ("a key of `!` alone", b"\x01!\0\0\0\0"),
        ("4097 pairs", &many),
    ];
    for (what, payload) in boxes {
        let mut wire = ready(bench)?;
        wire.send(FrameType::Req, 0, 1, payload);
        wire.expect_end(what)?;
    }
    Ok(())
}

fn bye(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = ready(bench)?;
    let mut pairs = Boxed::new();
    // READY was the only frame with a mac before it.
    pairs.push("seq", "1");
    wire.send(FrameType::Bye, 0, 0, &pairs.encode());
    loop {
        match wire.next()? {
            None => return Ok(()),
            // What crossed our BYE.
            Some(frame) if [0x04, 0x05, 0x08].contains(&frame.header.tag) => {}
            Some(frame) => return broken(format!("{:?} after BYE", frame.header)),
        }
    }
}

fn goaway(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = ready(bench)?;
    let mut pairs = Boxed::new();
    pairs.push("code", "shutting-down");
    pairs.push("text", "the master restarts");
    pairs.push("retry_ms", "0");
    wire.send(FrameType::Goaway, 0, 0, &pairs.encode());
    // It may hang up by itself now, or stay: what matters is that it comes again.
    drop(wire);
    let mut wire = ready(bench)?;
    wire.expect_alive("after a GOAWAY in the connection before")
}

fn channels(bench: &mut Bench<'_>) -> Outcome {
    let wait = bench.script(|shell| vec![shell.say("begun"), shell.sleep()])?;
    let mut wire = ready(bench)?;
    wire.send(FrameType::Req, 0, 1, &wait.to_box().encode());
    // All follow one command: one process, many channels. The journal's first bytes need credit.
    wire.send(
        FrameType::Ack,
        0,
        1,
        &[[0; 8], 1000_u64.to_be_bytes()].concat(),
    );
    wire.expect(FrameType::Data)?;
    let attach = wait.about("attach", &[]).encode();
    for number in 2..=256 {
        wire.send(FrameType::Req, 0, number, &attach);
    }
    wire.expect_alive("with 256 open channels")?;
    wire.send(FrameType::Req, 0, 257, &attach);
    wire.expect_end("a channel too many")
}

fn crossing(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = ready(bench)?;
    wire.send(FrameType::Req, 0, 1, &request("list", &[]).encode());
    wire.expect(FrameType::Res)?;
    let mut cancel = Boxed::new();
    cancel.push("mode", "term");
    wire.send(FrameType::Cancel, 0, 1, &cancel.encode());
    wire.send(FrameType::Ack, 0, 1, &[0; 16]);
    wire.send(FrameType::Data, 0, 1, &[0; 9]);
    wire.expect_alive("after frames for an answered channel")
}

fn noise(bench: &mut Bench<'_>) -> Outcome {
    for _ in 0..5 {
        let bytes = bench.random.bytes(300_000);
        let mut wire = ready(bench)?;
        wire.link.send(&bytes);
        wire.expect_end("random bytes after READY")?;
        let wire = bench.wire()?;
        wire.link.send(&bytes);
        let mut wire = wire;
        wire.expect_end("random bytes before HELLO")?;
    }
    let mut wire = ready(bench)?;
    let alive = wire.expect_alive("after all that");
    ensure(
        alive.is_ok(),
        "the agent does not come again after hostile bytes",
    )
}
