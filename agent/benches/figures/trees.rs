//! Twenty thousand files, in turns with `tar`; and the same again unchanged.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};

use windlass_protocol::Event;
use windlass_protocol::ops::{Delete, ManifestId, Request, TreePut, TreePutResult};
use windlass_protocol::sha256::digest;
use windlass_protocol::tree::{self, Entry, NeedList};

use crate::ground::{Ground, random};
use crate::peer::{Peer, path};
use crate::table::{Row, median};

/// Files of the tree.
const FILES: usize = 20_000;
/// Bytes joined before they are sent.
const JOIN_BYTES: usize = 262_144;

/// Makes the tree: sizes as in most source trees, half a KiB to 8 KiB, 4 KiB in the middle.
fn make(folder: &Path) {
    let noise = random::<8_192>();
    for number in 0..FILES {
        let folder = folder.join(format!(
            "dir-{:02}/sub-{:02}",
            number % 40,
            number / 40 % 20
        ));
        fs::create_dir_all(&folder).unwrap();
        let size = 512 + (number * 7919) % 7_680;
        let mut content = noise[..size].to_vec();
        content[..8].copy_from_slice(&(number as u64).to_be_bytes());
        fs::write(folder.join(format!("file-{number}.c")), content).unwrap();
    }
}

/// A tree as the master knows it: hashes are kept per object there.
struct Source {
    entries: Vec<(PathBuf, Entry)>,
    manifest: Vec<u8>,
}

impl Source {
    fn read(folder: &Path) -> Source {
        let mut entries = Vec::new();
        let mut stack = vec![folder.to_owned()];
        while let Some(at) = stack.pop() {
            for found in fs::read_dir(at).unwrap().map(Result::unwrap) {
                let file = found.path();
                if file.is_dir() {
                    stack.push(file);
                    continue;
                }
                let content = fs::read(&file).unwrap();
                let name = file.strip_prefix(folder).unwrap().to_str().unwrap();
                let size = content.len() as u64;
                let entry = Entry::file(path(name), false, size, digest(&content));
                entries.push((file, entry));
            }
        }
        entries.sort_by(|one, other| one.1.path.cmp(&other.1.path));
        let mut manifest = Vec::new();
        entries
            .iter()
            .for_each(|(_, entry)| entry.encode(&mut manifest));
        tree::encode_end(&mut manifest);
        Source { entries, manifest }
    }

    /// Reads the files that are needed, joined.
    fn read_wanted(&self, need: &NeedList, sender: SyncSender<Vec<u8>>) {
        let mut joined = Vec::with_capacity(2 * JOIN_BYTES);
        let wanted = self.entries.iter().zip(need.iter()).filter(|(_, yes)| *yes);
        for ((file, _), _) in wanted {
            fs::File::open(file)
                .unwrap()
                .read_to_end(&mut joined)
                .unwrap();
            if joined.len() >= JOIN_BYTES {
                let next = Vec::with_capacity(2 * JOIN_BYTES);
                sender.send(std::mem::replace(&mut joined, next)).unwrap();
            }
        }
        sender.send(joined).unwrap();
    }

    fn put(&self, peer: &mut Peer) -> (Duration, TreePutResult) {
        let began = Instant::now();
        let request = Request::TreePut(TreePut {
            path: path("tree"),
            manifest: ManifestId {
                size: self.manifest.len() as u64,
                sha256: digest(&self.manifest),
            },
            delete: Delete::Extra,
            keep: Vec::new(),
        });
        let channel = peer.connection.open(&request, 0, 1 << 20).unwrap();
        let begin = loop {
            if let Some(offset) = peer.connection.next_offset(channel) {
                break offset;
            }
            peer.next();
        };
        let rest = &self.manifest[usize::try_from(begin).unwrap()..];
        peer.send(channel, begin, rest);
        let mut up = Vec::new();
        loop {
            match peer.next() {
                Event::Data { bytes, .. } => up.extend(bytes),
                Event::End { .. } => break,
                Event::Response { result, .. } => panic!("{result:?}"),
                _ => {}
            }
        }
        let need = NeedList::decode(&up, self.entries.len()).unwrap();
        let mut offset = self.manifest.len() as u64;
        // Read ahead, as tar does.
        let (sender, blocks) = mpsc::sync_channel(4);
        std::thread::scope(|scope| {
            scope.spawn(|| self.read_wanted(&need, sender));
            for block in blocks {
                peer.send(channel, offset, &block);
                offset += block.len() as u64;
            }
        });
        peer.connection
            .finish(channel, offset, digest(&self.manifest))
            .unwrap();
        let result = TreePutResult::from_box(&peer.answer(channel)).unwrap();
        (began.elapsed(), result)
    }
}

pub(crate) fn measure(ground: &Ground, rounds: usize) -> Vec<Row> {
    let folder = ground.target("tree-source");
    make(&folder);
    let source = Source::read(&folder);
    let (mut first, mut again, mut tar) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        tar.push(ground.tar(&folder));
        // An agent that has never seen these contents.
        let mut peer = ground.connect(None);
        let (took, result) = source.put(&mut peer);
        assert_eq!((result.files, result.reused), (FILES as u64, 0));
        first.push(took);
        // A file that changed within the tick of its clock would be read again.
        std::thread::sleep(Duration::from_millis(200));
        let (took, result) = source.put(&mut peer);
        assert_eq!(result.reused, FILES as u64);
        again.push(took);
        peer.remove("tree");
    }
    let pushed = Row::of_time("20,000 files pushed", &first, "tar c | nc | tar x", &tar);
    let unchanged = Row::of_time("pushed again unchanged", &again, "tar c | nc | tar x", &tar);
    vec![
        Row {
            wanted: "≤ 1.20".into(),
            is_met: pushed.ratio.is_some_and(|ratio| ratio <= 1.2),
            ..pushed
        },
        Row {
            wanted: "≤ 0.5 s".into(),
            is_met: median(&again) <= Duration::from_millis(500),
            ..unchanged
        },
    ]
}
