//! The master's memory while much passes through it: files from agents and by REST into the store,
//! out to downloads, and a slow reader. `WINDLASS_TEST_BIG=20GB` is the long form.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};

/// Most resident memory of the master, MB, whatever passes through it.
const RESIDENT_MAX: u64 = 80;
/// Bytes of one file: a large installer.
const FILE_BYTES_MAX: u64 = 2_000_000_000;

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

/// Resident memory of a process, MB, without the pages of its program, which a build for tests has
/// four times as many of as a released one.
fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1000
}

/// Watches the resident memory until dropped.
struct Watch {
    highest: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    fn of(id: u32) -> Self {
        let watch = Self {
            highest: Arc::default(),
            stop: Arc::default(),
        };
        let (highest, stop) = (Arc::clone(&watch.highest), Arc::clone(&watch.stop));
        thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                highest.fetch_max(resident(id), Ordering::SeqCst);
                thread::sleep(Duration::from_millis(50));
            }
        });
        watch
    }

    fn highest(&self) -> u64 {
        self.highest.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// Asks for a file and counts its bytes without keeping them.
fn download(master: &Master, path: &str) -> u64 {
    let mut stream = ask(master, path);
    let mut buffer = vec![0; 1 << 16];
    let mut head = Vec::new();
    let mut body = 0;
    loop {
        let read = stream.read(&mut buffer).expect("the download goes on");
        if read == 0 {
            return body;
        }
        if body > 0 {
            body += read as u64;
            continue;
        }
        head.extend_from_slice(&buffer[..read]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            assert!(head.starts_with(b"HTTP/1.1 200"), "{path}");
            body = (head.len() - end - 4) as u64;
        }
    }
}

fn ask(master: &Master, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(master.web()).expect("the master listens");
    let host = master.web();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is asked");
    stream
}

#[test]
fn memory_stays_flat_while_files_come_and_go() {
    let wanted = bytes_wanted();
    let count = wanted.div_ceil(FILE_BYTES_MAX).max(2);
    let each = wanted / count;
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
    let mut master = Master::new(&small_configuration(&repository, &steps, ""));
    master.start();
    let watch = Watch::of(master.id());
    let _agent = master.agent("linux-1", master.agents());
    let build = loop {
        // The long form takes longer than one wait.
        let list = master.get("/api/v1/builds", "").json();
        let state = list["items"][0]["state"].as_str().unwrap_or_default();
        if state == "finished" {
            break list["items"][0].clone();
        }
        thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    let stored = watch.highest();
    let product = master.get("/api/v1/products/1", "").json();
    let paths: Vec<String> = product["files"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|file| {
            let part = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
            format!("/files/{}/{}", part("sha256"), part("name"))
        })
        .collect();
    assert_eq!(paths.len() as u64, count);

    // Twenty who take nothing, while others take everything.
    let stalled: Vec<TcpStream> = (0..20).map(|_| ask(&master, &paths[0])).collect();
    for path in &paths {
        assert_eq!(download(&master, path), each, "{path}");
    }
    drop(stalled);
    let highest = watch.highest();
    println!("resident: {stored} MB while stored, {highest} MB at most, for {wanted} bytes");
    assert!(
        highest <= RESIDENT_MAX,
        "{highest} MB resident for {wanted} bytes"
    );
}
