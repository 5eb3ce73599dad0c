//! Trees to send and to receive, and both sides of `tree_put` and `tree_get` as the text has them.

use std::collections::BTreeMap;
use std::path::Path;

use windlass_protocol::sha256::digest;
use windlass_protocol::{Boxed, ChannelId, Event, hex, limits};

use crate::ask::request;
use crate::fault::{Outcome, broken, ensure, same};
use crate::peer::{Answer, Peer};

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

/// What came of a `tree_get` so far.
#[derive(Default)]
pub(crate) struct Got {
    /// The manifest and the contents.
    pub(crate) stream: Vec<u8>,
    /// Entries of the manifest, once it is whole.
    pub(crate) entries: Vec<Boxed>,
    /// Bytes of the manifest, once it is whole.
    pub(crate) manifest_size: usize,
    /// Files asked for.
    pub(crate) wanted: usize,
}

impl Got {
    /// Receives a tree; `need` says which files are wanted. With `stream` = a manifest it resumes.
    pub(crate) fn receive(
        &mut self,
        peer: &mut Peer,
        path: &str,
        have: u64,
        need: impl Fn(&Boxed) -> bool,
    ) -> Outcome<Answer> {
        let mut ask = request("tree_get", &[("path", path.as_bytes())]);
        ask.push("max_entries", "100000");
        ask.push("max_bytes", "0");
        let from = self.stream.len() as u64;
        if from > 0 {
            ask.push_number("manifest_size", from);
            ask.push("manifest_sha256", hex::encode(&digest(&self.stream)));
        }
        let channel = peer.connection.open_box(&ask, from, limits::FILE_WINDOW)?;
        let mut answered = self.find_manifest()? && self.say_needs(peer, channel, have, &need)?;
        loop {
            match peer.next()? {
                Event::Data { offset, bytes, .. } => {
                    same("offset of DATA", offset, self.stream.len() as u64)?;
                    self.stream.extend_from_slice(&bytes);
                    let durable = self.stream.len() as u64;
                    let limit = durable + limits::FILE_WINDOW;
                    let _ = peer.connection.acknowledge(channel, durable, limit);
                }
                Event::End { length, sha256, .. } => {
                    same("length in END", length, self.stream.len() as u64)?;
                    let manifest = digest(&self.stream[..self.manifest_size]);
                    same("SHA-256 in END", sha256, Some(manifest))?;
                }
                Event::Response {
                    channel: of,
                    result,
                } if of == channel => return Ok(result),
                _ => {}
            }
            if !answered && self.find_manifest()? {
                answered = self.say_needs(peer, channel, have, &need)?;
            }
        }
    }

    /// Reads the manifest if it is there; tells whether it is.
    fn find_manifest(&mut self) -> Outcome<bool> {
        let (mut entries, mut rest) = (Vec::new(), self.stream.as_slice());
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            ensure(
                length <= limits::ENTRY_BYTES_MAX,
                "an entry above 10240 bytes",
            )?;
            if length == 0 {
                self.manifest_size = self.stream.len() - tail.len();
                self.entries = entries;
                return Ok(true);
            }
            let Some(bytes) = tail.get(..length) else {
                return Ok(false);
            };
            entries.push(Boxed::decode(bytes)?);
            rest = &tail[length..];
        }
        Ok(false)
    }

    /// Sends the need list once the agent's first ACK allows it; `false` before.
    fn say_needs(
        &mut self,
        peer: &mut Peer,
        channel: ChannelId,
        have: u64,
        need: impl Fn(&Boxed) -> bool,
    ) -> Outcome<bool> {
        if peer.connection.next_offset(channel).is_none() {
            return Ok(false);
        }
        let files = self
            .entries
            .iter()
            .filter(|entry| entry.first("t") == Some(b"f"));
        let bits: Vec<bool> = files.map(need).collect();
        self.wanted = bits.iter().filter(|bit| **bit).count();
        let mut list = vec![0_u8; bits.len().div_ceil(8)];
        for (at, _) in bits.iter().enumerate().filter(|(_, bit)| **bit) {
            list[at / 8] |= 0x80 >> (at % 8);
        }
        list.extend(have.to_be_bytes());
        let taken = peer.connection.send_data(channel, 0, &list)?;
        same(
            "bytes of the need list that were welcome",
            taken,
            list.len(),
        )?;
        peer.connection
            .finish(channel, list.len() as u64, digest(&list))?;
        Ok(true)
    }

    /// The bytes behind the manifest.
    pub(crate) fn contents(&self) -> &[u8] {
        &self.stream[self.manifest_size..]
    }
}
