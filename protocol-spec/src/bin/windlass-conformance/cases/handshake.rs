//! Section 5: who may become this agent's master.

use windlass_protocol::Boxed;
use windlass_protocol::header::{FrameType, PREAMBLE};

use super::Row;
use crate::bench::Bench;
use crate::fault::{Outcome, ensure, same};

pub(crate) const ROWS: &[Row] = &[
    (
        "hello",
        "HELLO says who it is, in names of the right form",
        hello,
    ),
    ("ready", "after the four frames both are ready", ready),
    (
        "tolerant",
        "unknown keys and bytes in ones make no difference",
        tolerant,
    ),
    ("preamble", "another preamble closes", preamble),
    (
        "hello-refused",
        "a HELLO that is not in order closes",
        hello_refused,
    ),
    (
        "wrong-proof",
        "a master without the key is never served",
        wrong_proof,
    ),
    (
        "every-bit",
        "one bit changed in the master's AUTH closes",
        every_bit,
    ),
    (
        "reflected",
        "the agent's own proof sent back closes",
        reflected,
    ),
    (
        "frame-between",
        "a frame between the four closes",
        frame_between,
    ),
    (
        "oversize",
        "a frame above 4096 bytes before the keys closes",
        oversize,
    ),
    (
        "unsigned-ready",
        "READY without a mac closes",
        unsigned_ready,
    ),
];

fn hello(bench: &mut Bench<'_>) -> Outcome {
    let one = bench.wire()?.hello()?;
    let two = bench.wire()?.hello()?;
    same("role", one.require("role")?, b"agent".as_slice())?;
    for key in ["agent", "installation", "boot", "version", "os", "arch"] {
        let name = one.require_text(key)?;
        let fits = windlass_protocol::hello::name_is_valid(name);
        ensure(fits, format!("`{key}` = {name:?} is no name"))?;
    }
    let kept = one.first("installation") == two.first("installation");
    ensure(kept, "`installation` is not kept from start to start")?;
    same("bytes of the nonce", one.require("nonce")?.len(), 32)?;
    ensure(
        one.first("nonce") != two.first("nonce"),
        "the nonce is the same twice",
    )
}

fn ready(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = bench.wire()?;
    wire.greet()?;
    wire.expect_alive("after READY")
}

fn tolerant(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = bench.wire()?;
    let mut hello = Boxed::new();
    hello.push("x-first", "");
    hello.append(wire.master_hello());
    hello.push("some.later-key_9", b"\x00\xff".as_slice());
    hello.push("version", "the first counts");
    hello.push("cap", "conformance-does-not-exist");
    let t2 = wire.exchange(&hello)?;
    let (auth, t3) = wire.auth(&t2);
    wire.set_keys(&t3);
    let mut bytes = auth;
    let mut pairs = Boxed::new();
    pairs.push("x-more", "1");
    pairs.push("later", "1");
    bytes.extend(wire.encode(FrameType::Ready.tag(), 0, 0, &pairs.encode()));
    for byte in bytes {
        wire.link.send(&[byte]);
    }
    wire.expect(FrameType::Ready)?;
    wire.expect_alive("after READY")
}

fn preamble(bench: &mut Bench<'_>) -> Outcome {
    let others: [&[u8]; 4] = [
        b"WNDLS/2\nwnd",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
    ];
    for bytes in others {
        let mut wire = bench.wire()?;
        wire.link.send(bytes);
        wire.expect_end(&format!("\"{}\"", bytes.escape_ascii()))?;
    }
    Ok(())
}

fn hello_refused(bench: &mut Bench<'_>) -> Outcome {
    type Change = fn(&Boxed, &[u8]) -> Boxed;
    let changes: [(&str, Change); 9] = [
        ("no role", |hello, _| without(hello, "role")),
        ("the role of an agent", |hello, _| {
            replaced(hello, "role", b"agent")
        }),
        ("no deployment", |hello, _| without(hello, "deployment")),
        ("a deployment with a space", |hello, _| {
            replaced(hello, "deployment", b"a b")
        }),
        ("no nonce", |hello, _| without(hello, "nonce")),
        ("a nonce of 31 bytes", |hello, _| {
            replaced(hello, "nonce", &[7; 31])
        }),
        ("a nonce of zeros", |hello, _| {
            replaced(hello, "nonce", &[0; 32])
        }),
        ("the agent's own nonce", |hello, own| {
            replaced(hello, "nonce", own)
        }),
        ("a key that must be understood", |hello, _| {
            let mut hello = hello.clone();
            hello.push("!conformance", "1");
            hello
        }),
    ];
    for (what, change) in changes {
        let mut wire = bench.wire()?;
        let own = wire.hello()?.require("nonce")?.to_vec();
        let payload = change(&wire.master_hello(), &own).encode();
        wire.link.send(PREAMBLE);
        wire.send(FrameType::Hello, 0, 0, &payload);
        wire.expect_end(what)?;
    }
    Ok(())
}

fn without(pairs: &Boxed, left_out: &str) -> Boxed {
    let mut kept = Boxed::new();
    for (key, value) in pairs.pairs().filter(|(key, _)| *key != left_out) {
        kept.push(key, value);
    }
    kept
}

fn replaced(pairs: &Boxed, changed: &str, with: &[u8]) -> Boxed {
    let mut other = Boxed::new();
    for (key, value) in pairs.pairs() {
        other.push(key, if key == changed { with } else { value });
    }
    other
}

fn wrong_proof(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = bench.wire()?;
    let hello = wire.master_hello();
    wire.exchange(&hello)?;
    let mut pairs = Boxed::new();
    pairs.push("mac", bench.random.block());
    wire.send(FrameType::Auth, 0, 0, &pairs.encode());
    wire.expect_end("a wrong proof")
}

fn every_bit(bench: &mut Bench<'_>) -> Outcome {
    // AUTH has 50 bytes; a sample of their bits, and always the last.
    let mut bits: Vec<usize> = (0..8).map(|_| bench.random.below(50 * 8)).collect();
    bits.push(50 * 8 - 1);
    for bit in bits {
        let mut wire = bench.wire()?;
        let hello = wire.master_hello();
        let t2 = wire.exchange(&hello)?;
        let (mut auth, t3) = wire.auth(&t2);
        auth[bit / 8] ^= 1 << (bit % 8);
        wire.link.send(&auth);
        wire.set_keys(&t3);
        wire.send(FrameType::Ready, 0, 0, &[]);
        // A length that grew needs more bytes before it can be wrong.
        wire.link.send(&[0; 5000]);
        wire.expect_end(&format!("bit {bit} of AUTH"))?;
    }
    Ok(())
}

fn reflected(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = bench.wire()?;
    let hello = wire.master_hello().encode();
    wire.link.send(PREAMBLE);
    wire.send(FrameType::Hello, 0, 0, &hello);
    let theirs = wire.expect(FrameType::Auth)?;
    wire.send(FrameType::Auth, 0, 0, &theirs.payload);
    wire.expect_end("its own proof")
}

fn frame_between(bench: &mut Bench<'_>) -> Outcome {
    let kinds = [(0x06, &[0; 8][..]), (0x15, &[]), (0x7f, &[]), (0x03, &[])];
    for (tag, payload) in kinds {
        let mut wire = bench.wire()?;
        let hello = wire.master_hello();
        let t2 = wire.exchange(&hello)?;
        let (auth, _) = wire.auth(&t2);
        wire.send_raw(tag, 0, 0, payload);
        wire.link.send(&auth);
        wire.expect_end(&format!("type {tag:#04x} before AUTH"))?;
    }
    Ok(())
}

fn oversize(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = bench.wire()?;
    wire.link.send(PREAMBLE);
    // Only the header: the claim is enough.
    wire.link.send(&[0, 0, 0x10, 0x01, 1, 0, 0, 0, 0, 0]);
    wire.expect_end("a claim of 4097 bytes")
}

fn unsigned_ready(bench: &mut Bench<'_>) -> Outcome {
    let mut wire = bench.wire()?;
    let hello = wire.master_hello();
    let t2 = wire.exchange(&hello)?;
    let (auth, _) = wire.auth(&t2);
    wire.link.send(&auth);
    // Without a mac; more frames follow, so that there are bytes to be taken for one.
    wire.send(FrameType::Ready, 0, 0, &[]);
    wire.send(FrameType::Ping, 0, 0, &[0; 8]);
    wire.expect_end("READY without a mac")
}
