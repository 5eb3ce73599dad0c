//! Level 2: files and trees that were cut in the middle.

use windlass_protocol::{ChannelId, Code, Event};

use super::Row;
use super::files::{about, put_request};
use crate::bench::Bench;
use crate::fault::{Outcome, broken, ensure, same, same_bytes};
use crate::peer::Peer;
use crate::tree::{Got, Sending, Tree, put};

pub(crate) const ROWS: &[Row] = &[
    (
        "put-resumes",
        "a put that was cut goes on where it stopped",
        put_resumes,
    ),
    (
        "put-after-kill",
        "a put goes on after the agent was killed",
        put_after_kill,
    ),
    ("put-other", "a put of other content begins anew", put_other),
    (
        "get-resumes",
        "a get that was cut goes on, and notices a change",
        get_resumes,
    ),
    (
        "tree-cut",
        "a tree cut anywhere arrives exactly in the end",
        tree_cut,
    ),
    (
        "tree-manifest",
        "a manifest that the agent has is not sent again",
        tree_manifest,
    ),
    (
        "tree-have",
        "a large file of a tree goes on in its middle",
        tree_have,
    ),
    (
        "tree-get-resumes",
        "a tree got half is got on, and notices a change",
        tree_get_resumes,
    ),
];

/// Sends half of a file and waits until the agent says that some of it is stored.
fn half(bench: &mut Bench<'_>, content: &[u8], kill: bool) -> Outcome<u64> {
    let mut peer = bench.connect()?;
    let channel = peer.open(&put_request("file", content, &[]), 0)?;
    peer.send(channel, content, content.len() / 2)?;
    let mut stored = 0;
    while stored == 0 {
        match peer.next()? {
            Event::Ack { durable, .. } => stored = durable,
            Event::Response { result, .. } => return broken(format!("it ended early: {result:?}")),
            _ => {}
        }
    }
    ensure(
        !bench.root().join("file").exists(),
        "half a file has its name",
    )?;
    if kill {
        bench.kill()?;
    }
    Ok(stored)
}

/// Opens the channel of a put; what still holds the file of the first try is `busy` for a moment.
fn reopen(peer: &mut Peer, content: &[u8]) -> Outcome<(ChannelId, u64)> {
    for _ in 0..200 {
        let channel = peer.open(&put_request("file", content, &[]), 0)?;
        loop {
            if let Some(offset) = peer.connection.next_offset(channel) {
                return Ok((channel, offset));
            }
            match peer.next()? {
                Event::Response {
                    result: Err(failure),
                    ..
                } if failure.code == Code::Busy => break,
                Event::Response { result, .. } => return broken(format!("refused: {result:?}")),
                _ => {}
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    broken("the first try still holds the file")
}

fn put_in_two(bench: &mut Bench<'_>, kill: bool) -> Outcome {
    let content = bench.random.bytes(8_000_000);
    let stored = half(bench, &content, kill)?;
    let mut peer = bench.connect()?;
    let (channel, began) = reopen(&mut peer, &content)?;
    ensure(
        began >= stored,
        format!("{stored} bytes were stored, and now it wants {began}"),
    )?;
    peer.send(channel, &content, content.len())?;
    peer.answer(channel)??;
    same_bytes("the file", &bench.read("file")?, &content)?;
    same(
        "files in the root",
        std::fs::read_dir(bench.root())?.count(),
        1,
    )
}

fn put_resumes(bench: &mut Bench<'_>) -> Outcome {
    put_in_two(bench, false)
}

fn put_after_kill(bench: &mut Bench<'_>) -> Outcome {
    put_in_two(bench, true)
}

fn put_other(bench: &mut Bench<'_>) -> Outcome {
    let content = bench.random.bytes(3_000_000);
    half(bench, &content, true)?;
    let other = bench.random.bytes(3_000_000);
    let mut peer = bench.connect()?;
    let (channel, began) = reopen(&mut peer, &other)?;
    same("first byte wanted", began, 0)?;
    peer.send(channel, &other, other.len())?;
    peer.answer(channel)??;
    same_bytes("the file", &bench.read("file")?, &other)
}

fn get_resumes(bench: &mut Bench<'_>) -> Outcome {
    let content = bench.random.bytes(4_000_000);
    bench.write("file", &content)?;
    let mut peer = bench.connect()?;
    let described = peer.call(&about("stat", "file", &[]))??;
    let channel = peer.open(&about("get", "file", &[("max_bytes", "0")]), 0)?;
    let mut got = Vec::new();
    peer.read_until(channel, &mut got, |bytes| bytes.len() > 1_000_000)?;
    bench.kill()?;
    drop(peer);
    let mtime = described.require_number("mtime_ns")?.to_string();
    let expect = [
        ("max_bytes", "0"),
        ("size", "4000000"),
        ("mtime_ns", &mtime),
    ];
    let again = about("get", "file", &expect);
    let mut peer = bench.connect()?;
    let channel = peer.open(&again, got.len() as u64)?;
    peer.read(channel, &mut got)??;
    same_bytes("the file", &got, &content)?;
    bench.write("file", &content[1..])?;
    let channel = peer.open(&again, 1_000)?;
    let code = peer.answer(channel)?.map_err(|failure| failure.code);
    same("another file by now", code.err(), Some(Code::Changed))
}

const AT: &[(&str, &[u8])] = &[("path", b"tree")];

fn large_tree(bench: &mut Bench<'_>) -> Tree {
    let mut tree = Tree::default();
    for number in 0..300 {
        let size = bench.random.below(20_000);
        tree = tree.file(
            &format!("d{}/f{number}", number % 7),
            bench.random.bytes(size),
        );
    }
    tree.file("m/large", bench.random.bytes(3_000_000))
}

/// Sends a tree, cut after so many bytes; `false` if it had arrived before.
fn cut(bench: &mut Bench<'_>, tree: &Tree, cut_after: usize, kill: bool) -> Outcome<bool> {
    let sending = Sending {
        cut_after,
        ..Sending::of(tree)
    };
    let mut peer = bench.connect()?;
    let was_cut = match sending.send(&mut peer, AT)? {
        None => true,
        Some(sent) if sent.answer.as_ref().is_err_and(|f| f.code == Code::Busy) => true,
        Some(sent) => {
            sent.answer?;
            false
        }
    };
    if kill {
        bench.kill()?;
    }
    Ok(was_cut)
}

fn arrived(bench: &Bench<'_>, tree: &Tree) -> Outcome {
    let got = Tree::read(&bench.root().join("tree"))?;
    same("number of names", got.0.len(), tree.0.len())?;
    ensure(got == *tree, "a content differs")
}

fn tree_cut(bench: &mut Bench<'_>) -> Outcome {
    let tree = large_tree(bench);
    let manifest = tree.manifest().len();
    for round in 0..6 {
        let at = match round {
            0 => bench.random.below(manifest),
            _ => manifest + bench.random.below(5_000_000),
        };
        if !cut(bench, &tree, at, round % 2 == 0)? {
            break;
        }
    }
    bench.kill()?;
    put(&mut bench.connect()?, AT, &tree)?;
    arrived(bench, &tree)
}

fn tree_manifest(bench: &mut Bench<'_>) -> Outcome {
    let tree = large_tree(bench);
    let manifest = tree.manifest().len();
    cut(bench, &tree, manifest + 2_000_000, true)?;
    let sent = put(&mut bench.connect()?, AT, &tree)?;
    same("first byte wanted", sent.began, manifest as u64)?;
    arrived(bench, &tree)
}

fn tree_have(bench: &mut Bench<'_>) -> Outcome {
    let tree = Tree::default().file("large", bench.random.bytes(9_000_000));
    let manifest = tree.manifest().len();
    cut(bench, &tree, manifest + 8_000_000, false)?;
    let sent = put(&mut bench.connect()?, AT, &tree)?;
    ensure(
        sent.have > 0,
        "the agent kept nothing of a file of which 8 of 9 MB were sent",
    )?;
    arrived(bench, &tree)
}

fn tree_get_resumes(bench: &mut Bench<'_>) -> Outcome {
    let content = bench.random.bytes(400_000);
    bench.write("out/a", &content)?;
    bench.write("out/b", b"b")?;
    let mut got = Got::default();
    got.receive(&mut bench.connect()?, "out", 0, |_| false)??;
    bench.kill()?;
    // The manifest is here: the contents alone, the first from its middle on.
    let mut rest = Got {
        stream: got.stream.clone(),
        ..Got::default()
    };
    rest.receive(&mut bench.connect()?, "out", 300_000, |_| true)??;
    same_bytes(
        "contents",
        rest.contents(),
        &[&content[300_000..], b"b"].concat(),
    )?;
    bench.write("out/b", b"c")?;
    let mut rest = Got {
        stream: got.stream,
        ..Got::default()
    };
    let code = rest.receive(&mut bench.connect()?, "out", 0, |_| true)?;
    same(
        "another folder by now",
        code.map_err(|f| f.code).err(),
        Some(Code::Changed),
    )
}
