//! Sending a tree: the manifest of a folder as it is, then the contents that the master asks for.
//! Not here: single files; see `get`.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use windlass_protocol::ops::{ManifestId, Readdir, TreeGet, TreeGetResult};
use windlass_protocol::sha256::{Sha256, digest};
use windlass_protocol::tree::{self, Entry, Kind, NeedList};
use windlass_protocol::{Code, Failure};

use super::outgoing::Outgoing;
use super::{hash_for, list};
use crate::failure;
use crate::root::Root;
use crate::session::Answer;
use crate::session::port::{Gone, Inbound, Port};
use crate::sys::{self, OpenMode, Stat};

/// What a step of the work ends with: something, a failure to tell, or nobody to tell it to.
type Step<T> = Result<Result<T, Failure>, Gone>;

macro_rules! step {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(failure) => return Ok(Err(failure)),
        }
    };
}

/// Serves one `tree_get`.
pub(crate) fn serve(root: &Root, port: &Port, request: &TreeGet, from: u64) -> Answer {
    let sent: Result<TreeGetResult, Failure> = send(root, port, request, from)?;
    Ok(sent.map(|result| result.to_box()))
}

fn send(root: &Root, port: &Port, request: &TreeGet, from: u64) -> Step<TreeGetResult> {
    let tree = step!(Tree::read(root, port, request));
    let manifest = step!(tree.manifest(request, from));
    let end = digest(&manifest);
    let mut out = Outgoing::new(port, from);
    if from == 0 {
        out.write(&manifest)?;
    }
    // It may be large.
    drop(manifest);
    out.flush()?;
    let need = step!(receive_need(port, tree.files.len())?);
    let before = out.len();
    let mut have = need.have();
    let wanted = tree.files.iter().zip(need.iter()).filter(|(_, yes)| *yes);
    for ((at, stat), _) in wanted {
        let entry = &tree.entries[*at];
        step!(send_file(
            root,
            request,
            entry,
            stat,
            std::mem::take(&mut have),
            &mut out
        )?);
    }
    let bytes = out.len() - before;
    out.finish_with(end)?;
    Ok(Ok(TreeGetResult {
        files: tree.files.len() as u64,
        bytes,
    }))
}

/// Sends a file from an offset on, if it is still the one that was hashed.
fn send_file(
    root: &Root,
    request: &TreeGet,
    entry: &Entry,
    hashed: &Stat,
    from: u64,
    out: &mut Outgoing<'_>,
) -> Step<()> {
    let path = entry.path.as_bytes();
    let (mut file, before) = step!(open(root, request, entry));
    if from > entry.size {
        let text = format!("`have` is {from}, and the file has {} bytes", entry.size);
        return Ok(Err(Failure::new(Code::BadRequest, text).with_path(path)));
    }
    if let Err(error) = file.seek(SeekFrom::Start(from)) {
        return Ok(Err(failure::of_io(&error, path)));
    }
    let sent = out.write_file(&mut file, entry.size - from)?;
    let after = sys::stat_of(&file);
    Ok(match (sent, after) {
        (Err(error), _) | (_, Err(error)) => Err(failure::of_io(&error, path)),
        (Ok(_), Ok(after)) if before != *hashed || after != *hashed => Err(changed(path)),
        (Ok(count), _) if count != entry.size - from => Err(changed(path)),
        _ => Ok(()),
    })
}

/// A folder as it was found.
struct Tree {
    entries: Vec<Entry>,
    /// The files of it, each with what it looked like when it was hashed.
    files: Vec<(usize, Stat)>,
}

impl Tree {
    /// Lists the folder and reads every file.
    fn read(root: &Root, port: &Port, request: &TreeGet) -> Result<Tree, Failure> {
        let readdir = Readdir {
            path: request.path.clone(),
            recursive: true,
            max_entries: request.max_entries,
        };
        let mut entries = list::list(root, &readdir)?;
        entries.retain(|entry| entry.kind != Kind::Other);
        let mut total = 0_u64;
        let mut files = Vec::new();
        for (at, entry) in entries.iter_mut().enumerate() {
            entry.mtime_ns = None;
            if entry.kind != Kind::File {
                continue;
            }
            let path = entry.path.as_bytes();
            let (mut file, stat) = open(root, request, entry)?;
            total = total.saturating_add(stat.size);
            if request.max_bytes > 0 && total > request.max_bytes {
                let text = format!("the files have more than {} bytes", request.max_bytes);
                return Err(Failure::new(Code::TooLarge, text).with_path(path));
            }
            let mut sha256 = Sha256::new();
            let read = hash_for(port, &mut file, stat.size, &mut sha256);
            if read.map_err(|error| failure::of_io(&error, path))? != stat.size {
                return Err(changed(path));
            }
            entry.size = stat.size;
            entry.executable = stat.executable;
            entry.sha256 = Some(sha256.finish());
            files.push((at, stat));
        }
        Ok(Tree { entries, files })
    }

    /// Writes the manifest; checks that a stream may begin at `from`.
    fn manifest(&self, request: &TreeGet, from: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        self.entries
            .iter()
            .for_each(|entry| entry.encode(&mut bytes));
        tree::encode_end(&mut bytes);
        let found = ManifestId {
            size: bytes.len() as u64,
            sha256: digest(&bytes),
        };
        if request.expect.is_some_and(|expected| expected != found) {
            let text = "the folder is not the one that was begun; start again";
            return Err(Failure::new(Code::Changed, text).with_path(request.path.as_bytes()));
        }
        if from != 0 && (from != found.size || request.expect.is_none()) {
            let text = format!(
                "a tree begins at 0, or behind a manifest that is named; this one has {} bytes",
                found.size
            );
            return Err(Failure::new(Code::BadRequest, text));
        }
        Ok(bytes)
    }
}

fn open(root: &Root, request: &TreeGet, entry: &Entry) -> Result<(File, Stat), Failure> {
    let io = |error: io::Error| failure::of_io(&error, entry.path.as_bytes());
    let (folder, name) = root.parent(&entry.path.below(&request.path)?)?;
    let file = folder.open_file(&name, OpenMode::Read).map_err(io)?;
    let stat = sys::stat_of(&file).map_err(io)?;
    Ok((file, stat))
}

fn changed(path: &[u8]) -> Failure {
    Failure::new(Code::Changed, "the file changed while it was sent").with_path(path)
}

/// Takes the need list off the stream.
fn receive_need(port: &Port, files: usize) -> Step<NeedList> {
    let length = NeedList::encoded_len(files as u64);
    port.acknowledge(0, length)?;
    let mut bytes = Vec::new();
    loop {
        match port.receive()? {
            // Credit bounds the list.
            Inbound::Bytes { bytes: piece, .. } => bytes.extend(piece),
            Inbound::End { length, sha256, .. } => {
                let own = digest(&bytes);
                if (length, sha256) != (bytes.len() as u64, own) {
                    let text = "the need list is not the one that its end announced";
                    return Ok(Err(Failure::new(Code::Checksum, text)));
                }
                return Ok(NeedList::decode(&bytes, files));
            }
        }
    }
}
