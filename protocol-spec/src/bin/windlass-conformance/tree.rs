//! Trees to send and to receive, and both sides of `tree_put` and `tree_get` as the text has them.

mod got;

use std::collections::BTreeMap;
use std::path::Path;

use windlass_protocol::sha256::digest;
use windlass_protocol::{Boxed, ChannelId, Event, hex, limits};

use crate::ask::request;
use crate::fault::{Outcome, broken, ensure, same};
use crate::peer::{Answer, Peer};
pub(crate) use got::Got;

/// What stands at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Node {
    Folder,
    File { x: bool, content: Vec<u8> },
    Link(Vec<u8>),
}

/// A tree by path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tree(pub(crate) BTreeMap<String, Node>);

impl Tree {
    /// With a file, and the folders above it.
    pub(crate) fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref().to_vec();
        self.folders_above(path);
        self.0.insert(path.into(), Node::File { x: false, content });
        self
    }

    /// With a file that may be executed.
    pub(crate) fn program(mut self, path: &str, content: &[u8]) -> Self {
        let content = content.to_vec();
        self.folders_above(path);
        self.0.insert(path.into(), Node::File { x: true, content });
        self
    }

    /// With a link.
    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        self.folders_above(path);
        self.0.insert(path.into(), Node::Link(target.into()));
        self
    }

    /// Without what stands there.
    pub(crate) fn without(mut self, path: &str) -> Self {
        self.0.remove(path);
        self
    }

    fn folders_above(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            self.0.insert(path[..at].into(), Node::Folder);
        }
    }

    /// The manifest: entries, then the end mark.
    pub(crate) fn manifest(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (path, node) in &self.0 {
            push_entry(&mut bytes, &entry(path, node));
        }
        bytes.extend([0; 4]);
        bytes
    }

    /// Contents of the files in the order of the manifest.
    pub(crate) fn contents(&self) -> Vec<&[u8]> {
        self.0
            .values()
            .filter_map(|node| match node {
                Node::File { content, .. } => Some(content.as_slice()),
                _ => None,
            })
            .collect()
    }

    /// What lies in a folder of this machine; links and the executable bit only where there are.
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let mut tree = Self::default();
        tree.read_below(folder, "")?;
        Ok(tree)
    }

    fn read_below(&mut self, folder: &Path, above: &str) -> Outcome {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let path = format!("{above}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type()?;
            let node = if kind.is_dir() {
                self.read_below(&entry.path(), &format!("{path}/"))?;
                Node::Folder
            } else if kind.is_symlink() {
                let target = std::fs::read_link(entry.path())?;
                Node::Link(target.to_string_lossy().into_owned().into_bytes())
            } else {
                let content = std::fs::read(entry.path())?;
                Node::File {
                    x: is_executable(&entry.metadata()?),
                    content,
                }
            };
            self.0.insert(path, node);
        }
        Ok(())
    }
}

#[cfg(unix)]
pub(crate) fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
pub(crate) fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}

/// Appends an entry to a manifest.
pub(crate) fn push_entry(manifest: &mut Vec<u8>, pairs: &Boxed) {
    let bytes = pairs.encode();
    manifest.extend((bytes.len() as u32).to_be_bytes());
    manifest.extend(bytes);
}

/// The entry of a node.
pub(crate) fn entry(path: &str, node: &Node) -> Boxed {
    let mut pairs = Boxed::new();
    let word = match node {
        Node::Folder => "d",
        Node::File { .. } => "f",
        Node::Link(_) => "l",
    };
    pairs.push("t", word);
    pairs.push("p", path);
    match node {
        Node::Folder => {}
        Node::File { x, content } => {
            pairs.push_flag("x", *x);
            pairs.push_number("s", content.len() as u64);
            pairs.push("h", hex::encode(&digest(content)));
        }
        Node::Link(target) => pairs.push("l", target),
    }
    pairs
}

/// A `tree_put` to be sent: manifest and contents may be made to disagree.
pub(crate) struct Sending<'a> {
    pub(crate) manifest: Vec<u8>,
    pub(crate) contents: Vec<&'a [u8]>,
    /// Cut the connection after this many bytes of the down stream.
    pub(crate) cut_after: usize,
}

/// How a `tree_put` went.
pub(crate) struct Sent {
    pub(crate) answer: Answer,
    /// Where the agent let the stream begin.
    pub(crate) began: u64,
    /// Files that it asked for.
    pub(crate) wanted: usize,
    /// Bytes of the first of them that it had.
    pub(crate) have: u64,
}

impl<'a> Sending<'a> {
    /// All of a tree.
    pub(crate) fn of(tree: &'a Tree) -> Self {
        Self {
            manifest: tree.manifest(),
            contents: tree.contents(),
            cut_after: usize::MAX,
        }
    }

    /// Sends it; `None` if it was cut.
    pub(crate) fn send(&self, peer: &mut Peer, pairs: &[(&str, &[u8])]) -> Outcome<Option<Sent>> {
        let mut ask = request("tree_put", pairs);
        ask.push_number("manifest_size", self.manifest.len() as u64);
        ask.push("manifest_sha256", hex::encode(&digest(&self.manifest)));
        let channel = peer.connection.open_box(&ask, 0, limits::FILE_WINDOW)?;
        let mut sent = Sent {
            answer: Ok(Boxed::new()),
            began: u64::MAX,
            wanted: 0,
            have: 0,
        };
        let (mut down, mut needs, mut complete, mut ended) =
            (self.manifest.clone(), Vec::new(), false, false);
        loop {
            if let Some(offset) = peer.connection.next_offset(channel).filter(|_| !ended) {
                sent.began = sent.began.min(offset);
                let end = down.len().min(self.cut_after);
                let at = usize::try_from(offset).unwrap_or(usize::MAX);
                ensure(
                    at <= down.len(),
                    format!("the agent wants byte {offset} first"),
                )?;
                let taken = peer
                    .connection
                    .send_data(channel, offset, &down[at.min(end)..end])?;
                peer.flush();
                if at + taken >= self.cut_after {
                    return Ok(None);
                }
                if complete && at + taken == down.len() {
                    let length = down.len() as u64;
                    let manifest = digest(&self.manifest);
                    peer.connection.finish(channel, length, manifest)?;
                    ended = true;
                }
                if taken > 0 {
                    continue;
                }
            }
            match peer.next()? {
                Event::Data { bytes, .. } => needs.extend_from_slice(&bytes),
                Event::End { sha256, .. } => {
                    same("SHA-256 of the need list", sha256, Some(digest(&needs)))?;
                    self.push_contents(&mut down, &needs, &mut sent)?;
                    complete = true;
                }
                Event::Response {
                    channel: answered,
                    result,
                } if answered == channel => {
                    sent.answer = result;
                    return Ok(Some(sent));
                }
                _ => {}
            }
        }
    }

    /// Reads the need list and appends what it asks for.
    fn push_contents(&self, down: &mut Vec<u8>, needs: &[u8], sent: &mut Sent) -> Outcome {
        let files = self.contents.len();
        same("bytes of the need list", needs.len(), files.div_ceil(8) + 8)?;
        let (bits, have) = needs.split_at(files.div_ceil(8));
        let bit = |at: usize| bits[at / 8] & (0x80 >> (at % 8)) != 0;
        ensure(
            !(files..bits.len() * 8).any(bit),
            "padding of the need list is not zero",
        )?;
        sent.have = have.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let wanted: Vec<&&[u8]> = self
            .contents
            .iter()
            .enumerate()
            .filter(|(at, _)| bit(*at))
            .map(|(_, c)| c)
            .collect();
        sent.wanted = wanted.len();
        let first = wanted.first().map_or(0, |content| content.len() as u64);
        ensure(
            sent.have <= first,
            format!("`have` is {} of {first}", sent.have),
        )?;
        let all: Vec<u8> = wanted
            .into_iter()
            .flat_map(|content| content.iter().copied())
            .collect();
        down.extend_from_slice(&all[usize::try_from(sent.have).unwrap_or(0)..]);
        Ok(())
    }
}

/// Sends a whole tree that must be taken.
pub(crate) fn put(peer: &mut Peer, pairs: &[(&str, &[u8])], tree: &Tree) -> Outcome<Sent> {
    match Sending::of(tree).send(peer, pairs)? {
        Some(sent) => match &sent.answer {
            Ok(_) => Ok(sent),
            Err(failure) => broken(format!("tree_put: {failure}")),
        },
        None => broken("the tree was cut"),
    }
}
