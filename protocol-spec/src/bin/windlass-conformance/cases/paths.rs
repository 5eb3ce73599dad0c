//! Section 8: nothing leaves the root, whatever the operation.

use windlass_protocol::Code;

use super::Row;
use super::files::{about, put_request};
use crate::bench::Bench;
use crate::fault::{Outcome, broken, ensure, same, same_bytes, skip};
use crate::peer::Peer;
use crate::tree::{Node, Sending, Tree, entry, push_entry};

pub(crate) const ROWS: &[Row] = &[
    (
        "bad-paths",
        "a malformed path is `bad-path` in every operation",
        bad_paths,
    ),
    (
        "bad-entries",
        "a malformed path in a manifest is `bad-path`",
        bad_entries,
    ),
    (
        "windows-paths",
        "names that Windows gives a meaning are `bad-path` there",
        windows_paths,
    ),
    ("links", "no link on the way to a file is followed", links),
    (
        "long-paths",
        "a path of 4096 bytes is no bad path",
        long_paths,
    ),
    (
        "odd-names",
        "names that are allowed are taken as they are",
        odd_names,
    ),
];

/// Paths that no agent takes.
fn corpus() -> Vec<Vec<u8>> {
    let mut paths: Vec<Vec<u8>> = [
        "/",
        "/etc/passwd",
        "..",
        ".",
        "../x",
        "a/..",
        "a/../b",
        "a/./b",
        "./a",
        "a//b",
        "a/",
        "//",
        "a\0b",
        "\0",
        "a/../../../../../../tmp/x",
    ]
    .map(|path| path.as_bytes().to_vec())
    .to_vec();
    paths.push(vec![b'n'; 256]);
    paths.push([vec![b'a'; 200], vec![b'/'], vec![b'b'; 256]].concat());
    paths.push(b"abcdefg/".repeat(513)[..4097].to_vec());
    paths
}

/// Every operation that takes a path, with this one.
fn everywhere(peer: &mut Peer, path: &[u8]) -> Outcome {
    let shown = path[..path.len().min(40)].escape_ascii();
    let with = |op: &str, key: &str, more: &[(&str, &str)]| {
        let mut pairs = crate::ask::request(op, &[(key, path)]);
        more.iter().for_each(|(key, value)| pairs.push(key, value));
        pairs
    };
    let hash = "0".repeat(64);
    for request in [
        with("put", "path", &[("size", "1"), ("sha256", &hash)]),
        with("get", "path", &[("max_bytes", "0")]),
        with(
            "tree_put",
            "path",
            &[("manifest_size", "4"), ("manifest_sha256", &hash)],
        ),
        with("mkdir", "path", &[("parents", "1")]),
        with("remove", "path", &[("missing_ok", "1"), ("recursive", "1")]),
        with("rename", "path", &[("to", "x")]),
        with("rename", "to", &[("path", "file")]),
        with("copy", "path", &[("to", "x")]),
        with("copy", "to", &[("path", "file")]),
        with("stat", "path", &[]),
        with("readdir", "path", &[("max_entries", "9")]),
    ] {
        let op = request.require_text("op")?.to_owned();
        peer.refused(&format!("{op} of \"{shown}\""), &request, Code::BadPath)?;
    }
    Ok(())
}

fn bad_paths(bench: &mut Bench<'_>) -> Outcome {
    bench.write("file", b"")?;
    let mut peer = bench.connect()?;
    for path in corpus() {
        everywhere(&mut peer, &path)?;
    }
    same(
        "files in the root",
        std::fs::read_dir(bench.root())?.count(),
        1,
    )
}

fn bad_entries(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let kinds = [
        Node::Folder,
        Node::File {
            x: false,
            content: b"x".to_vec(),
        },
        Node::Link(b"x".to_vec()),
    ];
    for (at, path) in corpus().into_iter().enumerate() {
        let kind = &kinds[at % 3];
        let mut pairs = windlass_protocol::Boxed::new();
        for (key, value) in entry("x", kind).pairs() {
            pairs.push(key, if key == "p" { path.as_slice() } else { value });
        }
        let mut manifest = Vec::new();
        push_entry(&mut manifest, &pairs);
        manifest.extend([0; 4]);
        let sending = Sending {
            manifest,
            contents: Vec::new(),
            cut_after: usize::MAX,
        };
        let shown = path[..path.len().min(40)].escape_ascii().to_string();
        match sending.send(&mut peer, &[("path", b"tree")])? {
            Some(sent) if sent.answer.as_ref().is_err_and(|f| f.code == Code::BadPath) => {}
            other => return broken(format!("\"{shown}\": {:?}", other.map(|sent| sent.answer))),
        }
    }
    Ok(())
}

fn windows_paths(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    if peer.os != "windows" {
        return skip("not Windows");
    }
    bench.write("file", b"")?;
    for path in [
        "CON",
        "nul",
        "a/COM1",
        "lpt9.txt",
        "Aux.c",
        "PRN .x",
        "a\\b",
        "..\\x",
        "C:",
        "C:/x",
        "file:stream",
        "a*",
        "a?",
        "a\"b",
        "a<b",
        "a|b",
        "a.",
        "a ",
        "a/b./c",
        "tab\tx",
        "CONIN$",
        "com\u{b9}",
    ] {
        everywhere(&mut peer, path.as_bytes())?;
    }
    everywhere(&mut peer, b"not\xffutf8")
}

fn links(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    if peer.os == "windows" || !cfg!(unix) {
        return skip("links cannot be made from here");
    }
    let outside = bench.outside("secret", b"precious")?;
    let folder = outside
        .parent()
        .map(std::path::Path::to_owned)
        .unwrap_or_default();
    make_link(&folder, &bench.root().join("out"))?;
    make_link(&outside, &bench.root().join("link"))?;
    for path in ["out/secret", "link"] {
        let get = about("get", path, &[("max_bytes", "0")]);
        peer.refused(&format!("get {path}"), &get, Code::SymlinkDenied)?;
    }
    for request in [
        about("stat", "out/secret", &[]),
        about("remove", "out/secret", &[]),
        about("mkdir", "out/new", &[]),
        about("rename", "out/secret", &[("to", "mine")]),
        about("copy", "out/secret", &[("to", "mine")]),
        about("readdir", "out", &[("max_entries", "9")]),
        put_request("out/new", b"x", &[]),
    ] {
        let op = request.require_text("op")?.to_owned();
        peer.refused(
            &format!("{op} through a link"),
            &request,
            Code::SymlinkDenied,
        )?;
    }
    // The links themselves may be described, replaced and removed.
    let described = peer.call(&about("stat", "link", &[]))??;
    same("`t` of a link", described.require_text("t")?, "l")?;
    let channel = peer.open(&put_request("link", b"mine", &["replace"]), 0)?;
    peer.send(channel, b"mine", 4)?;
    peer.answer(channel)??;
    peer.call(&about("remove", "out", &[("recursive", "1")]))??;
    same_bytes("what lies outside", &std::fs::read(&outside)?, b"precious")?;
    // A tree takes the place of links and never goes through them.
    make_link(&folder, &bench.root().join("tree"))?;
    let _ = crate::tree::put(
        &mut peer,
        &[("path", b"tree")],
        &Tree::default().file("secret", b"x"),
    );
    same_bytes("what lies outside", &std::fs::read(&outside)?, b"precious")
}

#[cfg(unix)]
pub(super) fn make_link(target: &std::path::Path, at: &std::path::Path) -> Outcome {
    Ok(std::os::unix::fs::symlink(target, at)?)
}

#[cfg(not(unix))]
pub(super) fn make_link(_: &std::path::Path, _: &std::path::Path) -> Outcome {
    skip("links cannot be made from here")
}

fn long_paths(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    // 16 components of 255 bytes and one of 0 would be 4096; here it ends in a shorter one.
    let deep = ["d".repeat(255).as_str(); 16].join("/");
    let mut stat = crate::ask::request("stat", &[]);
    stat.push("path", &deep);
    match peer.call(&stat)? {
        Err(failure) if [Code::NotFound, Code::TooLong].contains(&failure.code) => {}
        other => return broken(format!("stat of 4095 bytes: {other:?}")),
    }
    let path = format!("{}/{}", "e".repeat(200), "f".repeat(120));
    let channel = peer.open(&put_request(&path, b"x", &["parents"]), 0)?;
    peer.send(channel, b"x", 1)?;
    peer.answer(channel)??;
    let got = peer.call(&about("stat", &path, &[]))??;
    same("`size`", got.require_number("size")?, 1)
}

fn odd_names(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let everywhere = [
        "..a",
        "a b",
        "-rf",
        "\u{e4}\u{20ac}\u{1f980}",
        "%PATH%",
        "$HOME",
        "~",
        "#",
    ];
    let unix = ["...", "a\\b", "C:", "con", "a*?", "new\nline", "end. "];
    let more: &[&str] = if peer.os == "windows" { &[] } else { &unix };
    for name in everywhere.iter().chain(more) {
        let channel = peer.open(&put_request(name, name.as_bytes(), &[]), 0)?;
        peer.send(channel, name.as_bytes(), name.len())?;
        peer.answer(channel)??;
        let channel = peer.open(&about("get", name, &[("max_bytes", "0")]), 0)?;
        let mut got = Vec::new();
        peer.read(channel, &mut got)??;
        same_bytes(name, &got, name.as_bytes())?;
    }
    let there = std::fs::read_dir(bench.root())?.count();
    ensure(
        there == everywhere.len() + more.len(),
        format!("{there} names are there"),
    )
}
