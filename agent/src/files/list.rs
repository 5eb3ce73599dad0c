//! Looking: stat of one name, and listings of a folder, also with everything below it.

use std::io;

use windlass_protocol::ops::{Readdir, Stat as StatRequest, StatResult};
use windlass_protocol::tree::{self, Entry};
use windlass_protocol::{Boxed, Code, Failure, RelPath, limits};

use crate::failure;
use crate::root::{self, Root};
use crate::session::Answer;
use crate::session::port::Port;
use crate::sys::{self, Folder, Kind, Stat};

/// Folders within folders that a listing enters; each level holds one open.
const DEPTH_MAX: usize = 256;

/// Describes one name.
pub(crate) fn stat(root: &Root, request: &StatRequest) -> Result<Boxed, Failure> {
    let path = request.path.as_bytes();
    let io = |error: io::Error| failure::of_io(&error, path);
    let mut result = StatResult {
        kind: tree::Kind::Dir,
        size: 0,
        executable: false,
        mtime_ns: 0,
        target: None,
    };
    if request.path.is_root() {
        return Ok(result.to_box());
    }
    let (folder, name) = root.parent(&request.path)?;
    let stat = folder.stat(&name).map_err(io)?;
    result.kind = wire_kind(stat.kind);
    if stat.kind == Kind::File {
        result.size = stat.size;
        result.executable = stat.executable;
    }
    result.mtime_ns = u64::try_from(stat.mtime_ns).unwrap_or(0);
    if stat.kind == Kind::Link {
        let target = folder.read_link(&name).map_err(io)?;
        result.target = Some(sys::os_bytes(&target).to_vec());
    }
    Ok(result.to_box())
}

/// Serves one `readdir`: the listing as the stream, the number of entries as the answer.
pub(crate) fn serve(root: &Root, port: &Port, readdir: &Readdir, from: u64) -> Answer {
    let entries = match list(root, readdir) {
        Ok(entries) => entries,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut stream = Vec::new();
    entries.iter().for_each(|entry| entry.encode(&mut stream));
    tree::encode_end(&mut stream);
    port.send_all(from, &stream)?;
    let mut pairs = Boxed::new();
    pairs.push_number("entries", entries.len() as u64);
    Ok(Ok(pairs))
}

/// Every entry of a folder, sorted by the bytes of its path.
pub(crate) fn list(root: &Root, readdir: &Readdir) -> Result<Vec<Entry>, Failure> {
    let mut listing = Listing {
        recursive: readdir.recursive,
        entries_max: readdir.max_entries.min(limits::ENTRIES_MAX),
        top: &readdir.path,
        entries: Vec::new(),
    };
    listing.walk(&root.walk(&readdir.path)?, &RelPath::root(), 0)?;
    listing
        .entries
        .sort_by(|one, other| one.path.as_bytes().cmp(other.path.as_bytes()));
    Ok(listing.entries)
}

struct Listing<'a> {
    recursive: bool,
    entries_max: u64,
    top: &'a RelPath,
    entries: Vec<Entry>,
}

impl Listing<'_> {
    fn walk(&mut self, folder: &Folder, at: &RelPath, depth: usize) -> Result<(), Failure> {
        let io = |error: io::Error| failure::of_io(&error, at.as_bytes());
        for listed in folder.list().map_err(io)? {
            let stat = match folder.stat(&listed.name) {
                // A running build may have removed it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(io)?,
            };
            let path = RelPath::parse(sys::os_bytes(&listed.name))?.below(at)?;
            let mut entry = entry(path, &stat);
            if stat.kind == Kind::Link {
                let target = folder.read_link(&listed.name).map_err(io)?;
                entry.target = Some(sys::os_bytes(&target).to_vec());
            }
            if self.entries.len() as u64 >= self.entries_max {
                let text = format!("there are more than {} entries", self.entries_max);
                return Err(Failure::new(Code::TooLarge, text).with_path(self.top.as_bytes()));
            }
            let path = entry.path.clone();
            self.entries.push(entry);
            if self.recursive && stat.kind == Kind::Folder {
                if depth == DEPTH_MAX {
                    let text = format!("folders lie more than {DEPTH_MAX} deep");
                    return Err(Failure::new(Code::TooLarge, text).with_path(path.as_bytes()));
                }
                let inside = root::enter(folder, &listed.name, path.as_bytes())?;
                self.walk(&inside, &path, depth + 1)?;
            }
        }
        Ok(())
    }
}

fn entry(path: RelPath, stat: &Stat) -> Entry {
    let file = stat.kind == Kind::File;
    Entry {
        kind: wire_kind(stat.kind),
        path,
        executable: file && stat.executable,
        size: if file { stat.size } else { 0 },
        sha256: None,
        mtime_ns: Some(u64::try_from(stat.mtime_ns).unwrap_or(0)),
        target: None,
    }
}

fn wire_kind(kind: Kind) -> tree::Kind {
    match kind {
        Kind::File => tree::Kind::File,
        Kind::Folder => tree::Kind::Dir,
        Kind::Link => tree::Kind::Link,
        Kind::Other => tree::Kind::Other,
    }
}
