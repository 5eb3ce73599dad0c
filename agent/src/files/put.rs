//! Receiving one file: into a partial file beside its place, checked, then renamed over. What
//! arrived stays when the connection goes, and the next try continues there.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{Seek, SeekFrom, Write};

use windlass_protocol::ops::Put;
use windlass_protocol::sha256::{Sha256, digest};
use windlass_protocol::{Boxed, Code, Failure, hex, limits};

use super::{ACK_BYTES, hash_file};
use crate::failure;
use crate::root::Root;
use crate::session::Answer;
use crate::session::port::{Gone, Inbound, Port};
use crate::sys::{self, Folder, Kind, OpenMode};

/// A file on its way in.
struct Arrival<'a> {
    put: &'a Put,
    folder: Folder,
    name: OsString,
    part_name: OsString,
    part: File,
    /// Bytes in the partial file.
    stored: u64,
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
        let mut part = folder.open_file(&part_name, OpenMode::Resume).map_err(io)?;
        match part.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let text = "this file is being received already; try again when that has ended";
                return Err(Failure::new(Code::Busy, text).with_path(path));
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let mut sha256 = Sha256::new();
        let mut stored = hash_file(&mut part, u64::MAX, &mut sha256).map_err(io)?;
        if stored > put.size {
            part.set_len(0).map_err(io)?;
            part.seek(SeekFrom::Start(0)).map_err(io)?;
            (stored, sha256) = (0, Sha256::new());
        }
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
            part,
            stored,
            sha256,
        })
    }

    fn receive(&mut self, port: &Port) -> Result<Result<(), Failure>, Gone> {
        let mut told = self.acknowledge(port)?;
        loop {
            match port.receive()? {
                Inbound::Bytes { offset, bytes } => {
                    if let Err(failure) = self.store(offset, &bytes) {
                        return Ok(Err(failure));
                    }
                    if self.stored - told >= ACK_BYTES {
                        told = self.acknowledge(port)?;
                    }
                }
                Inbound::End { length, sha256 } => return Ok(self.check(length, sha256)),
            }
        }
    }

    fn acknowledge(&self, port: &Port) -> Result<u64, Gone> {
        let limit = self
            .stored
            .saturating_add(limits::FILE_WINDOW)
            .min(self.put.size);
        port.acknowledge(self.stored, limit)?;
        Ok(self.stored)
    }

    fn store(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Failure> {
        if offset != self.stored || bytes.len() as u64 > self.put.size - self.stored {
            let text = format!("bytes at {offset} do not continue at {}", self.stored);
            return Err(Failure::new(Code::BadRequest, text).with_path(self.put.path.as_bytes()));
        }
        self.part
            .write_all(bytes)
            .map_err(|error| self.io(&error))?;
        self.sha256.update(bytes);
        self.stored += bytes.len() as u64;
        Ok(())
    }

    fn io(&self, error: &std::io::Error) -> Failure {
        failure::of_io(error, self.put.path.as_bytes())
    }

    fn check(&mut self, length: u64, announced: [u8; 32]) -> Result<(), Failure> {
        let found = std::mem::take(&mut self.sha256).finish();
        let wanted = (self.put.size, self.put.sha256);
        if (length, announced) == wanted && (self.stored, found) == wanted {
            return Ok(());
        }
        // What is there cannot become the file any more.
        self.folder
            .unlink(&self.part_name)
            .map_err(|error| self.io(&error))?;
        let text = format!(
            "{} bytes with SHA-256 {} came, not the {} bytes with {} that were announced",
            self.stored,
            hex::encode(&found),
            self.put.size,
            hex::encode(&self.put.sha256)
        );
        Err(Failure::new(Code::Checksum, text).with_path(self.put.path.as_bytes()))
    }

    fn commit(self) -> Result<(), Failure> {
        sys::set_executable(&self.part, self.put.executable).map_err(|error| self.io(&error))?;
        refuse_occupied(self.put, &self.folder, &self.name)?;
        let renamed = self
            .folder
            .rename(&self.part_name, &self.folder, &self.name);
        renamed.map_err(|error| self.io(&error))
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
