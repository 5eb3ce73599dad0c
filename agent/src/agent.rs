//! What an agent is between its connections: its name and identity, its root, its commands, and
//! the lock that keeps a second agent off the same state. Not here: connections.

#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use windlass_protocol::hex;

use crate::commands::Commands;
use crate::config::Config;
use crate::files::tree::Trees;
use crate::root::Root;
use crate::sys;

/// Everything that outlives a connection.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) name: String,
    /// Random, made once and kept in the state folder: tells two machines of one name apart.
    pub(crate) installation: String,
    pub(crate) root: Root,
    pub(crate) commands: Commands,
    pub(crate) trees: Trees,
    /// Held as long as the agent lives.
    _lock: File,
}

impl Agent {
    /// Opens root and state. The text of an error names the folder and says what would be right.
    pub(crate) fn open(config: &Config) -> Result<Agent, String> {
        let state = &config.state;
        let cannot =
            |error: io::Error| format!("state {}: cannot use it: {error}", state.display());
        std::fs::create_dir_all(state).map_err(cannot)?;
        let lock = lock(state)?;
        let root = Root::open(&config.root)?;
        let inside = state
            .canonicalize()
            .map_err(cannot)?
            .starts_with(root.path());
        if inside {
            return Err(format!(
                "state {} lies in the root {}, where builds write; name another folder",
                state.display(),
                root.path().display()
            ));
        }
        Ok(Agent {
            name: config.name.clone(),
            installation: installation(state).map_err(cannot)?,
            root,
            commands: Commands::recover(&state.join("cmd")).map_err(cannot)?,
            trees: Trees::open(&state.join("trees")).map_err(cannot)?,
            _lock: lock,
        })
    }
}

fn lock(state: &Path) -> Result<File, String> {
    let path = state.join("lock");
    let shown = state.display();
    let options = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = options.map_err(|error| format!("state {shown}: cannot make its lock: {error}"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(format!(
            "state {shown} is in use by another agent; stop that one, or name another `--state`"
        )),
        Err(TryLockError::Error(error)) => Err(format!("state {shown}: cannot lock it: {error}")),
    }
}

/// Reads the id of this installation, or draws one.
fn installation(state: &Path) -> io::Result<String> {
    let path = state.join("installation");
    if let Ok(text) = std::fs::read_to_string(&path)
        && hex::decode_array::<16>(text.trim().as_bytes()).is_some()
    {
        return Ok(text.trim().to_owned());
    }
    let mut random = [0; 16];
    sys::fill_random(&mut random)?;
    let text = hex::encode(&random);
    let part = state.join("installation.part");
    std::fs::write(&part, format!("{text}\n"))?;
    std::fs::rename(part, path)?;
    Ok(text)
}
