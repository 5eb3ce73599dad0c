//! Section 8: single files and folders.

use windlass_protocol::ops::StatResult;
use windlass_protocol::sha256::digest;
use windlass_protocol::tree::{EntryDecoder, Kind};
use windlass_protocol::{Boxed, Code, hex, limits};

use super::Row;
use crate::ask::request;
use crate::bench::Bench;
use crate::fault::{Outcome, ensure, same, same_bytes, skip};
use crate::peer::{Answer, Peer};
use crate::tree::is_executable;

pub(crate) const ROWS: &[Row] = &[
    (
        "put",
        "a file put is there, whole, with its executable bit",
        put_whole,
    ),
    (
        "put-refused",
        "a file of other content never appears under its name",
        put_refused,
    ),
    (
        "put-places",
        "`exists`, `not-found`, `is-dir`, `parents` as the text says",
        put_places,
    ),
    ("get", "a file comes as it is, from any offset", get_whole),
    (
        "get-unhashed",
        "the hash may be left out where it is allowed, never when resuming",
        get_unhashed,
    ),
    (
        "get-refused",
        "`not-found`, `is-dir`, `too-large`, `changed` as the text says",
        get_refused,
    ),
    ("mkdir", "folders are made once", mkdir),
    (
        "remove",
        "files and folders are removed, full ones only `recursive`",
        remove,
    ),
    (
        "rename",
        "`rename` moves, and replaces only when told",
        rename,
    ),
    ("copy", "`copy` makes the same again", copy),
    ("stat", "`stat` says what stands there", stat),
    ("readdir", "a listing is sorted, whole and bounded", readdir),
    ("hash-df", "`hash` and `df` answer", hash_and_df),
];

/// The request for a file of this content.
pub(super) fn put_request(path: &str, content: &[u8], flags: &[&str]) -> Boxed {
    let hash = hex::encode(&digest(content));
    let size = content.len().to_string();
    let pairs = [("path", path), ("size", &size), ("sha256", &hash)];
    let mut pairs = request("put", &pairs.map(|(key, value)| (key, value.as_bytes())));
    flags.iter().for_each(|flag| pairs.push(flag, "1"));
    pairs
}

fn put(peer: &mut Peer, path: &str, content: &[u8], flags: &[&str]) -> Outcome<Answer> {
    let channel = peer.open(&put_request(path, content, flags), 0)?;
    peer.send(channel, content, content.len())?;
    peer.answer(channel)
}

/// A request about one path.
pub(super) fn about(op: &str, path: &str, more: &[(&str, &str)]) -> Boxed {
    let mut pairs = request(op, &[("path", path.as_bytes())]);
    more.iter().for_each(|(key, value)| pairs.push(key, value));
    pairs
}

fn put_whole(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let unix = peer.os != "windows";
    for (at, count) in [0, 1, 65_535, 65_536, 65_537, 3_000_001]
        .into_iter()
        .enumerate()
    {
        let content = bench.random.bytes(count);
        let (name, x) = (format!("a/b{at}/file.bin"), at % 2 == 1);
        let flags: &[&str] = if x { &["parents", "x"] } else { &["parents"] };
        put(&mut peer, &name, &content, flags)??;
        same_bytes(&name, &bench.read(&name)?, &content)?;
        let folder = bench.root().join(&name);
        if unix {
            same(
                "executable bit",
                is_executable(&std::fs::metadata(&folder)?),
                x,
            )?;
        }
        let folder = folder.parent().map(std::fs::read_dir).transpose()?;
        same("files beside it", folder.map_or(0, Iterator::count), 1)?;
    }
    Ok(())
}

fn put_refused(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let wrong = put_request("file", b"contenT", &[]);
    for content in [b"content".as_slice(), b"conten", b""] {
        let channel = peer.open(&wrong, 0)?;
        peer.send(channel, content, content.len())?;
        let code = peer.answer(channel)?.map_err(|failure| failure.code);
        same("answer to other content", code.err(), Some(Code::Checksum))?;
        ensure(
            !bench.root().join("file").exists(),
            "content that is not the announced one",
        )?;
    }
    let shown = std::fs::read_dir(bench.root())?.count();
    same("files left behind", shown, 0)
}

fn put_places(bench: &mut Bench<'_>) -> Outcome {
    bench.write("file", b"old")?;
    bench.write("folder/file", b"old")?;
    let mut peer = bench.connect()?;
    let mut refused = |path, flags: &[&str], code| {
        let answer = put(&mut peer, path, b"new", flags)?.map_err(|failure| failure.code);
        same(
            &format!("put to {path} with {flags:?}"),
            answer.err(),
            Some(code),
        )
    };
    refused("file", &[], Code::Exists)?;
    refused("missing/file", &["replace"], Code::NotFound)?;
    refused("file/below", &["replace", "parents"], Code::NotDir)?;
    refused("folder", &["replace"], Code::IsDir)?;
    same_bytes("file", &bench.read("file")?, b"old")?;
    put(&mut peer, "file", b"new", &["replace"])??;
    same_bytes("file", &bench.read("file")?, b"new")
}

fn get_whole(bench: &mut Bench<'_>) -> Outcome {
    let content = bench.random.bytes(1_500_000);
    bench.write("folder/file", &content)?;
    bench.write("empty", b"")?;
    let mut peer = bench.connect()?;
    let channel = peer.open(&about("get", "folder/file", &[("max_bytes", "0")]), 0)?;
    let mut got = Vec::new();
    let answer = peer.read(channel, &mut got)??;
    same_bytes("the file", &got, &content)?;
    same(
        "`size`",
        answer.require_number("size")?,
        content.len() as u64,
    )?;
    let mtime = answer.require_number("mtime_ns")?.to_string();
    let size = content.len().to_string();
    for from in [1, 65_536, 1_400_000, content.len()] {
        let expect = [("max_bytes", "0"), ("size", &size), ("mtime_ns", &mtime)];
        let channel = peer.open(&about("get", "folder/file", &expect), from as u64)?;
        let mut rest = content[..from].to_vec();
        peer.read(channel, &mut rest)??;
        same_bytes("the file from an offset on", &rest, &content)?;
    }
    let channel = peer.open(&about("get", "empty", &[("max_bytes", "0")]), 0)?;
    let mut got = Vec::new();
    peer.read(channel, &mut got)??;
    same_bytes("an empty file", &got, b"")
}

fn get_unhashed(bench: &mut Bench<'_>) -> Outcome {
    let content = bench.random.bytes(300_000);
    bench.write("file", &content)?;
    let mut peer = bench.connect()?;
    let get = about("get", "file", &[("max_bytes", "0"), ("unhashed", "1")]);
    // An end without hash is refused by our side of the connection where it may not be.
    for from in [0, 65_536, content.len()] {
        let channel = peer.open(&get, from as u64)?;
        let mut whole = content[..from].to_vec();
        let answer = peer.read(channel, &mut whole)??;
        same_bytes(&format!("the file from {from} on"), &whole, &content)?;
        let size = answer.require_number("size")?;
        same("`size`", size, content.len() as u64)?;
    }
    let other = about("get", "file", &[("max_bytes", "0"), ("unhashed", "2")]);
    peer.refused("no flag", &other, Code::BadRequest)
}

fn get_refused(bench: &mut Bench<'_>) -> Outcome {
    bench.write("folder/file", &[7; 1000])?;
    let mut peer = bench.connect()?;
    let missing = about("get", "folder/none", &[("max_bytes", "0")]);
    peer.refused("a missing file", &missing, Code::NotFound)?;
    peer.refused(
        "a folder",
        &about("get", "folder", &[("max_bytes", "0")]),
        Code::IsDir,
    )?;
    let less = about("get", "folder/file", &[("max_bytes", "999")]);
    peer.refused("999 bytes at most", &less, Code::TooLarge)?;
    let channel = peer.open(&about("get", "folder/file", &[("max_bytes", "1000")]), 0)?;
    peer.read(channel, &mut Vec::new())??;
    let other = [("max_bytes", "0"), ("size", "1000"), ("mtime_ns", "1")];
    peer.refused(
        "another time",
        &about("get", "folder/file", &other),
        Code::Changed,
    )
}

fn mkdir(bench: &mut Bench<'_>) -> Outcome {
    bench.write("file", b"")?;
    let mut peer = bench.connect()?;
    peer.call(&about("mkdir", "one", &[]))??;
    peer.refused("again", &about("mkdir", "one", &[]), Code::Exists)?;
    peer.refused(
        "below nothing",
        &about("mkdir", "two/three", &[]),
        Code::NotFound,
    )?;
    for _ in 0..2 {
        peer.call(&about("mkdir", "two/three", &[("parents", "1")]))??;
    }
    peer.refused("over a file", &about("mkdir", "file", &[]), Code::Exists)?;
    let parents = |path| about("mkdir", path, &[("parents", "1")]);
    peer.refused("a file, with `parents`", &parents("file"), Code::Exists)?;
    peer.refused("below a file", &parents("file/below"), Code::NotDir)?;
    peer.refused("the root", &about("mkdir", "", &[]), Code::Exists)?;
    peer.call(&parents(""))??;
    ensure(
        bench.root().join("two/three").is_dir(),
        "two/three is no folder",
    )
}

fn remove(bench: &mut Bench<'_>) -> Outcome {
    bench.write("full/er/file", b"")?;
    bench.write("file", b"")?;
    let mut peer = bench.connect()?;
    peer.call(&about("remove", "file", &[]))??;
    peer.refused("again", &about("remove", "file", &[]), Code::NotFound)?;
    peer.call(&about("remove", "file", &[("missing_ok", "1")]))??;
    peer.refused(
        "a full folder",
        &about("remove", "full", &[]),
        Code::NotEmpty,
    )?;
    peer.call(&about("remove", "full", &[("recursive", "1")]))??;
    peer.refused(
        "the root",
        &about("remove", "", &[("recursive", "1")]),
        Code::BadPath,
    )?;
    same("files left", std::fs::read_dir(bench.root())?.count(), 0)
}

fn rename(bench: &mut Bench<'_>) -> Outcome {
    bench.write("a/file", b"one")?;
    bench.write("b", b"two")?;
    let mut peer = bench.connect()?;
    let to_b = about("rename", "a/file", &[("to", "b")]);
    peer.refused("onto a file", &to_b, Code::Exists)?;
    let replacing = about("rename", "a/file", &[("to", "b"), ("replace", "1")]);
    peer.call(&replacing)??;
    same_bytes("b", &bench.read("b")?, b"one")?;
    peer.refused("what is not there", &to_b, Code::NotFound)?;
    let itself = about("rename", "a", &[("to", "a/b")]);
    peer.refused("a folder into itself", &itself, Code::BadRequest)?;
    peer.call(&about("rename", "a", &[("to", "c")]))??;
    ensure(bench.root().join("c").is_dir(), "a folder was not moved")
}

fn copy(bench: &mut Bench<'_>) -> Outcome {
    let content = bench.random.bytes(200_000);
    bench.write("a/deep/file", &content)?;
    let mut peer = bench.connect()?;
    peer.refused("a folder", &about("copy", "a", &[("to", "b")]), Code::IsDir)?;
    let whole = about("copy", "a", &[("to", "b"), ("recursive", "1")]);
    peer.call(&whole)??;
    same_bytes("b/deep/file", &bench.read("b/deep/file")?, &content)?;
    peer.refused("again", &whole, Code::Exists)?;
    peer.call(&about("copy", "a/deep/file", &[("to", "c")]))??;
    same_bytes("c", &bench.read("c")?, &content)?;
    let none = about("copy", "none", &[("to", "d")]);
    peer.refused("what is not there", &none, Code::NotFound)
}

fn stat(bench: &mut Bench<'_>) -> Outcome {
    bench.write("folder/file", &[1; 321])?;
    let mut peer = bench.connect()?;
    let file = StatResult::from_box(&peer.call(&about("stat", "folder/file", &[]))??)?;
    same("kind and size", (file.kind, file.size), (Kind::File, 321))?;
    for path in ["folder", ""] {
        let folder = StatResult::from_box(&peer.call(&about("stat", path, &[]))??)?;
        same("kind", folder.kind, Kind::Dir)?;
    }
    peer.refused("nothing", &about("stat", "none", &[]), Code::NotFound)?;
    let below = about("stat", "folder/file/below", &[]);
    match peer.call(&below)? {
        Err(failure) if [Code::NotFound, Code::NotDir].contains(&failure.code) => Ok(()),
        other => crate::fault::broken(format!("below a file: {other:?}")),
    }
}

fn readdir(bench: &mut Bench<'_>) -> Outcome {
    for name in ["b/2", "b/10", "b.c", "a", "B/x"] {
        bench.write(name, name.as_bytes())?;
    }
    let mut peer = bench.connect()?;
    let wanted = ["B", "B/x", "a", "b", "b.c", "b/10", "b/2"];
    if peer.os == "windows" {
        // `B` and `b` are one folder there.
        return list(&mut peer, "b", true).map(|_| ());
    }
    same(
        "the whole",
        list(&mut peer, "", true)?,
        wanted.map(str::to_owned).to_vec(),
    )?;
    let flat = ["B", "a", "b", "b.c"].map(str::to_owned).to_vec();
    same("the root alone", list(&mut peer, "", false)?, flat)?;
    let few = about("readdir", "", &[("recursive", "1"), ("max_entries", "6")]);
    peer.refused("6 entries at most", &few, Code::TooLarge)?;
    let missing = about("readdir", "none", &[("max_entries", "9")]);
    peer.refused("a missing folder", &missing, Code::NotFound)?;
    let file = about("readdir", "a", &[("max_entries", "9")]);
    peer.refused("a file", &file, Code::NotDir)
}

fn list(peer: &mut Peer, path: &str, recursive: bool) -> Outcome<Vec<String>> {
    let recursive = if recursive { "1" } else { "0" };
    let pairs = [("recursive", recursive), ("max_entries", "7")];
    let channel = peer.open(&about("readdir", path, &pairs), 0)?;
    let mut stream = Vec::new();
    peer.read(channel, &mut stream)??;
    let mut decoder = EntryDecoder::new();
    decoder.push(&stream);
    let mut names = Vec::new();
    while let Some(entry) = decoder.next_entry()? {
        let needs_time = entry.mtime_ns.is_some();
        ensure(needs_time, format!("no `m` at {}", entry.path))?;
        names.push(entry.path.to_string());
    }
    ensure(decoder.is_ended(), "a listing without its end mark")?;
    Ok(names)
}

fn hash_and_df(bench: &mut Bench<'_>) -> Outcome {
    let content = bench.random.bytes(100_000);
    bench.write("folder/file", &content)?;
    let mut peer = bench.connect()?;
    let answer = match peer.call(&about("hash", "folder/file", &[]))? {
        Err(failure) if failure.code == Code::Unsupported => return skip("`hash` is unsupported"),
        answer => answer?,
    };
    same("`size`", answer.require_number("size")?, 100_000)?;
    same(
        "`sha256`",
        answer.require_text("sha256")?,
        &hex::encode(&digest(&content)),
    )?;
    peer.refused(
        "hash of nothing",
        &about("hash", "none", &[]),
        Code::NotFound,
    )?;
    peer.refused(
        "hash of a folder",
        &about("hash", "folder", &[]),
        Code::IsDir,
    )?;
    let space = peer.call(&about("df", "folder", &[]))??;
    let (free, total) = (
        space.require_number("disk_free")?,
        space.require_number("disk_total")?,
    );
    ensure(
        free <= total && total <= limits::OFFSET_MAX,
        format!("{free} of {total} free"),
    )
}
