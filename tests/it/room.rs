//! A master whose disk fills up in the middle: of an upload by REST, and of a product that an agent
//! brings. A clear error, nothing of it is seen, and it goes on when there is room again.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use windlass_tests::git::Repository;
use windlass_tests::http::{self, Answer};
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::wait;

const MB: usize = 1_000_000;
/// Holds the database, a file of the test, and little more.
const DISK_BYTES: u64 = 32 << 20;
/// Bytes of a file: a third of the disk.
const FILE_BYTES: usize = 10 * MB;
/// Left free for the database, which has a log to write.
const LEFT_BYTES: u64 = 3 << 20;

/// Takes what is free on the master's disk, but `left`.
fn fill(master: &Master, left: u64) -> PathBuf {
    let path = master.disk("filler");
    let mut file = fs::File::create(&path).expect("a file");
    loop {
        let free = free_bytes(master);
        if free <= left {
            return path;
        }
        let piece = usize::try_from((free - left).min(1 << 20)).expect("small");
        if file.write_all(&vec![7; piece]).is_err() {
            return path;
        }
    }
}

fn free_bytes(master: &Master) -> u64 {
    let mut command = std::process::Command::new("stat");
    command.args(["--file-system", "--format=%a %S"]);
    let output = command.arg(master.disk("")).output().expect("stat runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (blocks, bytes) = text.trim().split_once(' ').expect("two numbers");
    let number = |text: &str| text.parse::<u64>().expect("a number");
    number(blocks) * number(bytes)
}

/// Files below a folder of the master's disk.
fn files_below(folder: PathBuf) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.path().is_dir() {
            true => files_below(entry.path()),
            false => 1,
        })
        .sum()
}

fn products(master: &Master) -> usize {
    let list = master.get("/api/v1/products", "").json();
    list["items"].as_array().map_or(usize::MAX, Vec::len)
}

/// The head of a PUT of bytes `first..end` of the file.
fn head(master: &Master, token: &str, url: &str, first: usize, end: usize) -> String {
    format!(
        "PUT {url} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Range: bytes {first}-{}/{FILE_BYTES}\r\nContent-Length: {}\r\n\r\n",
        master.web(),
        end - 1,
        end - first
    )
}

fn put(master: &Master, token: &str, url: &str, bytes: &[u8], first: usize) -> Answer {
    let bearer = format!("Bearer {token}");
    let range = format!("bytes {first}-{}/{FILE_BYTES}", bytes.len() - 1);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Range", range.as_str()),
    ];
    let answer = http::request(master.web(), "PUT", url, &headers, &bytes[first..]);
    answer.expect("an answer")
}

#[test]
fn a_disk_that_fills_in_the_middle_of_an_upload_is_said_and_the_upload_goes_on_later() {
    let mut master = Master::new("[project.editor]\n\n[uploads]\nreserve = \"0 B\"\n");
    let token = master.user("emil", "engineer");
    master.on_small_disk(DISK_BYTES);
    master.start();
    let bytes: Vec<u8> = (0..FILE_BYTES as u32).map(|n| (n / 7) as u8).collect();
    let body = json!({
        "project": "editor", "branch": "main", "target": "any", "version": "1.0",
        "files": [{ "role": "installer", "name": "editor.run", "size": FILE_BYTES }],
    });
    let draft = master.ask("POST", "/api/v1/products", &token, Some(&body));
    assert_eq!(draft.status / 100, 2, "{}", draft.text());
    let draft = draft.json();
    let url = draft["uploads"][0]["url"].as_str().expect("an upload");
    // It begins while there is room, and goes on when there is none.
    let mut stream = TcpStream::connect(master.web()).expect("the port is open");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a time-out");
    let begun = head(&master, &token, url, 0, FILE_BYTES);
    stream.write_all(begun.as_bytes()).expect("sent");
    stream.write_all(&bytes[..MB]).expect("sent");
    wait::until("the first bytes are written", || {
        (files_below(master.disk("uploads")) == 1).then_some(())
    });
    let filler = fill(&master, LEFT_BYTES);
    // The master may answer before it has read everything.
    let _ = stream.write_all(&bytes[MB..]);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 507"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert_eq!(products(&master), 0);
    let refused = put(&master, &token, url, &bytes, 0);
    assert_eq!(refused.status, 507, "before its body: {}", refused.text());
    // To the last byte: reading goes on, and what cannot be written is said.
    let rest = master.disk("rest");
    let mut last = fs::File::create(&rest).expect("a file");
    while last.write_all(&[7; 4096]).is_ok() {}
    drop(last);
    assert_eq!(products(&master), 0);
    for version in 0..20 {
        let body = json!({
            "project": "editor", "branch": "main", "target": "any",
            "version": format!("2.{version}"),
            "files": [{ "role": "installer", "name": "editor.run", "size": 1 }],
        });
        let answer = master.ask("POST", "/api/v1/products", &token, Some(&body));
        let is_clear = matches!(answer.status, 200 | 201 | 507);
        assert!(is_clear, "{}: {}", answer.status, answer.text());
    }
    fs::remove_file(rest).expect("removed");
    fs::remove_file(filler).expect("removed");
    let told = master.get(url, &token).json();
    let received = told["received"].as_u64().expect("a number");
    let first = usize::try_from(received).expect("small");
    let done = put(&master, &token, url, &bytes, first);
    assert_eq!(done.status, 200, "{}", done.text());
    let commit = format!("/api/v1/drafts/{}/commit", draft["id"]);
    let product = master.ask("POST", &commit, &token, None);
    assert_eq!(product.status, 201, "{}", product.text());
    let product: Value = product.json();
    let shown = master.get(&format!("/api/v1/products/{}", product["id"]), "");
    let sha256 = shown.json()["files"][0]["sha256"].clone();
    let path = format!("/files/{}/editor.run", sha256.as_str().unwrap_or_default());
    assert!(http::get(master.web(), &path).body == bytes, "other bytes");
    assert!(!master.log().contains("panicked"), "{}", master.log());
}

#[test]
fn a_disk_that_is_too_small_for_a_product_fails_its_step_and_shows_nothing() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("bytes", format!("{}", 2 * DISK_BYTES));
    repository.commit("Too large");
    let steps = "  { source = \"editor\" },\n  \
         { run = \"head -c $(cat bytes) /dev/urandom > editor.run\" },\n  \
         { product = \"*.run\", version = \"1.{buildnumber}\", target = \"any\" },";
    let mut master = Master::new(&small_configuration(&repository, steps, ""));
    let key = master.key_of("linux-1");
    master.on_small_disk(DISK_BYTES);
    master.start();
    let _agent = master.agent_with_key("linux-1", master.agents(), &key);
    let build = master.finished_build("package", 1);
    let steps = master
        .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
        .json();
    let step = &steps["items"][2];
    assert_ne!(build["result"], "success", "{steps}\n{}", master.log());
    let told = step["state_text"].as_str().unwrap_or_default();
    assert!(told.contains("full") || told.contains("room"), "{step}");
    assert_eq!(products(&master), 0);
    assert_eq!(files_below(master.disk("blobs")), 0, "nothing half is left");
    repository.write("bytes", format!("{FILE_BYTES}"));
    repository.commit("Small enough");
    let build = master.finished_build("package", 2);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    assert_eq!(products(&master), 1);
}
