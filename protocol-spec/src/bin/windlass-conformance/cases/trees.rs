//! Section 8: `tree_put` and `tree_get`.

use windlass_protocol::{Boxed, Code};

use super::Row;
use super::files::about;
use crate::bench::Bench;
use crate::fault::{Outcome, broken, ensure, same, same_bytes};
use crate::peer::Peer;
use crate::tree::{Got, Node, Sending, Tree, entry, push_entry, put};

pub(crate) const ROWS: &[Row] = &[
    ("tree-put", "a tree arrives exactly", tree_put),
    (
        "tree-again",
        "the same tree again costs no contents",
        tree_again,
    ),
    (
        "tree-differs",
        "only what differs is asked for, and what a build changed is put right",
        differs,
    ),
    ("tree-delete", "`delete` and `keep` say what goes", delete),
    ("tree-kinds", "a file becomes a folder and back", kinds),
    (
        "tree-refused",
        "a contradictory manifest is refused before anything changes",
        refused,
    ),
    (
        "tree-checksum",
        "content that is not the announced one never appears",
        checksum,
    ),
    ("tree-many", "three thousand files arrive", many),
    (
        "tree-get",
        "a tree is got as it is, only what is wanted",
        tree_get,
    ),
    (
        "tree-get-refused",
        "`tree_get` has bounds",
        tree_get_refused,
    ),
];

const AT: &[(&str, &[u8])] = &[("path", b"build/src")];

fn sample(links: bool) -> Tree {
    let tree = Tree::default()
        .file("README", b"read me")
        .program("bin/tool", b"#!/bin/sh\n")
        .file("src/deep/er/main.c", b"int main(void) { return 0; }\n")
        .file("src/empty", b"");
    match links {
        true => tree.link("src/link", "deep/er/main.c"),
        false => tree,
    }
}

/// The sample for this agent's machine.
fn fitting(peer: &Peer) -> Tree {
    sample(peer.os != "windows" && cfg!(unix))
}

/// Fails unless the folder is exactly this tree; the executable bit only where there is one.
fn same_tree(bench: &Bench<'_>, folder: &str, tree: &Tree, peer: &Peer) -> Outcome {
    let mut got = Tree::read(&bench.root().join(folder))?;
    let mut wanted = tree.clone();
    if peer.os == "windows" || !cfg!(unix) {
        for tree in [&mut got, &mut wanted] {
            for node in tree.0.values_mut() {
                if let Node::File { x, .. } = node {
                    *x = false;
                }
            }
        }
    }
    let names = |tree: &Tree| tree.0.keys().cloned().collect::<Vec<_>>();
    same("names", names(&got), names(&wanted))?;
    ensure(got == wanted, "a content, a bit or a link differs")
}

fn tree_put(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let tree = fitting(&peer);
    let sent = put(&mut peer, AT, &tree)?;
    same_tree(bench, "build/src", &tree, &peer)?;
    let answer = sent.answer?;
    same("`files`", answer.require_number("files")?, 4)?;
    same("`bytes`", answer.require_number("bytes")?, 7 + 10 + 29)?;
    same(
        "`reused`",
        answer.require_number("reused")?,
        (4 - sent.wanted) as u64,
    )?;
    // An empty tree makes an empty folder.
    put(&mut peer, AT, &Tree::default())?;
    same_tree(bench, "build/src", &Tree::default(), &peer)
}

fn tree_again(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let tree = fitting(&peer);
    put(&mut peer, AT, &tree)?;
    let sent = put(&mut peer, AT, &tree)?;
    same("files asked for", sent.wanted, 0)?;
    same_tree(bench, "build/src", &tree, &peer)
}

fn differs(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let tree = fitting(&peer);
    put(&mut peer, AT, &tree)?;
    // A build writes over a source with the same length, at once, and makes things.
    bench.write("build/src/README", b"ruined!")?;
    bench.write("build/src/out/a.o", b"object")?;
    let next = tree
        .without("src/deep/er/main.c")
        .without("src/deep/er")
        .without("src/deep");
    let next = next.file("src/empty", b"not any more");
    put(&mut peer, AT, &next)?;
    same_tree(bench, "build/src", &next, &peer)
}

fn delete(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let tree = Tree::default().file("a", b"1").file("b/c", b"2");
    let less = Tree::default().file("a", b"1");
    let with = |delete| [("path", b"t".as_slice()), ("delete", delete)];
    put(&mut peer, &with(b"extra"), &tree)?;
    bench.write("t/product", b"p")?;
    put(&mut peer, &with(b"none"), &less)?;
    let all = tree.clone().file("product", b"p");
    same_tree(bench, "t", &all, &peer)?;
    put(&mut peer, &with(b"tracked"), &tree)?;
    put(&mut peer, &with(b"tracked"), &less)?;
    same_tree(bench, "t", &less.clone().file("product", b"p"), &peer)?;
    bench.write("t/lib/x/y", b"y")?;
    let keep = [
        ("path", b"t".as_slice()),
        ("keep", b"lib/x"),
        ("keep", b"not/there"),
    ];
    put(&mut peer, &keep, &less)?;
    same_tree(bench, "t", &less.clone().file("lib/x/y", b"y"), &peer)?;
    put(&mut peer, &with(b"extra"), &less)?;
    same_tree(bench, "t", &less, &peer)
}

fn kinds(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let one = Tree::default().file("a", b"1").file("b/c", b"2");
    let two = Tree::default().file("a/x", b"1").file("b", b"2");
    for tree in [&one, &two, &one, &two] {
        put(&mut peer, AT, tree)?;
        same_tree(bench, "build/src", tree, &peer)?;
    }
    Ok(())
}

/// A manifest of entries that need not fit together.
fn manifest(entries: &[(&str, Node)]) -> Vec<u8> {
    let mut manifest = Vec::new();
    for (path, node) in entries {
        push_entry(&mut manifest, &entry(path, node));
    }
    manifest.extend([0; 4]);
    manifest
}

fn refused(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let tree = fitting(&peer);
    put(&mut peer, AT, &tree)?;
    let file = || Node::File {
        x: false,
        content: b"x".to_vec(),
    };
    let link = || Node::Link(b"x".to_vec());
    let mut strange = Boxed::new();
    strange.push("t", "q");
    strange.push("p", "x");
    let mut odd = Vec::new();
    push_entry(&mut odd, &strange);
    odd.extend([0; 4]);
    let cases = [
        (
            "a name twice",
            manifest(&[("z", file()), ("z", file())]),
            Code::BadRequest,
        ),
        (
            "two kinds of one name",
            manifest(&[("z", file()), ("z", link())]),
            Code::BadRequest,
        ),
        (
            "a file below a file",
            manifest(&[("d", file()), ("d/e", file())]),
            Code::BadRequest,
        ),
        (
            "a file below a link",
            manifest(&[("d", link()), ("d/e", file())]),
            Code::BadRequest,
        ),
        ("a kind that does not exist", odd, Code::BadRequest),
        (
            "an entry of 10241 bytes",
            [&[0, 0, 0x28, 1][..], &[0; 10_241]].concat(),
            Code::TooLarge,
        ),
    ];
    for (what, manifest, code) in cases {
        let sending = Sending {
            manifest,
            contents: Vec::new(),
            cut_after: usize::MAX,
        };
        match sending.send(&mut peer, AT)? {
            Some(sent) if sent.answer.as_ref().is_err_and(|f| f.code == code) => {}
            other => return broken(format!("{what}: {:?}", other.map(|sent| sent.answer))),
        }
    }
    same_tree(bench, "build/src", &tree, &peer)
}

fn checksum(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let tree = Tree::default().file("a", b"right").file("b", b"also right");
    let evil = Tree::default().file("a", b"wrong").file("b", b"also right");
    let sending = Sending {
        manifest: tree.manifest(),
        contents: evil.contents(),
        cut_after: usize::MAX,
    };
    match sending.send(&mut peer, AT)? {
        Some(sent)
            if sent
                .answer
                .as_ref()
                .is_err_and(|f| f.code == Code::Checksum) => {}
        other => {
            return broken(format!(
                "wrong content: {:?}",
                other.map(|sent| sent.answer)
            ));
        }
    }
    ensure(
        !bench.root().join("build/src/a").exists(),
        "wrong content has its name",
    )?;
    put(&mut peer, AT, &tree)?;
    same_tree(bench, "build/src", &tree, &peer)
}

fn many(bench: &mut Bench<'_>) -> Outcome {
    let mut tree = Tree::default();
    for number in 0..3_000 {
        let name = format!("dir-{}/sub-{}/file-{number}.c", number % 20, number % 10);
        tree = tree.file(&name, format!("content of {number}\n").repeat(number % 50));
    }
    let mut peer = bench.connect()?;
    put(&mut peer, AT, &tree)?;
    same_tree(bench, "build/src", &tree, &peer)?;
    same(
        "files asked for again",
        put(&mut peer, AT, &tree)?.wanted,
        0,
    )
}

fn tree_get(bench: &mut Bench<'_>) -> Outcome {
    let content = bench.random.bytes(150_000);
    bench.write("out/a/large", &content)?;
    bench.write("out/a/small", b"small")?;
    bench.write("out/empty", b"")?;
    bench.write("beside", b"not this")?;
    let mut peer = bench.connect()?;
    let mut got = Got::default();
    let answer = got.receive(&mut peer, "out", 0, |_| true)??;
    let paths: Vec<&[u8]> = got
        .entries
        .iter()
        .filter_map(|entry| entry.first("p"))
        .collect();
    let wanted: [&[u8]; 4] = [b"a", b"a/large", b"a/small", b"empty"];
    same("paths", paths, wanted.to_vec())?;
    same_bytes(
        "contents",
        got.contents(),
        &[&content[..], b"small"].concat(),
    )?;
    same("`files`", answer.require_number("files")?, 3)?;
    for entry in &got.entries {
        let is_file = entry.first("t") == Some(b"f");
        same("whether there is `h`", entry.first("h").is_some(), is_file)?;
    }
    let mut some = Got::default();
    some.receive(&mut peer, "out", 0, |entry| {
        entry.first("p") == Some(b"a/small")
    })??;
    same_bytes("the one that was wanted", some.contents(), b"small")?;
    let mut none = Got::default();
    none.receive(&mut peer, "out", 0, |_| false)??;
    same_bytes("no contents", none.contents(), b"")?;
    // Part of the first one is here already.
    let mut rest = Got::default();
    rest.receive(&mut peer, "out", 100_000, |_| true)??;
    let tail = [&content[100_000..], b"small"].concat();
    same_bytes("contents behind `have`", rest.contents(), &tail)
}

fn tree_get_refused(bench: &mut Bench<'_>) -> Outcome {
    bench.write("out/a", b"12345")?;
    bench.write("out/b", b"12345")?;
    let mut peer = bench.connect()?;
    let ask = |entries, bytes| {
        about(
            "tree_get",
            "out",
            &[("max_entries", entries), ("max_bytes", bytes)],
        )
    };
    peer.refused("1 entry at most", &ask("1", "0"), Code::TooLarge)?;
    peer.refused("9 bytes at most", &ask("9", "9"), Code::TooLarge)?;
    let missing = about(
        "tree_get",
        "none",
        &[("max_entries", "9"), ("max_bytes", "0")],
    );
    peer.refused("a missing folder", &missing, Code::NotFound)
}
