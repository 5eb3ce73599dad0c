//! The master's memory while much passes through it: files from an agent and by REST into the
//! store, out to downloads whole and in ranges, several at once and to slow readers, and off the
//! disk by collection. `WINDLASS_TEST_BIG=20GB` is the long form; with the path of a released
//! program in `WINDLASS_TEST_PROGRAM` all that is resident counts, the pages of the program too.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::{Value, json};
use windlass_tests::git::Repository;
use windlass_tests::http;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::wait;

use memory::{Peak, Watch};
use traffic::{ask, download, ranges, send, take};

mod memory;
mod traffic;

/// Most memory of the master, MB, whatever passes through it.
const RESIDENT_MAX: u64 = 80;
/// Bytes of one file: a large installer.
const FILE_BYTES_MAX: u64 = 2_000_000_000;
/// The least that collection leaves, so that what is big may go; the newest is small.
const POLICY: &str = "[retention.default]\nkeep_newest = 1\nkeep_newest_good = 0\n\
     keep_days = 1\ngrace_days = 0\ntrash_days = 1\n";
/// Ten days in microseconds: longer than anything waits here.
const TEN_DAYS: i64 = 864_000_000_000;

/// Bytes that pass through: `WINDLASS_TEST_BIG` in MB or GB, 200 MB without it.
fn bytes_wanted() -> u64 {
    let text = std::env::var("WINDLASS_TEST_BIG").unwrap_or_else(|_| "200MB".to_owned());
    let (digits, factor) = match text.trim_end_matches('B') {
        text if text.ends_with('G') => (text.trim_end_matches('G'), 1_000_000_000),
        text => (text.trim_end_matches('M'), 1_000_000),
    };
    let number: u64 = digits.trim().parse().expect("a number and MB or GB");
    number * factor
}

/// So many files of so many bytes.
#[derive(Clone, Copy)]
struct Load {
    count: u64,
    each: u64,
}

impl Load {
    fn of(bytes: u64) -> Self {
        let count = bytes.div_ceil(FILE_BYTES_MAX).max(2);
        Self {
            count,
            each: bytes / count,
        }
    }
}

/// Waits for what takes longer than one wait in the long form.
fn in_time<T>(what: &str, load: Load, mut look: impl FnMut() -> Option<T>) -> T {
    // A slow disk writes 20 MB a second.
    let most = Duration::from_secs(60 + load.count * load.each / 20_000_000);
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < most, "{what}: not in {most:?}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// A product step brings files from an agent; returns where they are to be had.
fn by_agent(master: &Master, load: Load) -> Vec<String> {
    let _agent = master.agent("linux-1", master.agents());
    let build = in_time("the build ends", load, || {
        let list = master.get("/api/v1/builds", "").json();
        let build = &list["items"][0];
        (build["state"] == "finished").then(|| build.clone())
    });
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    let product = master.get("/api/v1/products/1", "").json();
    paths(&product, load)
}

fn paths(product: &Value, load: Load) -> Vec<String> {
    let files = product["files"].as_array().expect("files");
    assert_eq!(files.len() as u64, load.count, "{product}");
    let path = |file: &Value| {
        let part = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(file["size"], load.each, "{file}");
        format!("/files/{}/{}", part("sha256"), part("name"))
    };
    files.iter().map(path).collect()
}

/// Records a product by REST, two of its files on their way at once.
fn by_rest(master: &Master, token: &str, version: &str, load: Load) -> Value {
    let files: Vec<Value> = (0..load.count)
        .map(|n| json!({ "role": "installer", "name": format!("{n}.tar"), "size": load.each }))
        .collect();
    let record = json!({
        "project": "editor", "branch": "main", "target": "any", "version": version,
        "position": 1_000, "files": files,
    });
    let draft = master.ask("POST", "/api/v1/products", token, Some(&record));
    assert_eq!(draft.status / 100, 2, "{}", draft.text());
    let draft = draft.json();
    let uploads = draft["uploads"].as_array().expect("uploads");
    for pair in uploads.chunks(2) {
        thread::scope(|scope| {
            for upload in pair {
                scope.spawn(move || {
                    let url = upload["url"].as_str().expect("an address");
                    let front = format!("{version} {url}\n");
                    let answer = send(master, token, url, &front, load.each);
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                });
            }
        });
    }
    let path = format!("/api/v1/drafts/{}/commit", draft["id"]);
    let product = master.ask("POST", &path, token, None);
    assert_eq!(product.status, 201, "{}", product.text());
    product.json()
}

/// Everything goes out, to fast readers and slow ones.
fn read_all(master: &Master, paths: &[String], load: Load) {
    // Twenty who take nothing, and one who takes little, while others take everything.
    let stalled: Vec<_> = (0..20).map(|_| ask(master, &paths[0], "")).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            let most = load.each.min(20_000_000);
            let (status, _) = take(ask(master, &paths[0], ""), Duration::from_millis(10), most);
            assert_eq!(status, "200");
        });
        for four in paths.chunks(4) {
            let takers: Vec<_> = four
                .iter()
                .map(|path| scope.spawn(move || (path, download(master, path))))
                .collect();
            for taker in takers {
                let (path, bytes) = taker.join().expect("a download");
                assert_eq!(bytes, load.each, "{path}");
            }
        }
    });
    let (last, tenth) = (load.each - 1, load.each / 10);
    for path in paths {
        assert_eq!(ranges(master, path, &[(tenth, last)]), load.each - tenth);
        let parts: Vec<(u64, u64)> = (0..9).map(|n| (n * tenth, n * tenth + 999)).collect();
        assert!(ranges(master, path, &parts) > 9_000, "{path}");
    }
    drop(stalled);
}

/// Puts a product into the trash.
fn collect(master: &Master, token: &str, id: &Value) {
    let path = format!("/api/v1/products/{id}");
    let (bearer, tag) = (
        format!("Bearer {token}"),
        format!("\"{}\"", master.get(&path, token).json()["row_version"]),
    );
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", bearer.as_str()),
        ("If-Match", tag.as_str()),
    ];
    let body = json!({ "reason": "it was read" }).to_string();
    let answer = http::request(master.web(), "DELETE", &path, &headers, body.as_bytes());
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 204, "{}", answer.text());
}

/// Lets ten days pass for what rests in the trash, while the master rests.
fn let_days_pass(master: &Master) {
    let path = master.path("data/windlass.sqlite");
    let mut conn = SqliteConnection::establish(&path.to_string_lossy()).expect("a database");
    let text = format!(
        "UPDATE products SET expired_at = expired_at - {TEN_DAYS}; \
         UPDATE blobs SET condemned_at = condemned_at - {TEN_DAYS}, \
         touched_at = touched_at - {TEN_DAYS}"
    );
    conn.batch_execute(&text).expect("days pass");
}

/// Bytes of all files below a folder.
fn bytes_below(folder: &Path) -> u64 {
    let all = fs::read_dir(folder).into_iter().flatten().flatten();
    all.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes_below(&entry.path()),
        _ => entry.metadata().map_or(0, |found| found.len()),
    })
    .sum()
}

/// Everything that is big leaves the disk; returns the highest memory of the masters that did it.
fn leave(master: &mut Master, load: Load) -> Peak {
    let mut peak = Peak::default();
    let trash = master.path("data/blobs/trash");
    let store = master.path("data/blobs");
    let total = load.count * load.each;
    type Look<'a> = (&'a str, &'a dyn Fn() -> bool);
    let is_trashed = || bytes_below(&trash) >= total;
    let is_gone = || bytes_below(&store) < 1_000_000;
    let looks: [Look<'_>; 2] = [
        ("all is in the store's trash", &is_trashed),
        ("all is gone", &is_gone),
    ];
    for (what, look) in looks {
        master.stop();
        let_days_pass(master);
        master.start();
        let watch = Watch::of(master.id());
        wait::until(what, || look().then_some(()));
        peak = peak.or(watch.peak());
    }
    peak
}

#[test]
fn memory_stays_flat_while_files_come_are_read_and_go() {
    let wanted = bytes_wanted();
    let load = Load::of(wanted / 2);
    let Load { count, each } = load;
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    // A beginning of its own for each file, and a hole behind it: nothing is compared but hashes.
    let make = format!(
        "for n in $(seq {count}); do echo $n > editor-$n.tar; truncate -s {each} editor-$n.tar; done"
    );
    let steps = format!(
        "  {{ source = \"editor\" }},\n  {{ run = \"{make}\" }},\n  \
         {{ product = \"*.tar\", version = \"1.0\", target = \"any\" }},"
    );
    let mut master = Master::new(&small_configuration(&repository, &steps, POLICY));
    let token = master.user("emil", "engineer");
    master.start();
    let watch = Watch::of(master.id());
    let mut all = by_agent(&master, load);
    let from_agent = watch.peak();
    let product = by_rest(&master, &token, "2.0", load);
    all.extend(paths(&product, load));
    let from_rest = watch.peak();
    // What is newest stays.
    let small = Load { count: 1, each: 99 };
    by_rest(&master, &token, "3.0", small);
    read_all(&master, &all, load);
    let read = watch.peak();
    for id in [json!(1), product["id"].clone()] {
        collect(&master, &token, &id);
    }
    let peak = watch.peak();
    drop(watch);
    let twice = Load {
        count: 2 * count,
        each,
    };
    let left = leave(&mut master, twice);
    println!("{wanted} bytes: from an agent {from_agent:?}, by REST {from_rest:?}");
    println!("read {read:?}, collected {peak:?}, gone {left:?}");
    let peak = peak.or(left);
    assert!(peak.own <= RESIDENT_MAX, "{peak:?} for {wanted} bytes");
    if std::env::var_os("WINDLASS_TEST_PROGRAM").is_some() {
        assert!(peak.whole <= RESIDENT_MAX, "{peak:?} for {wanted} bytes");
    }
}
