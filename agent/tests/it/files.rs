//! Files over the wire: put, get, and the small operations.

use std::os::unix::fs::{PermissionsExt, symlink};

use windlass_protocol::ops::{
    Copy, Get, GetResult, Mkdir, Put, Readdir, Remove, Rename, Request, Stat, StatResult,
};
use windlass_protocol::sha256::digest;
use windlass_protocol::tree::{EntryDecoder, Kind};
use windlass_protocol::{Boxed, Code, Event, Failure, RelPath};

use super::harness::{Bench, Peer, random, write};

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).unwrap()
}

fn put(name: &str, content: &[u8]) -> Put {
    Put {
        path: path(name),
        size: content.len() as u64,
        sha256: digest(content),
        executable: false,
        replace: true,
        parents: true,
    }
}

fn send(peer: &mut Peer, put: Put, content: &[u8]) -> Result<Boxed, Failure> {
    let channel = peer.open(&Request::Put(put), 0);
    peer.send_stream(channel, content);
    peer.response(channel)
}

fn get(peer: &mut Peer, name: &str) -> Result<(Vec<u8>, GetResult), Failure> {
    let get = Get {
        path: path(name),
        max_bytes: 0,
        expect: None,
        unhashed: false,
    };
    let channel = peer.open(&Request::Get(get), 0);
    let mut content = Vec::new();
    let answer = peer.read_stream(channel, &mut content).unwrap()?;
    Ok((content, GetResult::from_box(&answer).unwrap()))
}

#[test]
fn a_file_put_is_the_file_got() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let content = random::<65_536>().repeat(300);
    for (name, content) in [("a/b/large", &content[..]), ("empty", b"")] {
        let mut request = put(name, content);
        request.executable = name == "empty";
        send(&mut peer, request, content).unwrap();
        let (got, result) = get(&mut peer, name).unwrap();
        assert!(got == content, "{name} differs");
        assert_eq!(
            (result.size, result.executable),
            (content.len() as u64, name == "empty")
        );
    }
    assert_eq!(
        std::fs::read_dir(bench.root().join("a/b")).unwrap().count(),
        1,
        "left-overs"
    );
}

#[test]
fn a_put_that_was_cut_goes_on_where_it_stopped() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let content = random::<65_536>().repeat(160);
    let channel = peer.open(&Request::Put(put("file", &content)), 0);
    while peer.connection.next_offset(channel).is_none() {
        peer.next().unwrap();
    }
    let taken = peer.connection.send_data(channel, 0, &content).unwrap();
    peer.flush();
    // The agent says that something is stored before the line is cut.
    while !matches!(peer.next().unwrap(), Event::Ack { durable: 1.., .. }) {}
    assert!(taken > 0 && !bench.root().join("file").exists());
    drop(peer);
    let mut peer = bench.accept();
    // The old thread may still hold the file for a moment: the new one waits for it.
    let channel = peer.open(&Request::Put(put("file", &content)), 0);
    while peer.connection.next_offset(channel).is_none() {
        peer.next().unwrap();
    }
    assert!(
        peer.connection.next_offset(channel).unwrap() > 0,
        "it began anew"
    );
    peer.send_stream(channel, &content);
    peer.response(channel).unwrap();
    assert!(std::fs::read(bench.root().join("file")).unwrap() == content);
}

#[test]
fn a_part_that_nobody_comes_back_for_goes_after_a_week() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    std::fs::create_dir_all(bench.root()).unwrap();
    let part = |name: &str, days: u64| {
        let path = bench.root().join(name);
        let file = std::fs::File::create(&path).unwrap();
        let made = file.metadata().unwrap().modified().unwrap();
        let age = std::time::Duration::from_secs(days * 86_400);
        file.set_modified(made - age).unwrap();
        path
    };
    let old = part(".00112233445566778899aabbccddeeff.part", 8);
    let young = part(".ff112233445566778899aabbccddeeff.part", 6);
    let other = part(".notes.part", 30);
    send(&mut peer, put("file", b"content"), b"content").unwrap();
    assert!(!old.exists() && young.exists() && other.exists());
}

#[test]
fn wrong_content_never_appears_under_the_name() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let wrong = Put {
        sha256: digest(b"other"),
        ..put("file", b"content")
    };
    assert_eq!(
        send(&mut peer, wrong, b"content").unwrap_err().code,
        Code::Checksum
    );
    assert_eq!(
        send(&mut peer, put("file", b"content"), b"cont")
            .unwrap_err()
            .code,
        Code::Checksum
    );
    assert_eq!(
        std::fs::read_dir(bench.root()).unwrap().count(),
        0,
        "left-overs"
    );
    assert!(!bench.root().join("file").exists());
    send(&mut peer, put("file", b"content"), b"content").unwrap();
    let keep = Put {
        replace: false,
        ..put("file", b"new")
    };
    assert_eq!(
        send(&mut peer, keep, b"new").unwrap_err().code,
        Code::Exists
    );
    assert_eq!(
        std::fs::read(bench.root().join("file")).unwrap(),
        b"content"
    );
}

#[test]
fn no_path_leaves_the_root() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    write(&bench.folder, "outside/file", b"secret");
    symlink(bench.folder.join("outside"), bench.root().join("out")).unwrap();
    symlink(bench.folder.join("outside/file"), bench.root().join("link")).unwrap();
    for name in ["out/file", "link"] {
        assert_eq!(
            get(&mut peer, name).unwrap_err().code,
            Code::SymlinkDenied,
            "{name}"
        );
    }
    let error = send(&mut peer, put("out/new", b"x"), b"x").unwrap_err();
    assert_eq!(error.code, Code::SymlinkDenied);
    // Replacing a link replaces the link.
    send(&mut peer, put("link", b"mine"), b"mine").unwrap();
    for bad in [
        "../outside/file",
        "/etc/passwd",
        "a/../../x",
        "a//b",
        "a\0b",
    ] {
        let mut request = Boxed::new();
        request.push("op", "stat");
        request.push("path", bad);
        let channel = peer.connection.open_box(&request, 0, 0).unwrap();
        assert_eq!(
            peer.response(channel).unwrap_err().code,
            Code::BadPath,
            "{bad:?}"
        );
    }
    let remove = Remove {
        path: path("out"),
        recursive: true,
        missing_ok: false,
    };
    peer.call(&Request::Remove(remove)).unwrap();
    assert_eq!(
        std::fs::read(bench.folder.join("outside/file")).unwrap(),
        b"secret"
    );
}

#[test]
fn folders_are_made_renamed_copied_listed_and_removed() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    peer.call(&Request::Mkdir(Mkdir {
        path: path("a/b"),
        parents: true,
    }))
    .unwrap();
    let again = Request::Mkdir(Mkdir {
        path: path("a/b"),
        parents: false,
    });
    assert_eq!(peer.call(&again).unwrap_err().code, Code::Exists);
    write(&bench.root(), "a/b/tool", b"#!/bin/sh\n");
    let tool = bench.root().join("a/b/tool");
    std::fs::set_permissions(tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("tool", bench.root().join("a/b/link")).unwrap();
    let copy = |recursive| {
        Request::Copy(Copy {
            path: path("a"),
            to: path("c"),
            recursive,
            replace: false,
        })
    };
    assert_eq!(peer.call(&copy(false)).unwrap_err().code, Code::IsDir);
    peer.call(&copy(true)).unwrap();
    assert_eq!(peer.call(&copy(true)).unwrap_err().code, Code::Exists);
    let rename = |replace| {
        Request::Rename(Rename {
            path: path("c/b/tool"),
            to: path("c/b/link"),
            replace,
        })
    };
    assert_eq!(peer.call(&rename(false)).unwrap_err().code, Code::Exists);
    peer.call(&rename(true)).unwrap();
    let stat = Request::Stat(Stat {
        path: path("c/b/link"),
    });
    let stat = StatResult::from_box(&peer.call(&stat).unwrap()).unwrap();
    assert_eq!(
        (stat.kind, stat.size, stat.executable),
        (Kind::File, 10, true)
    );
    let listed = list(&mut peer, "", 100).unwrap();
    assert_eq!(
        listed,
        ["a", "a/b", "a/b/link", "a/b/tool", "c", "c/b", "c/b/link"]
    );
    assert_eq!(list(&mut peer, "", 6).unwrap_err().code, Code::TooLarge);
    let remove = |recursive, missing_ok| {
        Request::Remove(Remove {
            path: path("a"),
            recursive,
            missing_ok,
        })
    };
    assert_eq!(
        peer.call(&remove(false, false)).unwrap_err().code,
        Code::NotEmpty
    );
    peer.call(&remove(true, false)).unwrap();
    assert_eq!(
        peer.call(&remove(true, false)).unwrap_err().code,
        Code::NotFound
    );
    peer.call(&remove(true, true)).unwrap();
}

fn list(peer: &mut Peer, name: &str, max_entries: u64) -> Result<Vec<String>, Failure> {
    let readdir = Readdir {
        path: path(name),
        recursive: true,
        max_entries,
    };
    let channel = peer.open(&Request::Readdir(readdir), 0);
    let mut stream = Vec::new();
    peer.read_stream(channel, &mut stream).unwrap()?;
    let mut decoder = EntryDecoder::new();
    decoder.push(&stream);
    let mut names = Vec::new();
    while let Some(entry) = decoder.next_entry().unwrap() {
        names.push(entry.path.to_string());
    }
    assert!(decoder.is_ended());
    Ok(names)
}
