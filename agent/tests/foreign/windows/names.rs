//! Names of files: long, reserved, differing only in case, of any writing.

use windlass_protocol::ops::{Get, Mkdir, Put, Remove, Request, Stat};
use windlass_protocol::sha256::digest;
use windlass_protocol::{Boxed, Code, Failure, RelPath};

use super::bench;
use crate::harness::Peer;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).unwrap()
}

fn put(peer: &mut Peer, name: &str, content: &[u8]) -> Result<Boxed, Failure> {
    let put = Put {
        path: path(name),
        size: content.len() as u64,
        sha256: digest(content),
        executable: false,
        replace: true,
        parents: true,
    };
    let channel = peer.open(&Request::Put(put), 0);
    peer.send_stream(channel, content);
    peer.response(channel)
}

fn get(peer: &mut Peer, name: &str) -> Vec<u8> {
    let get = Get {
        path: path(name),
        max_bytes: 0,
        expect: None,
        unhashed: false,
    };
    let channel = peer.open(&Request::Get(get), 0);
    let mut content = Vec::new();
    peer.read_stream(channel, &mut content).unwrap().unwrap();
    content
}

fn remove(peer: &mut Peer, name: &str) -> Boxed {
    let remove = Remove {
        path: path(name),
        recursive: true,
        missing_ok: false,
    };
    peer.call(&Request::Remove(remove)).unwrap()
}

#[test]
fn a_path_far_longer_than_260_characters_is_one_like_any_other() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let folders = vec!["a-folder-with-quite-a-long-name"; 20].join("/");
    let name = format!("{folders}/file.txt");
    let content = b"one\r\ntwo\n";
    put(&mut peer, &name, content).unwrap();
    assert_eq!(get(&mut peer, &name), content);
    let removed = remove(&mut peer, "a-folder-with-quite-a-long-name");
    assert_eq!(removed.number("removed").unwrap(), Some(21));
    assert_eq!(std::fs::read_dir(bench.root()).unwrap().count(), 0);
}

#[test]
fn names_of_devices_and_of_streams_are_refused() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let names = [
        "nul",
        "CON.txt",
        "a/aux",
        "com1.log",
        "file:stream",
        "ends.",
        "ends ",
        "a\\b",
        "what?",
    ];
    for name in names {
        let refused = put(&mut peer, name, b"x").unwrap_err();
        assert_eq!(refused.code, Code::BadPath, "{name}");
        let mkdir = Mkdir {
            path: path(name),
            parents: true,
        };
        let refused = peer.call(&Request::Mkdir(mkdir)).unwrap_err();
        assert_eq!(refused.code, Code::BadPath, "{name}");
    }
    put(&mut peer, "console.txt", b"x").unwrap();
}

#[test]
fn a_name_is_found_however_its_case_and_whatever_its_writing() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    for name in ["größe/日本/🦀.txt", "Mixed Case/File.TXT"] {
        put(&mut peer, name, name.as_bytes()).unwrap();
        assert_eq!(get(&mut peer, name), name.as_bytes());
        assert_eq!(
            std::fs::read(bench.root().join(name)).unwrap(),
            name.as_bytes()
        );
    }
    assert_eq!(
        get(&mut peer, "mixed case/file.txt"),
        b"Mixed Case/File.TXT"
    );
    let stat = Request::Stat(Stat {
        path: path("größe/日本"),
    });
    assert_eq!(peer.call(&stat).unwrap().text("t").unwrap(), Some("d"));
}
