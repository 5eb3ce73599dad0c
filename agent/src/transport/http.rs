//! The way through an HTTP server: an upgrade to a WebSocket, in whose binary frames the bytes
//! of the connection go. Not here: the frames' form; see the protocol crate.

#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use windlass_protocol::websocket::{self, Decoder, Kind, Piece};

use super::Transport;
use crate::sys;

/// No server's answer has a longer head.
const HEAD_MAX: usize = 8192;
/// Bytes per read: one frame of data and its head.
const READ_BYTES: usize = 65_536;

/// Asks for the upgrade over `below`.
pub(super) fn upgrade(mut below: Transport, address: &str, path: &str) -> io::Result<Transport> {
    let mut nonce = [0; 16];
    sys::fill_random(&mut nonce)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nUser-Agent: windlass-agent/{}\r\n\r\n",
        websocket::base64(&nonce),
        env!("CARGO_PKG_VERSION")
    );
    below.writer.write_all(request.as_bytes())?;
    below.writer.flush()?;
    let head = read_head(&mut below.reader)?;
    // `Sec-WebSocket-Accept` says that no cache answered; the proof of our key says more.
    check_answer(&head).map_err(io::Error::other)?;
    let pong = Arc::new(Mutex::new(None));
    let (reader, writer) = (below.reader, below.writer);
    below.reader = Box::new(Reader::new(reader, Arc::clone(&pong)));
    below.writer = Box::new(Writer {
        below: writer,
        pong,
    });
    Ok(below)
}

/// The head of the answer, up to its empty line, and not a byte more.
fn read_head(reader: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_MAX {
            return Err(io::Error::other("the server's answer has no end"));
        }
        reader.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Reads and checks the head of an answer.
pub(super) fn check_head(mut bytes: &[u8]) -> Result<(), String> {
    let head = read_head(&mut bytes).map_err(|error| error.to_string())?;
    check_answer(&head)
}

/// Whether the server agreed; the error quotes what it said.
fn check_answer(head: &str) -> Result<(), String> {
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let mut words = status.split(' ');
    let is_http = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
    if !is_http || words.next() != Some("101") {
        return Err(format!(
            "the server answered `{status}` and not 101; the address must be the master's pages \
             with /agent behind it, and a proxy before them must let WebSockets pass"
        ));
    }
    let agreed = lines
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| {
            name.eq_ignore_ascii_case("upgrade") && value.trim().eq_ignore_ascii_case("websocket")
        });
    match agreed {
        true => Ok(()),
        false => Err("the server changes to something that is no WebSocket".to_owned()),
    }
}

/// The newest PING that was not answered yet; answered with our next bytes.
type Pong = Arc<Mutex<Option<Vec<u8>>>>;

/// Frames from the server into bytes.
struct Reader<R> {
    below: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// Which of `raw` are not decoded yet.
    waiting: std::ops::Range<usize>,
    /// Decoded bytes, and how many of them were given out.
    ready: Vec<u8>,
    given: usize,
    pong: Pong,
}

impl<R> Reader<R> {
    fn new(below: R, pong: Pong) -> Self {
        Reader {
            below,
            decoder: Decoder::new(false),
            raw: vec![0; READ_BYTES],
            waiting: 0..0,
            ready: Vec::new(),
            given: 0,
            pong,
        }
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.given < self.ready.len() {
                let count = buffer.len().min(self.ready.len() - self.given);
                buffer[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
                self.given += count;
                return Ok(count);
            }
            let mut rest = &self.raw[self.waiting.clone()];
            let piece = self.decoder.next(&mut rest).map_err(io::Error::other)?;
            self.waiting.start = self.waiting.end - rest.len();
            match piece {
                Some(Piece::Bytes(bytes)) => (self.ready, self.given) = (bytes, 0),
                Some(Piece::Ping(bytes)) => {
                    *self.pong.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
                }
                Some(Piece::Close) => return Ok(0),
                None => {
                    let count = self.below.read(&mut self.raw)?;
                    if count == 0 {
                        return Ok(0);
                    }
                    self.waiting = 0..count;
                }
            }
        }
    }
}

/// Bytes into masked frames for the server.
struct Writer<W> {
    below: W,
    pong: Pong,
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut masks = [[0; 4]; 2];
        sys::fill_random(masks.as_flattened_mut())?;
        let mut frames = Vec::with_capacity(bytes.len() + 256);
        let pong = self
            .pong
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(pong) = pong {
            websocket::encode(&mut frames, Kind::Pong, &pong, Some(masks[0]));
        }
        websocket::encode(&mut frames, Kind::Binary, bytes, Some(masks[1]));
        self.below.write_all(&frames)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.below.flush()
    }
}
