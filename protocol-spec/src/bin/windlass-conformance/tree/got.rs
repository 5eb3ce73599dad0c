//! A tree that the agent sends.

use super::*;

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
