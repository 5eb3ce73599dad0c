//! `upgrade`: the master brings a new program. Here: taking it, checking that it is what was
//! announced and that it works on this machine. Not here: letting it take over (`guard`).

pub(crate) mod guard;
mod trial;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use windlass_protocol::ops::Upgrade;
use windlass_protocol::sha256::Sha256;
use windlass_protocol::{Boxed, Code, Failure, hex, limits};

use crate::agent::Agent;
use crate::failure;
use crate::log::log;
use crate::session::Answer;
use crate::session::port::{Gone, Inbound, Port};
use crate::sys;

/// A program of this kind has a megabyte or three; a wrong one must not fill the disk.
const PROGRAM_BYTES_MAX: u64 = 256 << 20;
/// How often the master is told how far its stream was taken.
const ACK_BYTES: u64 = limits::FILE_WINDOW / 4;
/// Name of the file in the state folder that tells why the last upgrade went back.
const FAILURE_FILE: &str = "upgrade-failed";

/// A program that was checked and is to take over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Successor {
    /// The present program, in whose place it is to be.
    pub(crate) program: PathBuf,
    /// Where it is now.
    pub(crate) new: PathBuf,
    /// Its version.
    pub(crate) version: String,
}

/// Why the last upgrade went back, if it did.
pub(crate) fn last_failure(state: &Path) -> Option<String> {
    let text = std::fs::read_to_string(state.join(FAILURE_FILE)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Serves one `upgrade`. With success the session ends, and then the agent.
pub(crate) fn serve(agent: &Agent, port: &Port, upgrade: &Upgrade) -> Answer {
    let Some(program) = &agent.program else {
        let text = "this agent cannot be replaced from here: it serves over standard input or is \
                    part of another program; whoever starts it upgrades it";
        return Ok(Err(Failure::new(Code::Unsupported, text)));
    };
    let Ok(_running) = agent.upgrading.try_lock() else {
        let text = "an upgrade is under way already";
        return Ok(Err(Failure::new(Code::Busy, text)));
    };
    let new = beside(program, ".new");
    let checked = match take(port, upgrade, &new)? {
        Ok(()) => trial::run(&new, &upgrade.version),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = checked {
        let _ = std::fs::remove_file(&new);
        return Ok(Err(failure));
    }
    // What went wrong the last time is told no longer.
    let _ = std::fs::remove_file(agent.state.join(FAILURE_FILE));
    log!("upgrade: {} is to take over", upgrade.version);
    port.hand_over(Successor {
        program: program.clone(),
        new,
        version: upgrade.version.clone(),
    })?;
    Ok(Ok(Boxed::new()))
}

/// The program's path with something after its name.
fn beside(program: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(program.file_name().unwrap_or(OsStr::new("windlass-agent")));
    name.push(ending);
    program.with_file_name(name)
}

/// Writes the master's stream to a file and makes it a program.
fn take(port: &Port, upgrade: &Upgrade, new: &Path) -> Result<Result<(), Failure>, Gone> {
    if upgrade.size > PROGRAM_BYTES_MAX {
        let text = format!("an agent has at most {PROGRAM_BYTES_MAX} bytes");
        return Ok(Err(Failure::new(Code::TooLarge, text)));
    }
    let cannot = |error: std::io::Error| {
        let mut failure = failure::of_io(&error, b"");
        failure.text = format!("{}: {}", new.display(), failure.text);
        failure
    };
    let _ = std::fs::remove_file(new);
    let mut file = match sys::create_private(new) {
        Ok(file) => file,
        Err(error) => return Ok(Err(cannot(error))),
    };
    if let Err(failure) = receive(port, upgrade, &mut file)? {
        return Ok(Err(failure));
    }
    let made = sys::set_executable(&file, true).and_then(|()| file.sync_all());
    Ok(made.map_err(cannot))
}

fn receive(port: &Port, upgrade: &Upgrade, file: &mut File) -> Result<Result<(), Failure>, Gone> {
    let (mut taken, mut told) = (0, 0);
    let mut sha256 = Sha256::new();
    let grant = |taken: u64| {
        let limit = taken.saturating_add(limits::FILE_WINDOW);
        port.acknowledge(taken, limit.min(upgrade.size))
    };
    grant(0)?;
    loop {
        match port.receive()? {
            Inbound::Bytes { bytes, .. } => {
                if let Err(error) = file.write_all(&bytes) {
                    return Ok(Err(failure::of_io(&error, b"")));
                }
                sha256.update(&bytes);
                taken += bytes.len() as u64;
                if taken - told >= ACK_BYTES {
                    told = taken;
                    grant(taken)?;
                }
            }
            Inbound::End {
                length,
                sha256: announced,
                ..
            } => {
                let found = sha256.finish();
                let wanted = (upgrade.size, upgrade.sha256);
                let good = (taken, found) == wanted && (length, announced) == wanted;
                let text = format!("{taken} bytes with SHA-256 {} came", hex::encode(&found));
                return Ok(match good {
                    true => Ok(()),
                    false => Err(Failure::new(Code::Checksum, text)),
                });
            }
        }
    }
}
