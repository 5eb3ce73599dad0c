//! Sending one file, from any offset, and to the size it had when it was opened: a log that
//! grows can be fetched, a file that shrinks meanwhile cannot.

use std::fs::File;

use windlass_protocol::ops::{Get, GetResult};
use windlass_protocol::sha256::Sha256;
use windlass_protocol::{Code, Failure};

use super::hash_for;
use super::outgoing::Outgoing;
use crate::failure;
use crate::root::Root;
use crate::session::Answer;
use crate::session::port::Port;
use crate::sys::{self, OpenMode, Stat};

/// Serves one `get`.
pub(crate) fn serve(root: &Root, port: &Port, get: &Get, from: u64) -> Answer {
    match open(root, get, from) {
        Ok((file, stat)) => send(file, stat, port, get, from),
        Err(failure) => Ok(Err(failure)),
    }
}

fn open(root: &Root, get: &Get, from: u64) -> Result<(File, Stat), Failure> {
    let path = get.path.as_bytes();
    let io = |error| failure::of_io(&error, path);
    let (folder, name) = root.parent(&get.path)?;
    let file = folder.open_file(&name, OpenMode::Read).map_err(io)?;
    let stat = sys::stat_of(&file).map_err(io)?;
    let fail = |code, text: String| Err(Failure::new(code, text).with_path(path));
    if get.max_bytes > 0 && stat.size > get.max_bytes {
        let text = format!(
            "the file has {} bytes, more than {}",
            stat.size, get.max_bytes
        );
        return fail(Code::TooLarge, text);
    }
    if get
        .expect
        .is_some_and(|expected| expected != describe(&stat))
    {
        return fail(
            Code::Changed,
            "the file is not the one that was begun; start again".into(),
        );
    }
    if from > stat.size {
        let text = format!(
            "the file has {} bytes and cannot be sent from {from}",
            stat.size
        );
        return fail(Code::BadRequest, text);
    }
    Ok((file, stat))
}

fn send(mut file: File, stat: Stat, port: &Port, get: &Get, from: u64) -> Answer {
    let path = get.path.as_bytes();
    let mut out = if get.unhashed && from == 0 {
        Outgoing::new(port, 0)
    } else {
        let mut sha256 = Sha256::new();
        // The digest is over the whole file, also over what was sent before.
        match hash_for(port, &mut file, from, &mut sha256) {
            Ok(count) if count == from => {}
            Ok(_) => return Ok(Err(changed(path))),
            Err(error) => return Ok(Err(failure::of_io(&error, path))),
        }
        Outgoing::hashed(port, from, sha256)?
    };
    match out.write_file(&mut file, stat.size - from)? {
        Ok(count) if count == stat.size - from => {}
        Ok(_) => return Ok(Err(changed(path))),
        Err(error) => return Ok(Err(failure::of_io(&error, path))),
    }
    out.finish()?;
    Ok(Ok(describe(&stat).to_box()))
}

fn changed(path: &[u8]) -> Failure {
    Failure::new(Code::Changed, "the file became shorter while it was sent").with_path(path)
}

fn describe(stat: &Stat) -> GetResult {
    let mtime_ns = u64::try_from(stat.mtime_ns).unwrap_or(0);
    GetResult {
        size: stat.size,
        mtime_ns,
        executable: stat.executable,
    }
}
