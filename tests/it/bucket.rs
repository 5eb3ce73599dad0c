//! Products in a bucket of a real S3 service: stored, served, away for a while, moved there and back
//! while they are downloaded.

use std::fs;
use std::path::Path;
use std::time::Duration;

use windlass_tests::bucket::Bucket;
use windlass_tests::git::Repository;
use windlass_tests::http::{self, Answer};
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::tools;
use windlass_tests::wait;

/// Two files, one of several parts, no two places of it alike.
const STEPS: &str = "  { source = \"editor\" },\n  { run = \"seq 1 4000000 > editor-1.0.tar; echo 1 > editor-1.0.txt\" },\n  \
     { product = [\"*.tar\", \"*.txt\"], version = \"1.0\", target = \"any\" },";

/// How long a bucket is away, seconds: as long as a person notices. The long form is
/// `WINDLASS_TEST_S3_AWAY=60 tests/run bucket`.
const AWAY_SECONDS: u64 = 6;

/// Lets that time pass: there is nothing to wait for.
pub(super) fn away() {
    let asked = std::env::var("WINDLASS_TEST_S3_AWAY").ok();
    let seconds = asked.map_or(AWAY_SECONDS, |text| text.parse().expect("seconds"));
    std::thread::sleep(Duration::from_secs(seconds));
}

/// The path of each file of the first product.
fn files(master: &Master) -> Vec<String> {
    let product = master.get("/api/v1/products/1", "").json();
    let files = product["files"].as_array().cloned().unwrap_or_default();
    let path = |file: &serde_json::Value| {
        let part = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
        format!("/files/{}/{}", part("sha256"), part("name"))
    };
    files.iter().map(path).collect()
}

fn blobs_in(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_hash = |name: &str| name.len() == 64;
    entries
        .map(|entry| match entry.path().is_dir() {
            true => blobs_in(&entry.path()),
            false => usize::from(is_hash(&entry.file_name().to_string_lossy())),
        })
        .sum()
}

fn part(master: &Master, path: &str) -> Answer {
    let range = [("Range", "bytes=9000000-9000099,0-9")];
    http::request(master.web(), "GET", path, &range, &[]).expect("an answer")
}

#[test]
fn a_bucket_holds_products_goes_away_and_is_left_again_while_files_are_served() {
    let Some(tools) = tools("the S3 test") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a scratch folder");
    let bucket = Bucket::start(&tools, folder.path());
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let mut master = Master::new(&small_configuration(&repository, STEPS, ""));
    master.configure_master(&bucket.lines(true));
    master.set(&[("S3_KEY", "key"), ("S3_SECRET", "secret")]);
    let admin = master.user("ada", "admin");
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    let paths = files(&master);
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert_eq!(bucket.list().matches("<Key>").count(), 2);
    assert_eq!(blobs_in(&master.path("data/blobs")), 0);
    let whole: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| http::get(master.web(), path).body)
        .collect();
    let large = usize::from(whole[1].len() > whole[0].len());
    assert!(whole[large].starts_with(b"1\n2\n3\n") && whole[large].len() > 20_000_000);
    assert!(part(&master, &paths[large]).body.len() > 110);

    // Away: a clear answer and no fault of ours, and nothing is forgotten.
    bucket.pause();
    let answer = http::get(master.web(), &paths[large]);
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    bucket.resume();
    wait::until("the file is served again", || {
        let answer = http::get(master.web(), &paths[large]);
        (answer.status == 200).then(|| assert!(answer.body == whole[large]))
    });

    for (to, here, there) in [("local", 2, 0), ("s3", 0, 2)] {
        let body = serde_json::json!({ "to": to });
        let moved = master.ask("POST", "/api/v1/stores/move", &admin, Some(&body));
        assert_eq!(moved.status, 202, "{}", moved.text());
        wait::until("every file was moved", || {
            for (path, whole) in paths.iter().zip(&whole) {
                let answer = http::get(master.web(), path);
                assert_eq!(answer.status, 200, "{}", answer.text());
                assert!(answer.body == *whole, "{path} while it is moved");
            }
            let stores = master.get("/api/v1/stores", &admin).json();
            stores["moving_to"].is_null().then_some(())
        });
        assert_eq!(blobs_in(&master.path("data/blobs")), here, "{to}");
        assert_eq!(bucket.list().matches("<Key>").count(), there, "{to}");
    }
    master.stop();
    assert!(!master.log().contains("internal error"), "{}", master.log());
}

#[test]
fn a_build_waits_for_a_bucket_that_is_away_for_a_while() {
    let Some(tools) = tools("the S3 test") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a scratch folder");
    let bucket = Bucket::start(&tools, folder.path());
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let mut master = Master::new(&small_configuration(&repository, STEPS, ""));
    master.configure_master(&bucket.lines(true));
    master.set(&[("S3_KEY", "key"), ("S3_SECRET", "secret")]);
    bucket.pause();
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    wait::until("the product is being stored", || {
        let temporary = master.path("data/blobs/tmp");
        let mut entries = fs::read_dir(temporary).ok()?.flatten();
        entries.next().map(|_| ())
    });
    away();
    let list = master.get("/api/v1/products", "").json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(0), "{list}");
    bucket.resume();
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    assert_eq!(files(&master).len(), 2);
}
