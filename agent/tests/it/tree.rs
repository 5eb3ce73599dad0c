//! Trees over the wire: exact, cheap when nothing changed, and never outside the folder.

mod refusals;
mod resume;
mod reuse;

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use windlass_protocol::ops::{Delete, ManifestId, Request, TreePut, TreePutResult};
use windlass_protocol::sha256::digest;
use windlass_protocol::tree::{self, Entry, Kind, NeedList};
use windlass_protocol::{ChannelId, Code, Event, Failure, RelPath, limits};

use super::harness::{Bench, Ended, Peer, write};

/// A tree to send: entries with the content of files.
#[derive(Default, Clone)]
struct Tree(BTreeMap<String, (Option<Entry>, Vec<u8>)>);

impl Tree {
    fn file(mut self, name: &str, content: &[u8]) -> Tree {
        let entry = Entry::file(path(name), false, content.len() as u64, digest(content));
        self.0.insert(name.into(), (Some(entry), content.to_vec()));
        self
    }

    fn executable(mut self, name: &str) -> Tree {
        self.0.get_mut(name).unwrap().0.as_mut().unwrap().executable = true;
        self
    }

    fn link(mut self, name: &str, target: &str) -> Tree {
        self.0.insert(
            name.into(),
            (Some(Entry::link(path(name), target.into())), Vec::new()),
        );
        self
    }

    fn without(mut self, name: &str) -> Tree {
        self.0.remove(name).unwrap();
        self
    }

    fn manifest(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.entries()
            .for_each(|(entry, _)| entry.encode(&mut bytes));
        tree::encode_end(&mut bytes);
        bytes
    }

    fn entries(&self) -> impl Iterator<Item = (&Entry, &Vec<u8>)> {
        self.0
            .values()
            .filter_map(|(entry, content)| Some((entry.as_ref()?, content)))
    }
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).unwrap()
}

fn send(peer: &mut Peer, delete: Delete, tree: &Tree) -> Result<TreePutResult, Failure> {
    send_keeping(peer, delete, &[], tree)
}

fn send_keeping(
    peer: &mut Peer,
    delete: Delete,
    keep: &[&str],
    tree: &Tree,
) -> Result<TreePutResult, Failure> {
    try_send(peer, delete, keep, tree).expect("the connection ended")
}

fn try_send(
    peer: &mut Peer,
    delete: Delete,
    keep: &[&str],
    tree: &Tree,
) -> Result<Result<TreePutResult, Failure>, Ended> {
    let manifest = tree.manifest();
    let channel = open(peer, delete, keep, &manifest);
    let (mut down, mut sent) = (manifest.clone(), 0);
    let mut up = Vec::new();
    let mut contents_known = false;
    let mut finished = false;
    loop {
        if let Some(offset) = peer.connection.next_offset(channel).filter(|_| !finished) {
            sent = usize::try_from(offset).unwrap();
            let taken = peer
                .connection
                .send_data(channel, offset, &down[sent..])
                .unwrap_or(0);
            sent += taken;
            if taken > 0 {
                peer.flush();
                continue;
            }
        }
        if contents_known && sent == down.len() && !finished {
            let length = down.len() as u64;
            let _ = peer.connection.finish(channel, length, digest(&manifest));
            finished = true;
        }
        match peer.next()? {
            Event::Data { bytes, .. } => up.extend_from_slice(&bytes),
            Event::End { .. } => {
                let is_file = |entry: &Entry| entry.kind == Kind::File;
                let files: Vec<_> = tree.entries().filter(|(entry, _)| is_file(entry)).collect();
                let need = NeedList::decode(&up, files.len()).unwrap();
                let needed = files.iter().zip(need.iter()).filter(|(_, needed)| *needed);
                let contents = needed.flat_map(|((_, content), _)| content.iter().copied());
                let have = usize::try_from(need.have()).unwrap();
                down.extend(contents.skip(have));
                contents_known = true;
            }
            Event::Response { result, .. } => {
                return Ok(result.map(|answer| TreePutResult::from_box(&answer).unwrap()));
            }
            _ => {}
        }
    }
}

fn open(peer: &mut Peer, delete: Delete, keep: &[&str], manifest: &[u8]) -> ChannelId {
    let request = Request::TreePut(TreePut {
        path: path(peer.tree),
        manifest: ManifestId {
            size: manifest.len() as u64,
            sha256: digest(manifest),
        },
        delete,
        keep: keep.iter().copied().map(path).collect(),
    });
    peer.connection
        .open(&request, 0, limits::FILE_WINDOW)
        .unwrap()
}

/// Waits until the agent says where our stream begins.
fn begin_of(peer: &mut Peer, channel: ChannelId) -> u64 {
    loop {
        if let Some(offset) = peer.connection.next_offset(channel) {
            return offset;
        }
        peer.next().unwrap();
    }
}

fn sample() -> Tree {
    Tree::default()
        .file("README", b"read me")
        .file("bin/tool", b"#!/bin/sh\n")
        .executable("bin/tool")
        .file("src/deep/er/main.c", b"int main(void) { return 0; }\n")
        .file("src/empty", b"")
        .link("src/link", "deep/er/main.c")
}

fn names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut stack = vec![folder.to_owned()];
    while let Some(at) = stack.pop() {
        for entry in std::fs::read_dir(at).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                stack.push(entry.path());
            } else {
                let path = entry.path();
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_tree_arrives_exactly_and_again_costs_no_contents() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let first = send(&mut peer, Delete::Extra, &sample()).unwrap();
    assert_eq!(
        (first.files, first.reused, first.bytes),
        (4, 0, 7 + 10 + 29)
    );
    let folder = bench.root().join("build/src");
    assert_eq!(
        names(&folder),
        [
            "README",
            "bin/tool",
            "src/deep/er/main.c",
            "src/empty",
            "src/link"
        ]
    );
    assert_eq!(
        std::fs::read_link(folder.join("src/link")).unwrap(),
        Path::new("deep/er/main.c")
    );
    let mode = |name: &str| {
        std::fs::metadata(folder.join(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(
        (mode("bin/tool") & 0o100, mode("README") & 0o111),
        (0o100, 0)
    );

    let before = peer.bytes_written;
    let again = send(&mut peer, Delete::Extra, &sample()).unwrap();
    assert_eq!((again.bytes, again.reused, again.deleted), (0, 4, 0));
    // Not even the manifest is sent again.
    assert!(peer.bytes_written - before < 600);
}

#[test]
fn what_is_to_be_kept_stays_with_everything_below_it() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    send(&mut peer, Delete::Extra, &sample()).unwrap();
    let folder = bench.root().join("build/src");
    for name in ["lib/a/b", "lib/c", "deps/one/x", "deps/two/x", "bin/old"] {
        write(&folder, name, b"x");
    }
    let keep = ["lib", "deps/one", "nothing/there", "README/no"];
    let result = send_keeping(&mut peer, Delete::Extra, &keep, &sample()).unwrap();
    // `deps/two` with its file, and `bin/old`.
    assert_eq!((result.reused, result.deleted), (4, 3));
    let left = names(&folder);
    for name in ["lib/a/b", "lib/c", "deps/one/x", "README", "bin/tool"] {
        assert!(left.iter().any(|left| left == name), "{name} of {left:?}");
    }
    assert_eq!(left.len(), 8, "{left:?}");
    let result = send(&mut peer, Delete::Extra, &sample()).unwrap();
    assert_eq!((result.reused, names(&folder).len()), (4, 5));
}

#[test]
fn only_what_differs_is_sent_and_what_a_build_changed_is_put_right() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    send(&mut peer, Delete::Extra, &sample()).unwrap();
    let folder = bench.root().join("build/src");
    // A build writes over a source with the same length, at once; makes things; drops a bit.
    std::fs::write(folder.join("README"), b"ruined!").unwrap();
    write(&folder, "out/a.o", b"object");
    let plain = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.join("bin/tool"), plain).unwrap();
    let next = sample()
        .file("src/empty", b"not any more")
        .without("src/deep/er/main.c");
    let next = next.without("src/link");
    let result = send(&mut peer, Delete::Extra, &next).unwrap();
    assert_eq!((result.files, result.reused, result.bytes), (3, 1, 7 + 12));
    assert_eq!(names(&folder), ["README", "bin/tool", "src/empty"]);
    assert!(!folder.join("src/deep").exists() && !folder.join("out").exists());
    assert_eq!(std::fs::read(folder.join("README")).unwrap(), b"read me");
    let tool = std::fs::metadata(folder.join("bin/tool")).unwrap();
    assert_eq!(tool.permissions().mode() & 0o100, 0o100);
}

#[test]
fn products_of_a_build_stay_if_only_tracked_files_may_go() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    send(&mut peer, Delete::Tracked, &sample()).unwrap();
    let folder = bench.root().join("build/src");
    write(&folder, "src/main.o", b"object");
    let next = sample().without("src/deep/er/main.c").without("src/link");
    let result = send(&mut peer, Delete::Tracked, &next).unwrap();
    assert_eq!(result.deleted, 4, "a file, a link and two empty folders");
    assert_eq!(
        names(&folder),
        ["README", "bin/tool", "src/empty", "src/main.o"]
    );
}

#[test]
fn a_file_becomes_a_folder_and_back() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let folder = bench.root().join("build/src");
    let one = Tree::default()
        .file("a", b"1")
        .file("b/c", b"2")
        .link("d", "a");
    let two = Tree::default()
        .file("a/x", b"1")
        .file("b", b"2")
        .file("d/e", b"3");
    for (tree, expected) in [(&one, ["a", "b/c", "d"]), (&two, ["a/x", "b", "d/e"])].repeat(2) {
        send(&mut peer, Delete::Extra, tree).unwrap();
        assert_eq!(names(&folder), expected);
    }
}

#[test]
fn a_link_that_a_build_left_leads_nothing_out_of_the_folder() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    write(&bench.folder, "outside/er/main.c", b"precious");
    let folder = bench.root().join("build/src");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    symlink(bench.folder.join("outside"), folder.join("src/deep")).unwrap();
    symlink(
        bench.folder.join("outside/er/main.c"),
        folder.join("README"),
    )
    .unwrap();
    send(&mut peer, Delete::Extra, &sample()).unwrap();
    let outside = bench.folder.join("outside/er/main.c");
    assert_eq!(std::fs::read(outside).unwrap(), b"precious");
    assert!(folder.join("src/deep/er/main.c").is_file());
    assert!(
        std::fs::symlink_metadata(folder.join("README"))
            .unwrap()
            .is_file()
    );
}

#[test]
fn pages_of_zeros_become_holes_and_read_as_zeros() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut content = vec![0; 8 << 20];
    content[3 << 20] = 1;
    let tree = Tree::default().file("image", &content);
    send(&mut peer, Delete::Extra, &tree).unwrap();
    let file = bench.root().join("build/src/image");
    assert_eq!(std::fs::read(&file).unwrap(), content);
    let blocks = std::fs::metadata(&file).unwrap().blocks();
    assert!(blocks * 512 < 1 << 20, "{blocks} blocks");
}

#[test]
fn twenty_thousand_files_arrive_at_the_speed_of_the_disk() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut tree = Tree::default();
    for number in 0..20_000 {
        let name = format!("dir-{}/sub-{}/file-{number}.c", number % 40, number % 10);
        tree = tree.file(
            &name,
            format!("content of {number}\n").repeat(20).as_bytes(),
        );
    }
    let first = send(&mut peer, Delete::Extra, &tree).unwrap();
    assert_eq!((first.files, first.reused), (20_000, 0));
    let again = send(&mut peer, Delete::Extra, &tree).unwrap();
    assert_eq!((again.reused, again.bytes), (20_000, 0));
}
