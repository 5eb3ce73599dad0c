//! A single file to an agent and a whole tree from it, over cuts.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, PATIENCE};
use super::proxy::Proxy;
use crate::agents::AgentError;
use crate::model::{TreeEntry, TreeKind};
use crate::session::{FileContents, NewFile, TreeBounds, TreeSink};

const BOUNDS: TreeBounds = TreeBounds {
    entries_max: 1000,
    bytes_max: 1 << 30,
};

/// A file in memory.
struct Memory(Vec<u8>);

impl FileContents for Memory {
    fn open(&self, from: u64) -> mpsc::Receiver<io::Result<Bytes>> {
        let (sender, receiver) = mpsc::channel(2);
        let rest = self.0[usize::try_from(from).unwrap()..].to_vec();
        tokio::spawn(async move {
            for piece in rest.chunks(100_000) {
                if sender
                    .send(Ok(Bytes::copy_from_slice(piece)))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
        receiver
    }
}

/// Files as they came.
#[derive(Default)]
struct Files {
    whole: BTreeMap<String, Vec<u8>>,
    current: Vec<u8>,
    begun: usize,
}

impl TreeSink for Files {
    async fn begin(&mut self, _file: &TreeEntry) -> io::Result<()> {
        self.begun += 1;
        self.current.clear();
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.current.extend_from_slice(bytes);
        Ok(())
    }

    async fn end(&mut self, file: &TreeEntry) -> io::Result<()> {
        let path = String::from_utf8(file.path.clone()).unwrap();
        self.whole.insert(path, std::mem::take(&mut self.current));
        Ok(())
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn a_file_arrives_whole_over_cuts_and_wrong_contents_never_do() {
    let bench = Bench::new().await;
    let proxy = Proxy::start(bench.door, |n| if n < 8 { 900 + n * 60 } else { u64::MAX }).await;
    let machine = bench.machine("linux-1", proxy.address).await;
    let content = noise(4_000_000);
    let mut file = NewFile {
        path: "tools/bin/new".to_owned(),
        size: content.len() as u64,
        sha256: Sha256::digest(&content).into(),
        executable: true,
    };
    let cancel = CancellationToken::new();
    let memory = Memory(content);
    let put = bench.agents.put(machine.id, &file, &memory, &cancel);
    tokio::time::timeout(PATIENCE, put).await.unwrap().unwrap();
    let there = machine.root().join("tools/bin/new");
    assert!(std::fs::read(&there).unwrap() == memory.0);

    file.sha256 = [7; 32];
    let refused = bench.agents.put(machine.id, &file, &memory, &cancel).await;
    assert!(
        matches!(&refused, Err(AgentError::Refused(refusal)) if refusal.code == "checksum"),
        "{refused:?}"
    );
    assert!(std::fs::read(&there).unwrap() == memory.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_comes_back_whole_over_cuts_and_no_file_begins_twice() {
    let bench = Bench::new().await;
    let proxy = Proxy::start(bench.door, |n| if n < 6 { 500_000 } else { u64::MAX }).await;
    let machine = bench.machine("linux-1", proxy.address).await;
    let folder = machine.root().join("out");
    let mut expected = BTreeMap::new();
    for n in 0..50_usize {
        expected.insert(format!("sub/{n:02}"), vec![b'x'; n * 100]);
    }
    expected.insert("big".to_owned(), noise(2_000_000));
    expected.insert("z-empty".to_owned(), Vec::new());
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    for (path, bytes) in &expected {
        std::fs::write(folder.join(path), bytes).unwrap();
    }
    std::os::unix::fs::symlink("big", folder.join("link")).unwrap();
    let mut files = Files::default();
    let cancel = CancellationToken::new();
    let agents = &bench.agents;
    let get = agents.tree_get(machine.id, "out", BOUNDS, &mut files, &cancel);
    let entries = tokio::time::timeout(PATIENCE, get).await.unwrap().unwrap();
    assert_eq!((entries.len(), files.begun), (53, 52));
    assert!(files.whole == expected);
    let link = entries.iter().find(|entry| entry.path == b"link").unwrap();
    assert!(matches!(&link.kind, TreeKind::Link { target } if target == b"big"));

    let few = TreeBounds {
        bytes_max: 1000,
        ..BOUNDS
    };
    let mut files = Files::default();
    let refused = agents
        .tree_get(machine.id, "out", few, &mut files, &cancel)
        .await;
    assert!(
        matches!(&refused, Err(AgentError::Refused(refusal)) if refusal.code == "too-large"),
        "{refused:?}"
    );
}
