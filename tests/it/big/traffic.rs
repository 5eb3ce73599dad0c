//! Requests and answers that are larger than memory: nothing of them is kept.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use windlass_tests::master::Master;

/// Bytes moved at a time.
const PIECE: usize = 1 << 16;

/// Asks for a file, with these header lines, and leaves the answer where it is.
pub(super) fn ask(master: &Master, path: &str, more: &str) -> TcpStream {
    let mut stream = TcpStream::connect(master.web()).expect("the master listens");
    let host = master.web();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).expect("it is asked");
    stream
}

/// The status and how many bytes came behind the head, taken with a pause before each piece.
pub(super) fn take(mut stream: TcpStream, pause: Duration, most: u64) -> (String, u64) {
    let mut buffer = vec![0; PIECE];
    let (mut head, mut status, mut body) = (Vec::new(), String::new(), 0);
    while body < most {
        thread::sleep(pause);
        let read = stream.read(&mut buffer).expect("the download goes on");
        if read == 0 {
            break;
        }
        if !status.is_empty() {
            body += read as u64;
            continue;
        }
        head.extend_from_slice(&buffer[..read]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            status = String::from_utf8_lossy(&head[9..12]).into_owned();
            body = (head.len() - end - 4) as u64;
        }
    }
    (status, body)
}

/// Downloads a whole file as fast as it comes; returns its bytes.
pub(super) fn download(master: &Master, path: &str) -> u64 {
    let (status, bytes) = take(ask(master, path, ""), Duration::ZERO, u64::MAX);
    assert_eq!(status, "200", "{path}");
    bytes
}

/// Downloads these ranges; returns the bytes of the answer.
pub(super) fn ranges(master: &Master, path: &str, ranges: &[(u64, u64)]) -> u64 {
    let ranges: Vec<String> = ranges
        .iter()
        .map(|(first, last)| format!("{first}-{last}"))
        .collect();
    let more = format!("Range: bytes={}\r\n", ranges.join(", "));
    let (status, bytes) = take(ask(master, path, &more), Duration::ZERO, u64::MAX);
    assert_eq!(status, "206", "{path}");
    bytes
}

/// Sends a file of `size` bytes that begins with `front`, and zeros behind it; returns the answer.
pub(super) fn send(master: &Master, token: &str, url: &str, front: &str, size: u64) -> String {
    let mut stream = TcpStream::connect(master.web()).expect("the master listens");
    let host = master.web();
    let request = format!(
        "PUT {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n{front}"
    );
    stream.write_all(request.as_bytes()).expect("it is asked");
    let zeros = vec![0; PIECE];
    let mut left = size - front.len() as u64;
    while left > 0 {
        let piece = left.min(PIECE as u64);
        let part = &zeros[..usize::try_from(piece).expect("small")];
        stream.write_all(part).expect("the upload goes on");
        left -= piece;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
