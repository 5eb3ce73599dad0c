//! Receiving one file: into a partial file beside its place, checked, then renamed over. What
//! arrived stays when the connection goes, and the next try continues there.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::time::Duration;

use windlass_protocol::ops::Put;
use windlass_protocol::sha256::{Sha256, digest};
use windlass_protocol::{Boxed, Code, Failure, hex, limits};

use super::sparse::SparseFile;
use super::{ACK_BYTES, hash_file};
use crate::clock;
use crate::failure;
use crate::root::Root;
use crate::session::Answer;
use crate::session::port::{Gone, Inbound, Port};
use crate::sys::{self, Folder, Kind, OpenMode, Stat};

/// How long a file may wait for another request to the same file: one whose connection has gone
/// ends as soon as its thread notices, in milliseconds.
const LOCK_MS: u64 = 30_000;
/// Time between two looks at the lock, which the system does not announce.
const LOCK_LOOK: Duration = Duration::from_millis(5);

/// A partial file goes when nothing was written to it for a week: a master that was stopped over a
/// holiday goes on where it was.
const PART_AGE_NS: i128 = 7 * 86_400 * 1_000_000_000;

/// A file on its way in.
struct Arrival<'a> {
    put: &'a Put,
    folder: Folder,
    name: OsString,
    part_name: OsString,
    /// Locked as long as it is open.
    part: SparseFile,
    /// Of what an earlier connection brought.
    sha256: Sha256,
}

/// Serves one `put`.
pub(crate) fn serve(root: &Root, port: &Port, put: &Put) -> Answer {
    let mut arrival = match Arrival::begin(root, put) {
        Ok(arrival) => arrival,
        Err(failure) => return Ok(Err(failure)),
    };
    Ok(match arrival.receive(port)? {
        Ok(()) => arrival.commit().map(|()| Boxed::new()),
        Err(failure) => Err(failure),
    })
}

impl<'a> Arrival<'a> {
    fn begin(root: &Root, put: &'a Put) -> Result<Self, Failure> {
        let (folder, name) = if put.parents {
            root.make_parent(&put.path)?
        } else {
            root.parent(&put.path)?
        };
        refuse_occupied(put, &folder, &name)?;
        let part_name = part_name(put, &name);
        let path = put.path.as_bytes();
        let io = |error| failure::of_io(&error, path);
        sweep(&folder).map_err(io)?;
        let mut part = open_part(&folder, &part_name, path)?;
        let mut sha256 = Sha256::new();
        if sys::stat_of(&part).map_err(io)?.size > put.size {
            // Not of this file: it is not even looked at, because it may be made of holes.
            part.set_len(0).map_err(io)?;
        }
        let stored = hash_file(&mut part, put.size, &mut sha256).map_err(io)?;
        let (free, _) = sys::disk_space(&folder).map_err(io)?;
        if put.size - stored > free {
            let text = format!(
                "{} bytes are to come and {free} are free",
                put.size - stored
            );
            return Err(Failure::new(Code::NoSpace, text).with_path(path));
        }
        Ok(Arrival {
            put,
            folder,
            name,
            part_name,
            part: SparseFile::new(part, stored).map_err(io)?,
            sha256,
        })
    }

    fn receive(&mut self, port: &Port) -> Result<Result<(), Failure>, Gone> {
        let mut told = self.part.len();
        port.hash_received(std::mem::take(&mut self.sha256))?;
        self.acknowledge(port)?;
        loop {
            match port.receive()? {
                Inbound::Bytes { offset, bytes } => {
                    if let Err(failure) = self.store(offset, &bytes) {
                        return Ok(Err(failure));
                    }
                    if self.part.len() - told >= ACK_BYTES {
                        told = self.part.len();
                        if let Err(error) = self.part.settle() {
                            return Ok(Err(self.io(&error)));
                        }
                        self.acknowledge(port)?;
                    }
                }
                Inbound::End {
                    length,
                    sha256,
                    found,
                } => return Ok(self.check(length, sha256, found)),
            }
        }
    }

    fn acknowledge(&self, port: &Port) -> Result<(), Gone> {
        let stored = self.part.len();
        let limit = stored.saturating_add(limits::FILE_WINDOW);
        port.acknowledge(stored, limit.min(self.put.size))
    }

    fn store(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Failure> {
        let stored = self.part.len();
        if offset != stored || bytes.len() as u64 > self.put.size - stored {
            let text = format!("bytes at {offset} do not continue at {stored}");
            return Err(Failure::new(Code::BadRequest, text).with_path(self.put.path.as_bytes()));
        }
        self.part.write(bytes).map_err(|error| self.io(&error))
    }

    fn io(&self, error: &std::io::Error) -> Failure {
        failure::of_io(error, self.put.path.as_bytes())
    }

    /// Whether what was announced came: `found` is the digest of the bytes that were stored.
    fn check(
        &mut self,
        length: u64,
        announced: [u8; 32],
        found: Option<[u8; 32]>,
    ) -> Result<(), Failure> {
        let found = found.unwrap_or_default();
        let wanted = (self.put.size, self.put.sha256);
        if (length, announced) == wanted && (self.part.len(), found) == wanted {
            return Ok(());
        }
        // What is there cannot become the file any more.
        self.folder
            .unlink(&self.part_name)
            .map_err(|error| self.io(&error))?;
        let text = format!(
            "{} bytes with SHA-256 {} came, not the {} bytes with {} that were announced",
            self.part.len(),
            hex::encode(&found),
            self.put.size,
            hex::encode(&self.put.sha256)
        );
        Err(Failure::new(Code::Checksum, text).with_path(self.put.path.as_bytes()))
    }

    fn commit(self) -> Result<(), Failure> {
        let io = |error| failure::of_io(&error, self.put.path.as_bytes());
        let part = self.part.finish().map_err(io)?;
        sys::set_executable(&part, self.put.executable).map_err(io)?;
        refuse_occupied(self.put, &self.folder, &self.name)?;
        let renamed = self
            .folder
            .rename(&self.part_name, &self.folder, &self.name);
        renamed.map_err(io)
    }
}

/// Removes partial files that nobody came back for.
fn sweep(folder: &Folder) -> std::io::Result<()> {
    for listed in folder.list()? {
        let name = sys::os_bytes(&listed.name);
        let identity = name
            .strip_prefix(b".")
            .and_then(|n| n.strip_suffix(b".part"));
        if identity.and_then(hex::decode_array::<16>).is_none() {
            continue;
        }
        match folder.stat(&listed.name) {
            Ok(stat) if stat.kind == Kind::File && is_forgotten(&stat) => {
                folder.unlink(&listed.name)?;
            }
            // Another request has just put it in its place.
            _ => {}
        }
    }
    Ok(())
}

/// Whether nothing was written for so long that nobody will come back.
fn is_forgotten(stat: &Stat) -> bool {
    stat.mtime_ns.saturating_add(PART_AGE_NS) < clock::wall_ns()
}

/// Opens and locks a partial file.
fn open_part(folder: &Folder, name: &OsStr, path: &[u8]) -> Result<File, Failure> {
    let io = |error| failure::of_io(&error, path);
    loop {
        let part = folder.open_file(name, OpenMode::Resume).map_err(io)?;
        lock(&part, path)?;
        let own = sys::stat_of(&part).map_err(io)?;
        // Whoever held it may have put it in its place or removed it.
        if folder
            .stat(name)
            .is_ok_and(|named| named.inode == own.inode)
        {
            return Ok(part);
        }
    }
}

/// Locks a partial file. The holder may be a request whose connection has just gone and that
/// has not noticed.
fn lock(part: &File, path: &[u8]) -> Result<(), Failure> {
    let by_ms = clock::now_ms().saturating_add(LOCK_MS);
    loop {
        match part.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if clock::now_ms() < by_ms => {
                std::thread::sleep(LOCK_LOOK);
            }
            Err(TryLockError::WouldBlock) => {
                let text = "this file is being received already; try again when that has ended";
                return Err(Failure::new(Code::Busy, text).with_path(path));
            }
            Err(TryLockError::Error(error)) => return Err(failure::of_io(&error, path)),
        }
    }
}

/// Refuses a name that holds something which may not be replaced.
fn refuse_occupied(put: &Put, folder: &Folder, name: &OsStr) -> Result<(), Failure> {
    let Ok(stat) = folder.stat(name) else {
        return Ok(());
    };
    let path = put.path.as_bytes();
    match stat.kind {
        Kind::Folder => Err(Failure::new(Code::IsDir, "a folder has this name").with_path(path)),
        _ if put.replace => Ok(()),
        _ => Err(Failure::new(Code::Exists, "there is a file already").with_path(path)),
    }
}

/// The name of the partial file: the same for the same file at the same place, so that a second
/// try finds it, and never longer than a name may be.
fn part_name(put: &Put, name: &OsStr) -> OsString {
    let identity = digest(&[&put.sha256[..], sys::os_bytes(name)].concat());
    format!(".{}.part", hex::encode(&identity[..16])).into()
}
