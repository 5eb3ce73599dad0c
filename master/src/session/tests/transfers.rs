//! Trees and files between a master and a real agent.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, PATIENCE};
use super::proxy::Proxy;
use crate::agents::AgentError;
use crate::model::{TreeEntry, TreeKind, TreeStats};
use crate::session::link::{Call, Link};
use crate::session::{ByteSink, EntryKind, Farewell, FileTransfer, LinkError, TreeContents};
use windlass_protocol::ops::{GetResult, Request, StatResult};
use windlass_protocol::tree::Kind;

/// Files of a tree, in memory.
struct Files(Vec<(String, Vec<u8>)>);

impl Files {
    fn entries(&self) -> Vec<TreeEntry> {
        let entry = |(path, bytes): &(String, Vec<u8>)| TreeEntry {
            path: path.clone().into_bytes(),
            kind: TreeKind::File {
                executable: path.ends_with(".sh"),
                size: bytes.len() as u64,
                sha256: Sha256::digest(bytes).into(),
                object: String::new(),
            },
        };
        self.0.iter().map(entry).collect()
    }
}

impl TreeContents for Files {
    fn open(&self, wanted: Vec<usize>) -> mpsc::Receiver<io::Result<Bytes>> {
        let (sender, receiver) = mpsc::channel(4);
        let pieces: Vec<Bytes> = wanted
            .into_iter()
            .map(|index| self.0[index].1.clone().into())
            .collect();
        tokio::spawn(async move {
            for piece in pieces {
                if sender.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
        });
        receiver
    }
}

fn sample() -> Files {
    let file = |n: usize| (format!("src/{:02}/{n:04}.c", n % 30), vec![b'x'; n * 37]);
    let mut files: Vec<_> = (0..600).map(file).collect();
    files.push(("run.sh".to_owned(), b"#!/bin/sh\necho hello\n".to_vec()));
    files.push(("empty".to_owned(), Vec::new()));
    files.push(("large.bin".to_owned(), noise(5_000_000)));
    Files(files)
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..bytes).map(|_| next()).collect()
}

async fn put(
    bench: &Bench,
    agent: crate::ids::AgentId,
    files: &Files,
) -> Result<TreeStats, AgentError> {
    let cancel = CancellationToken::new();
    let entries = files.entries();
    let place = place("b/own-0");
    let put = bench
        .agents
        .tree_put(agent, &place, &entries, files, &cancel);
    tokio::time::timeout(PATIENCE, put).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_tree_sends_only_the_difference() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    let mut files = sample();
    let first = put(&bench, machine.id, &files).await.unwrap();
    assert_eq!((first.entries, first.sent_files), (603, 603));
    let folder = machine.root().join("b/own-0");
    std::fs::write(folder.join("left-over.tar.gz"), "of the build before").unwrap();
    files.0[5].1 = b"changed".to_vec();
    let second = put(&bench, machine.id, &files).await.unwrap();
    assert_eq!((second.entries, second.sent_files), (603, 1));
    assert!(second.sent_bytes < second.total_bytes / 50, "{second:?}");
    for (path, bytes) in &files.0 {
        assert!(
            std::fs::read(folder.join(path)).unwrap() == *bytes,
            "{path}"
        );
    }
    assert!(!folder.join("left-over.tar.gz").exists());
    let mode = std::fs::metadata(folder.join("run.sh"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o100, 0o100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_arrives_whole_over_cuts() {
    let bench = Bench::new().await;
    let proxy = Proxy::start(bench.door, |n| if n < 12 { 400 + n * 60 } else { u64::MAX }).await;
    let machine = bench.machine("linux-1", proxy.address).await;
    let files = sample();
    let stats = put(&bench, machine.id, &files).await.unwrap();
    assert_eq!(stats.entries, 603);
    let large = machine.root().join("b/own-0/large.bin");
    assert!(std::fs::read(large).unwrap() == files.0[602].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_leaves_the_tree_is_refused() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    for path in ["../outside", "/etc/outside", "a/../../outside", "a//b"] {
        let files = Files(vec![(path.to_owned(), b"x".to_vec())]);
        let refused = put(&bench, machine.id, &files).await;
        let is_bad_path =
            matches!(&refused, Err(AgentError::Refused(refusal)) if refusal.code == "bad-path");
        assert!(is_bad_path, "{path}: {refused:?}");
    }
    // And the agent goes on.
    put(&bench, machine.id, &sample()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_that_are_not_what_the_entries_say_fail() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    let files = Files(vec![("a".to_owned(), b"right".to_vec())]);
    let entries = files.entries();
    let cancel = CancellationToken::new();
    for (wrong, is_local) in [
        (&b"short"[..4], true),
        (b"wrong", false),
        (b"too long", true),
    ] {
        let wrong = Files(vec![("a".to_owned(), wrong.to_vec())]);
        let place = place("t");
        let put = bench
            .agents
            .tree_put(machine.id, &place, &entries, &wrong, &cancel);
        let outcome = tokio::time::timeout(PATIENCE, put).await.unwrap();
        match outcome {
            Err(AgentError::Local(_)) if is_local => {}
            Err(AgentError::Refused(refusal)) if !is_local => assert_eq!(refusal.code, "checksum"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_goes_on_where_it_was_cut() {
    let bench = Bench::new().await;
    let limit = |n: u64| if n < 10 { 900_000 } else { u64::MAX };
    let proxy = Proxy::start(bench.door, limit).await;
    let machine = bench.machine("linux-1", proxy.address).await;
    bench.connected(&machine).await;
    let bytes = noise(8_000_000);
    std::fs::write(machine.root().join("big file"), &bytes).unwrap();
    let cancel = CancellationToken::new();
    let mut out = Vec::new();
    let get = bench
        .agents
        .get(machine.id, b"big file", 10_000_000, &mut out, &cancel);
    let facts = tokio::time::timeout(PATIENCE, get).await.unwrap().unwrap();
    assert!(out == bytes, "{} bytes", out.len());
    let own: [u8; 32] = Sha256::digest(&bytes).into();
    assert_eq!(
        facts.sha256,
        own.iter().map(|b| format!("{b:02x}")).collect::<String>()
    );
    assert_eq!((facts.size, facts.executable), (8_000_000, false));
    let small = bench
        .agents
        .get(machine.id, b"big file", 1_000, &mut out, &cancel)
        .await;
    assert!(matches!(small, Err(AgentError::Refused(r)) if r.code == "too-large"));
    let missing = bench
        .agents
        .get(machine.id, b"none", 1_000, &mut out, &cancel)
        .await;
    assert!(matches!(missing, Err(AgentError::Refused(r)) if r.code == "not-found"));
}

/// Takes a file, and rewrites it when the first bytes are here.
struct Meddler {
    path: std::path::PathBuf,
    with: Option<Vec<u8>>,
}

impl ByteSink for Meddler {
    async fn write(&mut self, _: &[u8]) -> io::Result<()> {
        match self.with.take() {
            Some(bytes) => std::fs::write(&self.path, bytes),
            None => Ok(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_read_is_refused() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    bench.connected(&machine).await;
    let (path, cancel) = (machine.root().join("f"), CancellationToken::new());
    let bytes = noise(2_000_000);
    // As long as before, longer, shorter.
    for length in [2_000_000, 2_000_001, 10] {
        std::fs::write(&path, &bytes).unwrap();
        let mut out = Meddler {
            path: path.clone(),
            with: Some(noise(length).into_iter().rev().collect()),
        };
        let get = bench
            .agents
            .get(machine.id, b"f", 10_000_000, &mut out, &cancel);
        let outcome = tokio::time::timeout(PATIENCE, get).await.unwrap();
        let is_told = matches!(&outcome, Err(AgentError::Refused(r)) if r.code == "changed");
        assert!(is_told, "{length}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_made_listed_looked_at_and_removed() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    let (agents, id, cancel) = (&bench.agents, machine.id, CancellationToken::new());
    agents.mkdir(id, "b/dist", &cancel).await.unwrap();
    agents.mkdir(id, "b/dist", &cancel).await.unwrap();
    let dist = machine.root().join("b/dist");
    std::fs::write(dist.join("one.tar.gz"), "12345").unwrap();
    std::os::unix::fs::symlink("/etc", dist.join("link")).unwrap();
    let entries = agents.readdir(id, "b", true, &cancel).await.unwrap();
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                String::from_utf8_lossy(&entry.path).into_owned(),
                entry.kind,
                entry.size,
            )
        })
        .collect();
    let expected = [
        ("dist", EntryKind::Folder, 0),
        ("dist/link", EntryKind::Link, 0),
        ("dist/one.tar.gz", EntryKind::File, 5),
    ];
    assert_eq!(
        seen,
        expected.map(|(path, kind, size)| (path.to_owned(), kind, size))
    );
    let stat = agents
        .stat(id, b"b/dist/one.tar.gz", &cancel)
        .await
        .unwrap();
    assert_eq!((stat.kind, stat.size), (EntryKind::File, 5));
    agents.remove(id, "b", &cancel).await.unwrap();
    agents.remove(id, "b", &cancel).await.unwrap();
    let gone = agents.stat(id, b"b", &cancel).await;
    assert!(matches!(gone, Err(AgentError::Refused(r)) if r.code == "not-found"));
}

/// The next call over a link that no connection serves.
async fn next_call(link: &Link) -> Call {
    loop {
        if let Some(call) = link.shared().orders().calls.pop_front() {
            return call;
        }
        link.shared().wake.notified().await;
    }
}

#[tokio::test]
async fn a_cut_between_the_end_of_a_file_and_its_answer_costs_nothing() {
    let facts = GetResult {
        size: 5,
        mtime_ns: 1,
        executable: false,
    };
    let stat = StatResult {
        kind: Kind::File,
        size: 5,
        executable: false,
        mtime_ns: 1,
        target: None,
    };
    let end = (5, Some(Sha256::digest(b"hello").into()));
    let (mut transfer, mut out) = (FileTransfer::new(b"f", 100).unwrap(), Vec::new());

    let link = Link::new();
    let agent = async {
        let look = next_call(&link).await;
        look.pipe
            .tell_user(|state| state.answer = Some(Ok(stat.to_box())));
        let get = next_call(&link).await;
        get.pipe.tell_user(|state| {
            state.arrive(b"hello".to_vec());
            state.end = Some(end);
            state.lost = true;
        });
    };
    let (outcome, ()) = tokio::join!(transfer.run(&link, &mut out), agent);
    assert!(matches!(outcome, Err(LinkError::Lost)), "{outcome:?}");

    let link = Link::new();
    let agent = async {
        let get = next_call(&link).await;
        assert_eq!(get.from, 5);
        get.pipe.tell_user(|state| {
            state.end = Some(end);
            state.answer = Some(Ok(facts.to_box()));
        });
        // Whether it is still the same file.
        let look = next_call(&link).await;
        look.pipe
            .tell_user(|state| state.answer = Some(Ok(stat.to_box())));
    };
    let (outcome, ()) = tokio::join!(transfer.run(&link, &mut out), agent);
    assert_eq!(outcome.unwrap().size, 5);
    assert_eq!(out, b"hello");
}

#[tokio::test]
async fn nothing_new_is_asked_over_a_connection_that_is_about_to_end() {
    let link = Link::new();
    assert!(link.is_usable());
    link.dismiss(Farewell::Stopping);
    // Still open for what was asked before, and whoever waits for a connection waits for another
    // one instead of trying this one again and again.
    assert!(!link.is_closed() && !link.is_usable());
}

#[tokio::test]
async fn a_stream_that_does_not_move_is_given_up() {
    let link = Link::new();
    let mut channel = link.open(&Request::Info, 0, 0).unwrap();
    let silence_max = Duration::from_millis(10);
    let outcome = channel.next_within(silence_max).await;
    assert!(
        matches!(&outcome, Err(LinkError::Refused(refusal)) if refusal.code == "timeout"),
        "an agent that hangs would be waited for without an end"
    );
}

fn place(folder: &str) -> crate::session::TreePlace {
    crate::session::TreePlace {
        folder: folder.to_owned(),
        ..crate::session::TreePlace::default()
    }
}
