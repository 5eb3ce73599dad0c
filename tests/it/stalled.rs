//! Clients that do not behave: one that takes nothing of a download, one whose upload breaks off,
//! one that asks for a thousand ranges that overlap.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use windlass_tests::http;
use windlass_tests::master::Master;
use windlass_tests::wait;

const CONFIGURATION: &str = "[project.editor]\n\n[uploads]\nreserve = \"0 B\"\n";
/// More than any buffer on the way holds.
const FILE_BYTES: usize = 40_000_000;
/// How much faster a client that takes nothing is given up than after a minute.
const RATE: &str = "30";

fn content() -> Vec<u8> {
    (0..FILE_BYTES as u32).map(|n| (n / 251) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Announces a file of these bytes; the draft.
fn announce(master: &Master, token: &str, bytes: &[u8]) -> serde_json::Value {
    let body = json!({
        "project": "editor", "branch": "main", "target": "any", "version": "1.0",
        "files": [{ "role": "installer", "name": "editor.run", "size": bytes.len(),
                    "sha256": sha256(bytes) }],
    });
    let draft = master.ask("POST", "/api/v1/products", token, Some(&body));
    assert_eq!(draft.status / 100, 2, "{}", draft.text());
    draft.json()
}

fn connect(master: &Master, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(master.web()).expect("the port is open");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a time-out");
    let host = master.web();
    let head = format!("{head}Host: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

#[test]
fn an_upload_that_breaks_off_goes_on_and_a_download_that_is_not_taken_is_ended() {
    let mut master = Master::new(CONFIGURATION);
    let token = master.user("emil", "engineer");
    master.set(&[("WINDLASS_TEST_CLOCK_RATE", RATE)]);
    master.start();
    let bytes = content();
    let draft = announce(&master, &token, &bytes);
    let url = draft["uploads"][0]["url"].as_str().expect("an upload");
    let path = format!("/files/{}/editor.run", sha256(&bytes));

    // Truncated: nothing is seen of it, and what came stays.
    let head = format!(
        "PUT {url} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: {FILE_BYTES}\r\n"
    );
    let mut stream = connect(&master, &head);
    stream.write_all(&bytes[..FILE_BYTES / 3]).expect("sent");
    drop(stream);
    let received = wait::until("what came is stored", || {
        let told = master.get(url, &token).json();
        let received = usize::try_from(told["received"].as_u64()?).ok()?;
        (received > 0).then_some(received)
    });
    assert!(received <= FILE_BYTES / 3, "{received}");
    let commit = format!("/api/v1/drafts/{}/commit", draft["id"]);
    let early = master.ask("POST", &commit, &token, None);
    assert_eq!(early.status, 409, "{}", early.text());
    assert_eq!(http::get(master.web(), &path).status, 404);
    let bearer = format!("Bearer {token}");
    let range = format!("bytes {received}-{}/{FILE_BYTES}", FILE_BYTES - 1);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Range", range.as_str()),
    ];
    let rest = http::request(master.web(), "PUT", url, &headers, &bytes[received..]);
    assert_eq!(rest.expect("an answer").status, 200);
    let product = master.ask("POST", &commit, &token, None);
    assert_eq!(product.status, 201, "{}", product.text());

    // Taken by nobody: ended, while others are served.
    let mut stalled: Vec<TcpStream> = (0..8)
        .map(|_| connect(&master, &format!("GET {path} HTTP/1.1\r\n")))
        .collect();
    assert!(http::get(master.web(), &path).body == bytes);
    // As many seconds as a minute has at that rate, and some more.
    std::thread::sleep(Duration::from_secs(4));
    for stream in &mut stalled {
        let mut taken = 0;
        let mut buffer = vec![0; 1 << 16];
        // A connection that was cut ends with an error or with its end.
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            taken += read;
        }
        assert!(taken < FILE_BYTES, "{taken} bytes: it was not cut");
    }
    assert!(http::get(master.web(), &path).body == bytes);

    // A thousand ranges that overlap: every byte comes once at most.
    let ranges: Vec<String> = (0..1_000).map(|n| format!("{n}-{}", n + 5_000)).collect();
    let ranges = format!("bytes={}", ranges.join(","));
    let answer = http::request(master.web(), "GET", &path, &[("Range", &ranges)], &[]);
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 206);
    assert!(answer.body == bytes[..6_000], "{} bytes", answer.body.len());
}
