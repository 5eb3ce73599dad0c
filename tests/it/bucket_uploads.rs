//! Uploads into a bucket: a master that is killed at every point of the way there, a bucket that is
//! away while the last bytes come, and many uploads at once meanwhile.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use windlass_tests::bucket::Bucket;
use windlass_tests::http::{self, Answer};
use windlass_tests::master::Master;
use windlass_tests::programs::{Background, tools, windlass};
use windlass_tests::wait;

const CONFIGURATION: &str = "[project.editor]\n\n[uploads]\nreserve = \"0 B\"\n";
const VARIABLE: &str = "WINDLASS_TEST_FAIL_POINT";
const KEYS: [(&str, &str); 2] = [("S3_KEY", "key"), ("S3_SECRET", "secret")];
/// More than one part of a file in a bucket.
const LARGE_BYTES: usize = 9_000_000;
/// Uploads while the bucket is away: more than bodies are taken at once.
const MANY: usize = 20;

fn begin(bucket: &Bucket) -> (Master, String) {
    let mut master = Master::new(CONFIGURATION);
    master.configure_master(&bucket.lines(true));
    master.set(&KEYS);
    let token = master.user("emil", "engineer");
    (master, token)
}

fn bucket(folder: &Path) -> Option<Bucket> {
    Some(Bucket::start(&tools("the S3 test")?, folder))
}

fn content(seed: usize, bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|at| ((at / 7) * (seed + 3) % 251) as u8)
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Announces a product with one file; the draft.
fn announce(master: &Master, token: &str, version: &str, bytes: &[u8]) -> Value {
    let body = json!({
        "project": "editor", "branch": "main", "target": "any", "version": version,
        "files": [{ "role": "installer", "name": "editor.run", "size": bytes.len(),
                    "sha256": sha256(bytes) }],
    });
    let draft = master.ask("POST", "/api/v1/products", token, Some(&body));
    assert_eq!(draft.status / 100, 2, "{}", draft.text());
    draft.json()
}

fn url(draft: &Value) -> String {
    draft["uploads"][0]["url"]
        .as_str()
        .expect("an upload")
        .to_owned()
}

/// Brings all bytes; `None` when the master went away.
fn put(address: std::net::SocketAddr, token: &str, url: &str, bytes: &[u8]) -> Option<Answer> {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str())];
    http::request(address, "PUT", url, &headers, bytes).ok()
}

/// Commits, and has the product's file compared.
fn commit(master: &Master, token: &str, draft: &Value, bytes: &[u8]) {
    let path = format!("/api/v1/drafts/{}/commit", draft["id"]);
    let product = master.ask("POST", &path, token, None);
    assert_eq!(product.status, 201, "{}", product.text());
    let path = format!("/files/{}/editor.run", sha256(bytes));
    let answer = http::get(master.web(), &path);
    assert!(answer.body == bytes, "{} {path}", answer.status);
}

#[test]
fn a_master_killed_on_the_way_into_a_bucket_stores_the_file_without_its_bytes_again() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let Some(bucket) = bucket(folder.path()) else {
        return;
    };
    let (mut master, token) = begin(&bucket);
    let points = [
        "store.part",
        "store.uploaded",
        "store.finished",
        "upload.complete",
    ];
    for (number, point) in points.into_iter().enumerate() {
        let bytes = content(number, LARGE_BYTES);
        let [key, secret] = KEYS;
        master.set(&[key, secret, (VARIABLE, point)]);
        master.start();
        let draft = announce(&master, &token, &format!("1.{number}"), &bytes);
        let answer = put(master.web(), &token, &url(&draft), &bytes);
        assert!(answer.is_none(), "{point} was never reached: {answer:?}");
        master.kill();
        master.set(&KEYS);
        master.start();
        wait::until(&format!("the file is stored after {point}"), || {
            let told = master.get(&url(&draft), &token).json();
            let size = u64::try_from(bytes.len()).expect("small");
            assert_eq!(told["received"].as_u64(), Some(size), "{point}: {told}");
            (told["state"] == "complete").then_some(())
        });
        commit(&master, &token, &draft, &bytes);
        let left = fs::read_dir(master.path("data/uploads"));
        assert_eq!(left.into_iter().flatten().count(), 0, "{point}");
        master.stop();
    }
    assert_eq!(bucket.list().matches("<Key>").count(), points.len());
}

#[test]
fn uploads_go_on_while_the_bucket_is_away_and_are_stored_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let Some(bucket) = bucket(folder.path()) else {
        return;
    };
    let (mut master, token) = begin(&bucket);
    master.start();
    let web = master.web();
    fs::write(master.path("big.run"), content(99, LARGE_BYTES)).expect("written");
    bucket.pause();
    let mut command = Command::new(windlass());
    command
        .args([
            "product",
            "record",
            "--project",
            "editor",
            "--branch",
            "main",
        ])
        .args([
            "--target",
            "big",
            "--version",
            "9.0",
            "--file",
            "installer=big.run",
        ])
        .env("WINDLASS_URL", format!("http://{web}"))
        .env("WINDLASS_TOKEN", &token)
        .current_dir(master.path(""));
    let mut command = Background::start(command, &master.path("record.log"));
    let all: Vec<(Value, Vec<u8>)> = (0..MANY)
        .map(|number| {
            let bytes = content(number, 100_000 + number);
            (
                announce(&master, &token, &format!("2.{number}"), &bytes),
                bytes,
            )
        })
        .collect();
    let senders: Vec<_> = all
        .iter()
        .map(|(draft, bytes)| {
            let (token, url, bytes) = (token.clone(), url(draft), bytes.clone());
            thread::spawn(move || put(web, &token, &url, &bytes))
        })
        .collect();
    // All of them are here, though none is in the bucket: no one keeps another from coming.
    wait::until("the bytes of every upload are here", || {
        let is_here = |(draft, bytes): &(Value, Vec<u8>)| {
            let told = master.get(&url(draft), &token).json();
            assert_eq!(told["state"], "open", "the bucket is away: {told}");
            told["received"].as_u64() == u64::try_from(bytes.len()).ok()
        };
        all.iter().all(is_here).then_some(())
    });
    // One more request for a file that is on its way to the bucket is told to come again.
    let (draft, bytes) = &all[0];
    let again = put(web, &token, &url(draft), bytes).expect("an answer");
    assert_eq!(again.status, 429, "{}", again.text());
    super::bucket::away();
    let list = master.get("/api/v1/products", "").json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(0), "{list}");
    bucket.resume();
    for sender in senders {
        // Who waits for less long than the bucket is away hangs up, and the file is stored all the same.
        if let Some(answer) = sender.join().expect("it ended") {
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    for (draft, bytes) in &all {
        wait::until("the file is in the bucket", || {
            let told = master.get(&url(draft), &token).json();
            (told["state"] == "complete").then_some(())
        });
        commit(&master, &token, draft, bytes);
    }
    let ended = command.wait();
    let told = fs::read_to_string(master.path("record.log")).unwrap_or_default();
    assert!(ended.success(), "{told}");
    let list = master.get("/api/v1/products?version=9.0", "").json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
    assert!(!master.log().contains("internal error"), "{}", master.log());
}
