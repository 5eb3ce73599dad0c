//! Trees on their way to the master: whole, resumed, and refused when they change; and questions
//! about files.

use std::os::unix::fs::symlink;

use windlass_protocol::ops::{
    Df, DfResult, Hash, HashResult, ManifestId, Request, TreeGet, TreeGetResult,
};
use windlass_protocol::sha256::digest;
use windlass_protocol::tree::{Entry, EntryDecoder, Kind, NeedList};
use windlass_protocol::{ChannelId, Code, Event, Failure, RelPath, limits};

use super::harness::{Bench, Ended, Peer, random, write};

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).unwrap()
}

/// What came of a tree so far.
#[derive(Default)]
struct Fetched {
    manifest: Vec<u8>,
    /// The files asked for, joined.
    contents: Vec<u8>,
}

impl Fetched {
    fn entries(&self) -> Vec<Entry> {
        let mut decoder = EntryDecoder::new();
        decoder.push(&self.manifest);
        let entries = std::iter::from_fn(|| decoder.next_entry().unwrap()).collect();
        assert!(decoder.is_ended());
        entries
    }

    fn id(&self) -> ManifestId {
        ManifestId {
            size: self.manifest.len() as u64,
            sha256: digest(&self.manifest),
        }
    }
}

fn open(peer: &mut Peer, folder: &str, fetched: &Fetched, resumed: bool) -> ChannelId {
    let request = Request::TreeGet(TreeGet {
        path: path(folder),
        max_entries: 100,
        max_bytes: 100 << 20,
        expect: resumed.then(|| fetched.id()),
    });
    let from = if resumed { fetched.manifest.len() } else { 0 };
    peer.connection
        .open(&request, from as u64, limits::FILE_WINDOW)
        .unwrap()
}

/// Fetches the files for which `wants` says yes. With `have`, the manifest and that many bytes of
/// the first of them are here.
fn fetch(
    peer: &mut Peer,
    folder: &str,
    fetched: &mut Fetched,
    have: Option<u64>,
    wants: impl Fn(&Entry) -> bool,
) -> Result<Result<TreeGetResult, Failure>, Ended> {
    let channel = open(peer, folder, fetched, have.is_some());
    let mut decoder = EntryDecoder::new();
    decoder.push(&fetched.manifest);
    let mut whole = fetched.manifest.clone();
    let mut asked = false;
    loop {
        if !asked && !fetched.manifest.is_empty() && peer.connection.next_offset(channel).is_some()
        {
            let entries = fetched.entries();
            let mut need = NeedList::new();
            let files = entries.iter().filter(|entry| entry.kind == Kind::File);
            files.for_each(|entry| need.push(wants(entry)));
            need.set_have(have.unwrap_or(0));
            let bytes = need.encode();
            assert_eq!(
                peer.connection.send_data(channel, 0, &bytes),
                Ok(bytes.len())
            );
            let end = peer
                .connection
                .finish(channel, bytes.len() as u64, digest(&bytes));
            end.unwrap();
            asked = true;
        }
        match peer.next()? {
            Event::Data { bytes, .. } => {
                let before = fetched.manifest.len();
                if before == 0 || !decoder.is_ended() && have.is_none() {
                    whole.extend_from_slice(&bytes);
                    decoder.push(&bytes);
                    while decoder.next_entry().unwrap().is_some() {}
                    if decoder.is_ended() {
                        fetched.manifest = whole.clone();
                    }
                } else {
                    whole.extend_from_slice(&bytes);
                    fetched.contents.extend_from_slice(&bytes);
                }
                let durable = whole.len() as u64;
                let limit = durable + limits::FILE_WINDOW;
                let _ = peer.connection.acknowledge(channel, durable, limit);
            }
            Event::End { length, sha256, .. } => {
                let manifest = digest(&fetched.manifest);
                assert_eq!((length, sha256), (whole.len() as u64, Some(manifest)));
            }
            Event::Response { result, .. } => {
                return Ok(result.map(|answer| TreeGetResult::from_box(&answer).unwrap()));
            }
            Event::Closed(_) => return Err(Ended),
            _ => {}
        }
    }
}

fn fill(bench: &Bench, large: &[u8]) {
    let folder = bench.root().join("out");
    write(&folder, "a/one", b"first");
    write(&folder, "a/two", large);
    write(&folder, "three", b"last");
    std::fs::create_dir(folder.join("empty")).unwrap();
    symlink("a/one", folder.join("link")).unwrap();
}

#[test]
fn a_tree_comes_whole_and_only_what_is_asked_for() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let large = random::<65_536>().repeat(3);
    fill(&bench, &large);
    let mut all = Fetched::default();
    let result = fetch(&mut peer, "out", &mut all, None, |_| true)
        .unwrap()
        .unwrap();
    let expected = [b"first".as_slice(), &large, b"last"].concat();
    assert_eq!((result.files, result.bytes), (3, expected.len() as u64));
    assert!(all.contents == expected);
    let entries = all.entries();
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| format!("{} {}", entry.kind.as_str(), entry.path))
        .collect();
    assert_eq!(
        shown,
        ["d a", "f a/one", "f a/two", "d empty", "l link", "f three"]
    );
    assert_eq!(entries[1].sha256, Some(digest(b"first")));

    let mut some = Fetched::default();
    let wants = |entry: &Entry| entry.size < 100;
    fetch(&mut peer, "out", &mut some, None, wants)
        .unwrap()
        .unwrap();
    assert_eq!(some.contents, b"firstlast");
    let mut none = Fetched::default();
    fetch(&mut peer, "out", &mut none, None, |_| false)
        .unwrap()
        .unwrap();
    assert_eq!((none.contents.len(), none.id()), (0, all.id()));
}

#[test]
fn a_cut_tree_goes_on_in_the_middle_of_a_file_and_a_changed_one_is_refused() {
    let bench = Bench::with_agent();
    let large = random::<65_536>().repeat(30);
    fill(&bench, &large);
    let mut fetched = Fetched::default();
    let mut peer = bench.accept();
    peer.cut_after = peer.bytes_read + 1_000_000;
    assert!(fetch(&mut peer, "out", &mut fetched, None, |_| true).is_err());
    let came = fetched.contents.len();
    assert!(came > 500_000, "{came}");

    let mut peer = bench.accept();
    let wants = |entry: &Entry| entry.path.as_bytes() != b"a/one";
    let have = Some(came as u64 - 5);
    let result = fetch(&mut peer, "out", &mut fetched, have, wants)
        .unwrap()
        .unwrap();
    let rest = large.len() - (came - 5) + 4;
    assert_eq!(result.bytes, rest as u64);
    assert!(fetched.contents == [b"first".as_slice(), &large, b"last"].concat());

    std::fs::write(bench.root().join("out/three"), "LAST").unwrap();
    let refused = fetch(&mut peer, "out", &mut fetched, Some(0), |_| true).unwrap();
    assert_eq!(refused.unwrap_err().code, Code::Changed);
}

#[test]
fn questions_about_files_are_answered_and_bounds_are_kept() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    fill(&bench, b"second");
    let answer = peer.call(&Request::Hash(Hash {
        path: path("out/a/two"),
    }));
    let expected = HashResult {
        size: 6,
        sha256: digest(b"second"),
    };
    assert_eq!(HashResult::from_box(&answer.unwrap()), Ok(expected));
    for (name, code) in [
        ("out/none", Code::NotFound),
        ("out/a", Code::IsDir),
        ("out/link", Code::SymlinkDenied),
    ] {
        let refused = peer.call(&Request::Hash(Hash { path: path(name) }));
        assert_eq!(refused.unwrap_err().code, code, "{name}");
    }
    for folder in ["", "out/a"] {
        let answer = peer.call(&Request::Df(Df { path: path(folder) })).unwrap();
        let room = DfResult::from_box(&answer).unwrap();
        assert!(0 < room.disk_free && room.disk_free <= room.disk_total);
    }
    let few = |max_entries, max_bytes| {
        Request::TreeGet(TreeGet {
            path: path("out"),
            max_entries,
            max_bytes,
            expect: None,
        })
    };
    for request in [few(5, 0), few(6, 14)] {
        assert_eq!(peer.call(&request).unwrap_err().code, Code::TooLarge);
    }
}
