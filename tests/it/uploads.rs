//! Products that come by REST and by command: a master that is killed at every point of an upload
//! and of a commit, what is seen then, and that it goes on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use windlass::failpoints::POINTS;
use windlass_tests::http::{self, Answer};
use windlass_tests::master::Master;
use windlass_tests::programs::{Background, windlass};
use windlass_tests::wait;

const CONFIGURATION: &str =
    "[project.editor]\ntitle = \"Acme Editor\"\n\n[uploads]\nreserve = \"0 B\"\n";
const VARIABLE: &str = "WINDLASS_TEST_FAIL_POINT";
/// Bytes of one request; each file takes a few.
const CHUNK: usize = 70_000;

/// A file of `bytes` bytes that no other version has.
fn content(version: &str, bytes: usize) -> Vec<u8> {
    let mut block = Sha256::digest(version.as_bytes()).to_vec();
    let mut content = Vec::new();
    while content.len() < bytes {
        content.extend_from_slice(&block);
        block = Sha256::digest(&block).to_vec();
    }
    content.truncate(bytes);
    content
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn files(version: &str) -> [(String, Vec<u8>); 2] {
    [
        (format!("editor-{version}.run"), content(version, 200_000)),
        (
            format!("editor-{version}.zip"),
            content(&format!("{version}+"), 90_000),
        ),
    ]
}

/// A request of emil; `None` when the master went away.
fn ask(
    master: &Master,
    token: &str,
    method: &str,
    path: &str,
    more: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("Authorization", bearer.as_str())];
    headers.extend(more);
    http::request(master.web(), method, path, &headers, body).ok()
}

fn announce(master: &Master, token: &str, version: &str, key: &str) -> Option<Value> {
    let list: Vec<Value> = files(version)
        .iter()
        .map(|(name, bytes)| {
            json!({ "role": "installer", "name": name, "size": bytes.len(), "sha256": sha256(bytes) })
        })
        .collect();
    let body = json!({
        "project": "editor", "branch": "main", "target": "x86_64-linux", "version": version,
        "files": list,
    });
    let more = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", key),
    ];
    let body = body.to_string();
    let answer = ask(
        master,
        token,
        "POST",
        "/api/v1/products",
        &more,
        body.as_bytes(),
    )?;
    assert_eq!(answer.status / 100, 2, "{}", answer.text());
    Some(answer.json())
}

fn put(master: &Master, token: &str, url: &str, bytes: &[u8], first: usize) -> Option<Answer> {
    let last = (first + CHUNK).min(bytes.len());
    let range = format!("bytes {first}-{}/{}", last - 1, bytes.len());
    let more = [("Content-Range", range.as_str())];
    ask(master, token, "PUT", url, &more, &bytes[first..last])
}

/// Brings what is missing of a file, wherever it goes on.
fn bring(master: &Master, token: &str, url: &str, bytes: &[u8]) -> Option<()> {
    loop {
        let told = ask(master, token, "GET", url, &[], &[])?.json();
        if told["state"] == "complete" {
            return Some(());
        }
        let first = usize::try_from(told["received"].as_u64()?).ok()?;
        let answer = put(master, token, url, bytes, first)?;
        assert!(matches!(answer.status, 200 | 409), "{}", answer.text());
    }
}

/// One whole life: a draft that is given up, a wrong content, both files, two commits. `None` when
/// the master went away.
fn story(master: &Master, token: &str, version: &str) -> Option<Value> {
    let other = format!("{version}-given-up");
    let given_up = announce(master, token, &other, &other)?;
    let url = given_up["uploads"][0]["url"].as_str()?.to_owned();
    put(master, token, &url, &files(&other)[0].1, 0)?;
    let path = format!("/api/v1/drafts/{}", given_up["id"]);
    ask(master, token, "DELETE", &path, &[], &[])?;
    let draft = announce(master, token, version, version)?;
    let files = files(version);
    let first = draft["uploads"][0].clone();
    if first["state"] == "open" && first["received"] == 0 {
        let wrong = content("wrong", files[0].1.len());
        let more = [("Content-Type", "application/octet-stream")];
        let url = first["url"].as_str()?;
        let answer = ask(master, token, "PUT", url, &more, &wrong)?;
        assert_eq!(answer.status, 422, "{}", answer.text());
        let again = put(master, token, url, &files[0].1, 0)?;
        assert_eq!(again.status, 200, "it may come again: {}", again.text());
    }
    for (upload, (_, bytes)) in draft["uploads"].as_array()?.iter().zip(&files) {
        bring(master, token, upload["url"].as_str()?, bytes)?;
    }
    let path = format!("/api/v1/drafts/{}/commit", draft["id"]);
    let answer = ask(master, token, "POST", &path, &[], &[])?;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let again = ask(master, token, "POST", &path, &[], &[])?;
    assert_eq!(
        (again.status, again.json()),
        (201, answer.json()),
        "the same answer"
    );
    Some(answer.json())
}

/// The products of this version, each with all its files to be had.
fn whole_products(master: &Master, version: &str) -> usize {
    let list = master
        .get(&format!("/api/v1/products?version={version}"), "")
        .json();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    for item in &items {
        let product = master
            .get(&format!("/api/v1/products/{}", item["id"]), "")
            .json();
        let told = product["files"].as_array().cloned().unwrap_or_default();
        assert_eq!(told.len(), 2, "{product}");
        for (name, bytes) in files(version) {
            let address = format!("/files/{}/{name}", sha256(&bytes));
            let answer = http::get(master.web(), &address);
            assert!(answer.status == 200 && answer.body == bytes, "{address}");
        }
    }
    items.len()
}

/// Names below a folder that is there or not.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Every byte in `uploads` is of an open file, every one in `blobs` of a complete one or of a
/// product, and each content is what its name says.
fn unexplained(master: &Master, token: &str) -> Vec<String> {
    let (mut parts, mut contents) = (BTreeSet::new(), BTreeSet::new());
    let drafts = master.get("/api/v1/drafts", token).json();
    for draft in drafts["items"].as_array().into_iter().flatten() {
        for upload in draft["uploads"].as_array().into_iter().flatten() {
            if upload["state"] == "complete" {
                contents.insert(upload["sha256"].as_str().unwrap_or_default().to_owned());
            } else {
                parts.insert(format!("{}.part", upload["id"]));
            }
        }
    }
    let mut next = Some("/api/v1/products".to_owned());
    while let Some(path) = next {
        let page = master.get(&path, "").json();
        for item in page["items"].as_array().into_iter().flatten() {
            let product = master
                .get(&format!("/api/v1/products/{}", item["id"]), "")
                .json();
            for file in product["files"].as_array().into_iter().flatten() {
                contents.insert(file["sha256"].as_str().unwrap_or_default().to_owned());
            }
        }
        next = page["next"].as_str().map(str::to_owned);
    }
    let mut left: Vec<String> = names(&master.path("data/uploads"))
        .difference(&parts)
        .cloned()
        .collect();
    left.extend(names(&master.path("data/blobs/tmp")));
    for folder in names(&master.path("data/blobs"))
        .iter()
        .filter(|name| name.len() == 2)
    {
        let folder = master.path("data/blobs").join(folder);
        for name in names(&folder) {
            let bytes = fs::read(folder.join(&name)).unwrap_or_default();
            if !contents.contains(&name) || sha256(&bytes) != name {
                left.push(name);
            }
        }
    }
    left
}

#[test]
fn a_master_killed_at_any_point_of_an_upload_shows_nothing_half_and_goes_on() {
    let mut master = Master::new(CONFIGURATION);
    let token = master.user("emil", "engineer");
    let ours = |point: &&&str| point.starts_with("upload.") || point.starts_with("commit.");
    let once = POINTS.iter().filter(ours).map(|point| format!("{point}:1"));
    let later = [
        "upload.begun",
        "upload.written",
        "upload.synced",
        "upload.saved",
    ]
    .iter()
    .map(|point| format!("{point}:4"));
    let points: Vec<String> = once
        .chain(later)
        .chain(["upload.moved:2".to_owned()])
        .collect();
    assert!(points.len() > 15, "{points:?}");
    for (number, point) in points.iter().enumerate() {
        let version = format!("1.{number}.0");
        master.set(&[(VARIABLE, point)]);
        master.start();
        assert!(
            story(&master, &token, &version).is_none(),
            "{point} was never reached"
        );
        master.kill();
        master.set(&[]);
        master.start();
        assert!(whole_products(&master, &version) <= 1, "{point}");
        wait::until(&format!("every byte is explained after {point}"), || {
            let left = unexplained(&master, &token);
            left.is_empty().then_some(())
        });
        let product = story(&master, &token, &version);
        assert!(product.is_some(), "{point}: {}", master.log());
        assert_eq!(whole_products(&master, &version), 1, "{point}");
        assert!(names(&master.path("data/uploads")).is_empty(), "{point}");
        assert_eq!(
            unexplained(&master, &token),
            Vec::<String>::new(),
            "{point}"
        );
        master.stop();
    }
}

#[test]
fn the_command_goes_on_when_the_master_falls_over_and_uploads_nothing_twice() {
    let mut master = Master::new(CONFIGURATION);
    let token = master.user("emil", "engineer");
    let bytes = content("big", 40_000_000);
    fs::write(master.path("editor.run"), &bytes).expect("a file to record");
    master.set(&[(VARIABLE, "upload.saved:3")]);
    master.start();
    let record = |master: &Master| {
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
                "x86_64-linux",
                "--version",
                "2.0",
                "--revision",
                "abc123",
            ])
            .args([
                "--file",
                "installer=editor.run",
                "--property",
                "flavour=release",
            ])
            .env("WINDLASS_URL", format!("http://{}", master.web()))
            .env("WINDLASS_TOKEN", &token)
            .current_dir(master.path(""));
        Background::start(command, &master.path("record.log"))
    };
    let mut command = record(&master);
    wait::until("the master fell over", || {
        http::request(master.web(), "GET", "/healthz", &[], &[]).err()
    });
    master.kill();
    master.set(&[]);
    master.start();
    let mut again = record(&master);
    let told = || fs::read_to_string(master.path("record.log")).unwrap_or_default();
    assert!(command.wait().success(), "{}", told());
    assert!(again.wait().success(), "{}", told());
    let list = master.get("/api/v1/products", "").json();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(items.len(), 1, "{list}");
    let answer = http::get(
        master.web(),
        &format!("/files/{}/editor.run", sha256(&bytes)),
    );
    assert!(answer.body == bytes, "the file is another");
    // Beside the master, in its data folder.
    let shown = master.command(&["product", "show", "1", "--json"], "");
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["revision"], "abc123");
}

#[test]
fn what_has_no_room_is_refused_before_its_body() {
    let full = CONFIGURATION.replace("0 B", "900 TB");
    let mut master = Master::new(&full);
    let token = master.user("emil", "engineer");
    master.start();
    let body = json!({
        "project": "editor", "branch": "main", "target": "x86_64-linux", "version": "1.0",
        "files": [{ "role": "installer", "name": "a.run", "size": 1000 }],
    });
    let refused = master.ask("POST", "/api/v1/products", &token, Some(&body));
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert_eq!(
        refused.header("content-type"),
        Some("application/problem+json")
    );
    master.stop();
    master.configure(CONFIGURATION);
    master.start();
    let draft = master
        .ask("POST", "/api/v1/products", &token, Some(&body))
        .json();
    master.stop();
    master.configure(&full);
    master.start();
    let url = draft["uploads"][0]["url"]
        .as_str()
        .expect("an upload")
        .to_owned();
    let answer = ask(&master, &token, "PUT", &url, &[], &[7; 1000]).expect("an answer");
    assert_eq!(answer.status, 507, "{}", answer.text());
    assert!(names(&master.path("data/uploads")).is_empty());
}
