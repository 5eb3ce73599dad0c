//! electron-updater itself, in plain Node: it finds an update, fetches only what is new of it by
//! ranges, checks it, gets none when it has the newest and is never moved down. It does the same
//! with files that were published to a bucket, while the master is away.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use windlass_tests::bucket::{BUCKET, Bucket};
use windlass_tests::git::Repository;
use windlass_tests::http;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::{run, tools};
use windlass_tests::wait;

const STEPS: &str = "  { source = \"editor\" },\n  \
     { product = { installer = \"*.exe\", blockmap = \"*.blockmap\" }, version = \"1.{buildnumber}.0\", \
     target = \"x86_64-windows\" },";
/// Bytes of a block in the block maps of the test.
const BLOCK_BYTES: usize = 16 * 1024;
const BLOCKS: usize = 96;

/// Bytes that do not compress and are the same in every run.
fn noise(seed: u32, size: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..size).map(|_| next()).collect()
}

/// Commits the installer of a version with its block map.
fn release(repository: &Repository, node: &Node, version: &str, bytes: &[u8]) {
    for old in fs::read_dir(repository.dir()).expect("readable").flatten() {
        let name = old.file_name();
        if name.to_string_lossy().starts_with("Editor-") {
            fs::remove_file(old.path()).expect("removed");
        }
    }
    let name = format!("Editor-{version}.exe");
    repository.write(&name, bytes);
    let file = repository.dir().join(&name);
    node.run(&["blockmap", &file.display().to_string()]);
    repository.commit(&format!("Version {version}"));
}

struct Node {
    modules: std::path::PathBuf,
}

impl Node {
    fn run(&self, arguments: &[&str]) -> String {
        let mut node = Command::new("node");
        node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/electron.js"))
            .args(arguments)
            .env("NODE_PATH", &self.modules);
        let outcome = run(node, "");
        assert!(
            outcome.status.success(),
            "{arguments:?}: {}{}",
            outcome.stdout,
            outcome.stderr
        );
        outcome.stdout
    }

    fn update(&self, feed: &str, version: &str, cache: &Path, more: &[&str]) -> Value {
        let cache = cache.display().to_string();
        let arguments = [&["update", feed, version, &cache][..], more].concat();
        serde_json::from_str(&self.run(&arguments)).expect("a JSON line")
    }
}

#[test]
fn electron_updater_fetches_what_is_new_by_ranges() {
    let Some(tools) = tools("the test of electron-updater") else {
        return;
    };
    let node = Node {
        modules: tools.join("node/node_modules"),
    };
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    let old = noise(7, BLOCKS * BLOCK_BYTES);
    release(&repository, &node, "1.1.0", &old);
    let mut master = Master::new(&small_configuration(&repository, STEPS, ""));
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    // Every sixth block is another.
    let mut new = old.clone();
    for block in (0..BLOCKS).step_by(6) {
        let start = block * BLOCK_BYTES;
        let seed = u32::try_from(block).expect("few") + 1_000;
        new[start..start + BLOCK_BYTES].copy_from_slice(&noise(seed, BLOCK_BYTES));
    }
    release(&repository, &node, "1.2.0", &new);
    let build = master.finished_build("package", 2);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    let products = master.get("/api/v1/products", "").json();
    let token = products["items"][0]["feed"].as_str().expect("a token");
    let feed = format!("http://{}/update/electron/editor/{token}", master.web());

    // The client keeps the installer that it was installed from.
    let cache = folder.path().join("cache");
    fs::create_dir_all(cache.join("editor")).expect("made");
    fs::write(cache.join("editor/installer.exe"), &old).expect("written");
    let told = node.update(&feed, "1.1.0", &cache, &[]);
    assert_eq!(told["available"], true, "{told:#}");
    assert_eq!(told["version"], "1.2.0");
    let file = told["file"].as_str().expect("a downloaded file");
    assert!(
        fs::read(file).expect("readable") == new,
        "other bytes: {told:#}"
    );
    by_ranges(&told);

    let newest = node.update(&feed, "1.2.0", &folder.path().join("newest"), &[]);
    assert_eq!(newest["available"], false, "{newest:#}");
    // Whatever is set, who says their version is not moved down.
    let above = format!("{feed}?version=2.0.0");
    let kept = node.update(&above, "2.0.0", &folder.path().join("above"), &["down"]);
    assert_eq!(kept["available"], false, "{kept:#}");
}

#[test]
fn electron_updater_is_served_by_a_bucket_while_the_master_is_away() {
    let Some(tools) = tools("the test of electron-updater") else {
        return;
    };
    let node = Node {
        modules: tools.join("node/node_modules"),
    };
    let folder = tempfile::tempdir().expect("a scratch folder");
    let bucket = Bucket::start(&tools, folder.path());
    let repository = Repository::new(&folder.path().join("repository"));
    let new = noise(9, BLOCKS * BLOCK_BYTES);
    release(&repository, &node, "1.1.0", &new);
    let project = "[project.editor]\n";
    let published = format!("{project}publish = \"s3://{BUCKET}/public\"\n");
    let text = small_configuration(&repository, STEPS, "").replacen(project, &published, 1);
    let mut master = Master::new(&text);
    let address = bucket.address();
    master.configure_master(&format!(
        "blobs = \"s3://{BUCKET}/builds\"\ns3 = {{ endpoint = \"http://{address}\", key = {{ env = \
         \"S3_KEY\" }}, secret = {{ env = \"S3_SECRET\" }}, new_files = false }}"
    ));
    master.set(&[("S3_KEY", "key"), ("S3_SECRET", "secret")]);
    master.start();
    let agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    let products = master.get("/api/v1/products", "").json();
    let token = products["items"][0]["feed"].as_str().expect("a token");
    // The same bytes as the master's own answers, at the same paths.
    for path in [
        format!("/update/electron/editor/{token}/latest.yml"),
        format!("/update/manifest/editor/{token}/x86_64-pc-windows-msvc/manifest.json"),
        format!("/update/appcast/editor/{token}/windows.xml"),
    ] {
        let there = format!("/{BUCKET}/public{path}");
        let look = || {
            let is_there = bucket.list().contains(&format!("public{path}<"));
            is_there.then_some(())
        };
        let explain = || format!("{}\n{}", bucket.list(), master.log());
        wait::until_or(&format!("{path} is published"), look, explain);
        bucket.open_to_everybody();
        let published = http::get(address, &there);
        assert_eq!(published.status, 200, "{path}: {}", published.text());
        let told = http::get(master.web(), &path);
        assert_eq!(told.status, 200, "{path}: {}", told.text());
        assert_eq!(published.text(), told.text(), "{path}");
        let caching = published.header("cache-control");
        assert_eq!(caching, Some("public, max-age=60"), "{path}");
    }
    drop(agent);
    master.stop();

    let feed = format!("http://{address}/{BUCKET}/public/update/electron/editor/{token}");
    let told = node.update(&feed, "1.0.0", &folder.path().join("cache"), &["whole"]);
    assert_eq!(told["version"], "1.1.0", "{told:#}");
    let file = told["file"].as_str().expect("a downloaded file");
    assert!(fs::read(file).expect("readable") == new, "{told:#}");
    let newest = node.update(&feed, "1.1.0", &folder.path().join("newest"), &[]);
    assert_eq!(newest["available"], false, "{newest:#}");
}

/// The download was one request of many ranges, and a fraction of the file.
fn by_ranges(told: &Value) {
    let requests = told["requests"].as_array().expect("a list");
    let fits = |request: &&Value| request["ranges"].as_u64() > Some(1);
    let many: Vec<&Value> = requests.iter().filter(fits).collect();
    let [download] = many.as_slice() else {
        panic!("not one request of many ranges: {told:#}");
    };
    assert_eq!(download["ranges"], BLOCKS / 6, "{told:#}");
    assert_eq!(download["status"], 206, "{told:#}");
    let kind = download["kind"].as_str().unwrap_or_default();
    assert!(kind.starts_with("multipart/byteranges"), "{told:#}");
    let maps = requests.iter().filter(|request| {
        let path = request["path"].as_str().unwrap_or_default();
        path.ends_with(".blockmap") && request["status"] == 200
    });
    assert_eq!(maps.count(), 2, "of the old and of the new build: {told:#}");
    let bytes: u64 = requests
        .iter()
        .filter_map(|one| one["bytes"].as_u64())
        .sum();
    let whole = (BLOCKS * BLOCK_BYTES) as u64;
    assert!(bytes < whole / 4, "{bytes} of {whole} bytes: {told:#}");
}
