//! The frames of a WebSocket (RFC 6455), as far as a byte stream needs them: a way through HTTP
//! servers and proxies. Binary frames whose borders mean nothing; no text, no extensions; and
//! the Base64 of their key. Not here: the HTTP head before them.

#[cfg(test)]
mod tests;

use std::fmt;

/// Bytes of the longest head: two, eight of length, four of mask.
const HEAD_MAX: usize = 14;
/// Most bytes of a PING, PONG or CLOSE, as the RFC says.
pub const CONTROL_MAX: usize = 125;

/// What a frame is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Bytes of the stream.
    Binary,
    /// The sender leaves.
    Close,
    /// To be answered by a PONG with the same bytes.
    Ping,
    /// The answer to a PING.
    Pong,
}

impl Kind {
    fn opcode(self) -> u8 {
        match self {
            Kind::Binary => 2,
            Kind::Close => 8,
            Kind::Ping => 9,
            Kind::Pong => 10,
        }
    }
}

/// What came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// The next bytes of the stream.
    Bytes(Vec<u8>),
    /// A PING with these bytes.
    Ping(Vec<u8>),
    /// The peer leaves; nothing follows.
    Close,
}

/// Why a peer's frames are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadFrame(&'static str);

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the WebSocket is broken: {}", self.0)
    }
}

impl std::error::Error for BadFrame {}

/// Appends one whole frame to `out`. A client gives a fresh random `mask`, a server none.
pub fn encode(out: &mut Vec<u8>, kind: Kind, payload: &[u8], mask: Option<[u8; 4]>) {
    out.push(0x80 | kind.opcode());
    let masked = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        // One byte holds it: checked by the pattern.
        len @ 0..=125 => out.push(masked | len as u8),
        len @ 126..=0xffff => {
            out.push(masked | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(masked | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    let Some(mask) = mask else {
        return out.extend_from_slice(payload);
    };
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    apply(&mut out[start..], mask, 0);
}

/// Masks or unmasks bytes that begin `at` bytes into their payload.
fn apply(bytes: &mut [u8], mask: [u8; 4], at: u64) {
    let turn = (at % 4) as usize;
    let mut mask = mask;
    mask.rotate_left(turn);
    let mut groups = bytes.chunks_exact_mut(4);
    for group in &mut groups {
        group
            .iter_mut()
            .zip(mask)
            .for_each(|(byte, mask)| *byte ^= mask);
    }
    let rest = groups.into_remainder();
    rest.iter_mut()
        .zip(mask)
        .for_each(|(byte, mask)| *byte ^= mask);
}

/// The frame being read.
#[derive(Debug)]
struct Frame {
    kind: Kind,
    length: u64,
    read: u64,
    mask: Option<[u8; 4]>,
    /// Payload of a control frame so far.
    control: Vec<u8>,
}

/// Takes a peer's bytes apart. Holds at most one head and one control frame.
#[derive(Debug)]
pub struct Decoder {
    /// Whether the peer must mask: clients do, servers do not.
    masked: bool,
    /// The head so far.
    head: Vec<u8>,
    frame: Option<Frame>,
    /// Inside a message of several frames.
    continues: bool,
}

impl Decoder {
    /// For the frames of a client (`true`) or of a server.
    #[must_use]
    pub fn new(of_client: bool) -> Self {
        Self {
            masked: of_client,
            head: Vec::with_capacity(HEAD_MAX),
            frame: None,
            continues: false,
        }
    }

    /// Takes from the front of `input` and gives the next piece; `None` when it needs more, and
    /// `input` is empty then.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Piece>, BadFrame> {
        loop {
            if self.frame.is_none() && !self.read_head(input)? {
                return Ok(None);
            }
            let Some(frame) = &mut self.frame else {
                return Ok(None);
            };
            let left = frame.length - frame.read;
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
            let (now, later) = input.split_at(count);
            *input = later;
            let mut bytes = now.to_vec();
            if let Some(mask) = frame.mask {
                apply(&mut bytes, mask, frame.read);
            }
            frame.read += count as u64;
            let is_whole = frame.read == frame.length;
            let piece = match frame.kind {
                Kind::Binary => (count > 0).then_some(Piece::Bytes(bytes)),
                kind => {
                    frame.control.extend_from_slice(&bytes);
                    let payload = std::mem::take(&mut frame.control);
                    match (is_whole, kind) {
                        (false, _) => {
                            frame.control = payload;
                            None
                        }
                        (true, Kind::Ping) => Some(Piece::Ping(payload)),
                        (true, Kind::Close) => Some(Piece::Close),
                        (true, _) => None,
                    }
                }
            };
            if is_whole {
                self.frame = None;
            }
            match piece {
                Some(piece) => return Ok(Some(piece)),
                None if input.is_empty() && !is_whole => return Ok(None),
                None => {}
            }
        }
    }

    /// Reads the head of a frame; `false` when it is not whole yet.
    fn read_head(&mut self, input: &mut &[u8]) -> Result<bool, BadFrame> {
        loop {
            if let Some(frame) = self.parse_head()? {
                self.head.clear();
                self.frame = Some(frame);
                return Ok(true);
            }
            let Some((first, rest)) = input.split_first() else {
                return Ok(false);
            };
            self.head.push(*first);
            *input = rest;
        }
    }

    fn parse_head(&mut self) -> Result<Option<Frame>, BadFrame> {
        let [first, second, rest @ ..] = &self.head[..] else {
            return Ok(None);
        };
        let is_last = first & 0x80 != 0;
        if first & 0x70 != 0 {
            return Err(BadFrame("an extension is used that was not agreed on"));
        }
        let kind = match (first & 0x0f, self.continues) {
            (0, true) | (2, false) => Kind::Binary,
            (0 | 2, _) => return Err(BadFrame("a message begins or goes on out of turn")),
            (8, _) => Kind::Close,
            (9, _) => Kind::Ping,
            (10, _) => Kind::Pong,
            _ => return Err(BadFrame("frames other than binary are not taken")),
        };
        if (second & 0x80 != 0) != self.masked {
            return Err(BadFrame("clients mask, servers do not"));
        }
        let size = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_bytes = if self.masked { 4 } else { 0 };
        if rest.len() < size + mask_bytes {
            return Ok(None);
        }
        let length = match size {
            0 => u64::from(second & 0x7f),
            _ => rest[..size]
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        if kind == Kind::Binary {
            self.continues = !is_last;
        } else if !is_last || length > CONTROL_MAX as u64 {
            return Err(BadFrame("a control frame is too long or in parts"));
        }
        let mask = rest[size..].first_chunk().copied();
        Ok(Some(Frame {
            kind,
            length,
            read: 0,
            mask,
            control: Vec::new(),
        }))
    }
}

/// Base64 (RFC 4648, section 4) of the few bytes that the HTTP heads of a WebSocket hold: the
/// client's key, and the server's answer to it.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = bits >> (18 - 6 * place) & 63;
            let is_filled = place <= group.len();
            text.push(if is_filled {
                char::from(DIGITS[digit as usize])
            } else {
                '='
            });
        }
    }
    text
}
