//! A connection spoken frame by frame, for cases that break the rules. The proofs are made here
//! from the text, not by the library.

use std::time::{Duration, Instant};

use windlass_protocol::frame::{Frame, FrameReader, FrameWriter};
use windlass_protocol::header::{FrameType, HEADER_BYTES, PREAMBLE};
use windlass_protocol::hmac::Hmac;
use windlass_protocol::sha256::digest;
use windlass_protocol::{Boxed, Key};

use crate::fault::{Outcome, broken, same};
use crate::link::{Came, Link};

/// One connection by hand.
pub(crate) struct Wire {
    pub(crate) link: Link,
    key: Key,
    pub(crate) nonce: [u8; 32],
    patience: Duration,
    reader: FrameReader,
    writer: FrameWriter,
    /// The agent's HELLO frame as it came.
    agent_hello: Vec<u8>,
}

impl Wire {
    /// Waits for the agent's preamble and HELLO.
    pub(crate) fn new(link: Link, key: Key, nonce: [u8; 32], patience: Duration) -> Outcome<Self> {
        let mut wire = Self {
            link,
            key,
            nonce,
            patience,
            reader: FrameReader::new(),
            writer: FrameWriter::new(),
            agent_hello: Vec::new(),
        };
        let frame = wire.expect(FrameType::Hello)?;
        wire.agent_hello = raw(&frame);
        Ok(wire)
    }

    /// The agent's HELLO.
    pub(crate) fn hello(&self) -> Outcome<Boxed> {
        Ok(Boxed::decode(&self.agent_hello[HEADER_BYTES..])?)
    }

    /// Our HELLO as the text wants it.
    pub(crate) fn master_hello(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push("role", "master");
        pairs.push("deployment", "conformance");
        pairs.push("version", "1");
        pairs.push("nonce", self.nonce);
        pairs
    }

    /// Sends preamble and this HELLO, reads and checks the agent's AUTH, and gives what our AUTH
    /// must hold and what the keys come from: T2 and our HELLO's transcript done.
    pub(crate) fn exchange(&mut self, hello: &Boxed) -> Outcome<[u8; 32]> {
        let payload = hello.encode();
        let mut bytes = PREAMBLE.to_vec();
        self.writer
            .write(&mut bytes, FrameType::Hello, 0, 0, &[&payload]);
        self.link.send(&bytes);
        let frame = self.expect(FrameType::Auth)?;
        let t1 = digest(&[PREAMBLE, &self.agent_hello, &bytes].concat());
        let proof = Hmac::new(self.key.as_bytes()).sign(&[b"WNDLS/1 agent proof\0", &t1]);
        let pairs = Boxed::decode(&frame.payload)?;
        same("the agent's proof", pairs.require("mac")?, &proof[..])?;
        Ok(digest(&[&t1[..], &raw(&frame)].concat()))
    }

    /// Our AUTH frame for T2, and T3.
    pub(crate) fn auth(&mut self, t2: &[u8; 32]) -> (Vec<u8>, [u8; 32]) {
        let proof = Hmac::new(self.key.as_bytes()).sign(&[b"WNDLS/1 master proof\0", t2]);
        let mut pairs = Boxed::new();
        pairs.push("mac", proof);
        let mut bytes = Vec::new();
        self.writer
            .write(&mut bytes, FrameType::Auth, 0, 0, &[&pairs.encode()]);
        let t3 = digest(&[&t2[..], &bytes].concat());
        (bytes, t3)
    }

    /// From T3 on every frame has a mac.
    pub(crate) fn set_keys(&mut self, t3: &[u8; 32]) {
        let derive = Hmac::new(self.key.as_bytes());
        let up = derive.sign(&[b"WNDLS/1 agent frames\0", t3]);
        let down = derive.sign(&[b"WNDLS/1 master frames\0", t3]);
        self.reader.set_key(Hmac::new(&up));
        self.writer.set_key(Hmac::new(&down));
    }

    /// The whole handshake up to the agent's READY.
    pub(crate) fn greet(&mut self) -> Outcome {
        let hello = self.master_hello();
        let t2 = self.exchange(&hello)?;
        let (auth, t3) = self.auth(&t2);
        self.link.send(&auth);
        self.set_keys(&t3);
        self.send(FrameType::Ready, 0, 0, &[]);
        self.expect(FrameType::Ready).map(|_| ())
    }

    /// Sends one frame.
    pub(crate) fn send(&mut self, kind: FrameType, flags: u8, channel: u32, payload: &[u8]) {
        self.send_raw(kind.tag(), flags, channel, payload);
    }

    /// Sends one frame of any type.
    pub(crate) fn send_raw(&mut self, tag: u8, flags: u8, channel: u32, payload: &[u8]) {
        let bytes = self.encode(tag, flags, channel, payload);
        self.link.send(&bytes);
    }

    /// One frame as bytes; its sequence number is used up.
    pub(crate) fn encode(&mut self, tag: u8, flags: u8, channel: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.writer
            .write_raw(&mut bytes, tag, flags, channel, &[payload]);
        bytes
    }

    /// The next frame; `None` when the agent hung up.
    pub(crate) fn next(&mut self) -> Outcome<Option<Frame>> {
        let until = Instant::now() + self.patience;
        loop {
            if let Some(frame) = self.reader.next_frame()? {
                return Ok(Some(frame));
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.link.receive(left) {
                Came::Bytes(bytes) => self.reader.push(&bytes),
                Came::End => return Ok(None),
                Came::Nothing => return broken(format!("no frame for {:?}", self.patience)),
            }
        }
    }

    /// The next frame of this type; STATUS may stand before it.
    pub(crate) fn expect(&mut self, kind: FrameType) -> Outcome<Frame> {
        loop {
            match self.next()? {
                Some(frame) if frame.header.tag == kind.tag() => return Ok(frame),
                Some(frame) if frame.header.tag == FrameType::Status.tag() => {}
                Some(frame) => {
                    return broken(format!("{:?} instead of {}", frame.header, kind.name()));
                }
                None => return broken(format!("the agent hung up before {}", kind.name())),
            }
        }
    }

    /// The agent must hang up, whatever it says before.
    pub(crate) fn expect_end(&mut self, what: &str) -> Outcome {
        let until = Instant::now() + self.patience;
        while Instant::now() < until {
            match self.link.receive(Duration::from_millis(100)) {
                Came::End => return Ok(()),
                Came::Bytes(_) | Came::Nothing => {}
            }
        }
        broken(format!("{what}: the agent did not hang up"))
    }

    /// The agent must still be there: it answers a PING.
    pub(crate) fn expect_alive(&mut self, what: &str) -> Outcome {
        let token = *b"areyouok";
        self.send(FrameType::Ping, 0, 0, &token);
        loop {
            match self.next()? {
                Some(frame) if frame.header.tag == FrameType::Pong.tag() => {
                    return same("bytes of PONG", frame.payload, token.to_vec());
                }
                Some(_) => {}
                None => return broken(format!("{what}: the agent hung up")),
            }
        }
    }
}

/// A frame of the handshake as it came.
fn raw(frame: &Frame) -> Vec<u8> {
    [&frame.header.encode()[..], &frame.payload].concat()
}
