//! Requests as fast as they are answered, or at a fixed rate whatever the answers take: plain
//! sockets that are kept, plain threads, little work of its own. Both contestants are asked by it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Threads that ask as fast as they can: as many as nginx and the master have to answer.
const ASKERS: usize = 2;
/// Connections of each of them, all with a request under way at the same time.
const CONNECTIONS: usize = 32;
/// Connections that ask at a fixed rate, each with a thread of its own that waits for its turn.
const PACED: usize = 48;
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// What is asked, in turn.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The whole head.
    pub(crate) head: Vec<u8>,
    /// How it is told apart in the figures.
    pub(crate) kind: usize,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Answers per second.
    pub(crate) rate: f64,
    /// How long each took from when it was due, per kind.
    pub(crate) times: Vec<Vec<Duration>>,
    /// Bytes of bodies.
    pub(crate) body_bytes: u64,
    /// Answers.
    pub(crate) answers: u64,
}

/// Requests of the same address over and over.
pub(crate) fn get(address: SocketAddr, path: &str, kind: usize) -> Request {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\n\r\n");
    Request {
        head: head.into_bytes(),
        kind,
    }
}

/// Asks as fast as there are answers, for `long`.
pub(crate) fn fastest(address: SocketAddr, requests: &Arc<[Request]>, long: Duration) -> Seen {
    let begun = Instant::now();
    let threads: Vec<_> = (0..ASKERS)
        .map(|asker| {
            let requests = Arc::clone(requests);
            std::thread::spawn(move || {
                let mut kept: Vec<Kept> = (0..CONNECTIONS).map(|_| Kept::open(address)).collect();
                let mut next = asker * requests.len() / ASKERS;
                let (mut answers, mut bytes) = (0_u64, 0_u64);
                while begun.elapsed() < long {
                    for one in &mut kept {
                        one.send(&requests[next % requests.len()]);
                        next += 1;
                    }
                    for one in &mut kept {
                        bytes += one.receive();
                        answers += 1;
                    }
                }
                (answers, bytes)
            })
        })
        .collect();
    let mut seen = Seen::default();
    for thread in threads {
        let (answers, bytes) = thread.join().expect("an asker that works");
        seen.answers += answers;
        seen.body_bytes += bytes;
    }
    seen.rate = seen.answers as f64 / begun.elapsed().as_secs_f64();
    seen
}

/// Asks `rate` times a second, for `long`. What comes late because an answer before it took long is
/// counted from when it was due. Calls `stop` true when it ends.
pub(crate) fn paced(
    address: SocketAddr,
    requests: &Arc<[Request]>,
    rate: f64,
    long: Duration,
    stop: &AtomicBool,
) -> Seen {
    let kinds = requests.iter().map(|request| request.kind).max();
    let kinds = kinds.unwrap_or(0) + 1;
    let step = Duration::from_secs_f64(PACED as f64 / rate);
    let begun = Instant::now() + Duration::from_millis(100);
    let threads: Vec<_> = (0..PACED)
        .map(|asker| {
            let requests = Arc::clone(requests);
            std::thread::spawn(move || {
                let mut kept = Kept::open(address);
                let mut times = vec![Vec::new(); kinds];
                let first = begun + step.mul_f64(asker as f64 / PACED as f64);
                let mut due = first;
                let mut next = asker;
                while due < begun + long {
                    let left = due.saturating_duration_since(Instant::now());
                    if !left.is_zero() {
                        std::thread::sleep(left);
                    }
                    let request = &requests[next % requests.len()];
                    kept.send(request);
                    kept.receive();
                    times[request.kind].push(due.elapsed());
                    next += PACED;
                    due += step;
                }
                times
            })
        })
        .collect();
    let mut seen = Seen {
        times: vec![Vec::new(); kinds],
        ..Seen::default()
    };
    for thread in threads {
        let times = thread.join().expect("an asker that works");
        for (all, some) in seen.times.iter_mut().zip(times) {
            all.extend(some);
        }
    }
    stop.store(true, Ordering::Relaxed);
    for times in &mut seen.times {
        times.sort();
        seen.answers += times.len() as u64;
    }
    seen.rate = seen.answers as f64 / begun.elapsed().as_secs_f64();
    seen
}

/// The time within which this share of sorted `times` lies.
pub(crate) fn within(times: &[Duration], share: f64) -> Duration {
    let at = (times.len() as f64 * share) as usize;
    let last = times.len().saturating_sub(1);
    times.get(at.min(last)).copied().unwrap_or_default()
}

/// A connection that stays.
struct Kept {
    stream: TcpStream,
    buffer: Vec<u8>,
    asked: String,
}

impl Kept {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody who listens");
        stream.set_nodelay(true).expect("a socket");
        let long = Some(Duration::from_secs(30));
        stream.set_read_timeout(long).expect("a socket");
        Self {
            stream,
            buffer: vec![0; ANSWER_BYTES_MAX],
            asked: String::new(),
        }
    }

    fn send(&mut self, request: &Request) {
        self.stream.write_all(&request.head).expect("a connection");
        if cfg!(debug_assertions) {
            self.asked = String::from_utf8_lossy(&request.head).into_owned();
        }
    }

    /// Reads one answer; returns the bytes of its body.
    fn receive(&mut self) -> u64 {
        let mut read = 0;
        loop {
            let more = self.stream.read(&mut self.buffer[read..]);
            let more = more.expect("an answer in time");
            assert!(more > 0, "the connection was closed: {}", self.asked);
            read += more;
            let text = &self.buffer[..read];
            if let Some((head, body)) = whole(text) {
                assert_eq!(head + body, read, "one answer at a time");
                return body as u64;
            }
            assert!(read < self.buffer.len(), "the answer is too long");
        }
    }
}

/// Bytes of head and body of an answer that has come as a whole. Anything but a success ends the
/// measurement.
fn whole(text: &[u8]) -> Option<(usize, usize)> {
    let end = text.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = &text[..end];
    let status = head.get(9..12).unwrap_or_default();
    let told = || String::from_utf8_lossy(text).into_owned();
    assert!(matches!(status, b"200" | b"204" | b"304"), "{}", told());
    let body = match status {
        b"200" => length(head).unwrap_or_else(|| panic!("no length: {}", told())),
        _ => 0,
    };
    (text.len() >= end + body).then_some((end, body))
}

fn length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let at = head
        .windows(NAME.len())
        .position(|window| window.eq_ignore_ascii_case(NAME))?;
    let digits = head[at + NAME.len()..].iter();
    let digits = digits.take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |sum, byte| sum * 10 + usize::from(byte - b'0')))
}
