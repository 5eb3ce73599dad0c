//! What an agent is between its connections: its name and identity, its root, its commands, and
//! the lock that keeps a second agent off the same state. Not here: connections.

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use windlass_protocol::{Code, Failure, hex};

use crate::commands::{Bounds, Commands, Launch};
use crate::config::{Config, Policy};
use crate::files::cache::Cache;
use crate::files::tree::Trees;
use crate::root::Root;
use crate::sys::{self, Account, Folder};

/// An hour is enough for a master that can be reached at all to fetch every result.
const KEEP_MS: u64 = 3_600_000;

/// Everything that outlives a connection.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) name: String,
    /// Random, made once and kept in the state folder: tells two machines of one name apart.
    pub(crate) installation: String,
    /// What the owner allows.
    pub(crate) policy: Policy,
    pub(crate) root: Root,
    /// For whom files are made and commands run, unless that is us.
    pub(crate) account: Option<Account>,
    pub(crate) commands: Commands,
    pub(crate) trees: Trees,
    pub(crate) cache: Cache,
    /// The file that an upgrade replaces; `None` where it is not ours to replace.
    pub(crate) program: Option<PathBuf>,
    /// The state folder.
    pub(crate) state: PathBuf,
    /// Held while an upgrade comes in: one at a time.
    pub(crate) upgrading: Mutex<()>,
    /// Called once, when the master has proved itself and was answered.
    on_ready: Mutex<Option<OnReady>>,
    /// The master wants this agent to end when there is nothing left to do.
    draining: AtomicBool,
    /// Proven connections; more than one while a new one takes over.
    masters: Mutex<u32>,
    /// Held as long as the agent lives, or until another is to live in its place.
    lock: Mutex<Option<File>>,
}

/// What is to be called when READY is reached.
pub(crate) struct OnReady(pub(crate) Box<dyn FnOnce() + Send>);

impl fmt::Debug for OnReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnReady")
    }
}

impl Agent {
    /// Opens root and state. The text of an error names the folder and says what would be right.
    pub(crate) fn open(config: &Config, launch: Launch) -> Result<Agent, String> {
        let state = &config.state;
        let cannot =
            |error: io::Error| format!("state {}: cannot use it: {error}", state.display());
        std::fs::create_dir_all(state).map_err(cannot)?;
        let lock = lock(state)?;
        let root = Root::open(&config.root)?;
        let inside = sys::canonical(state)
            .map_err(cannot)?
            .starts_with(root.path());
        if inside {
            return Err(format!(
                "state {} lies in the root {}, where builds write; name another folder",
                state.display(),
                root.path().display()
            ));
        }
        let (trees, cache) = (state.join("trees"), state.join("cache"));
        let account = account(config, [root.path(), &trees, &cache])?;
        let bounds = Bounds {
            spool_bytes: config.policy.spool_bytes,
            spool_total_bytes: config.policy.spool_total_bytes,
            reserve_bytes: config.policy.reserve_bytes,
            keep_ms: KEEP_MS,
        };
        let folder = sys::canonical(state).map_err(cannot)?.join("cmd");
        let mut commands =
            Commands::recover(&folder, root.path(), launch, bounds).map_err(cannot)?;
        commands.run_as(account.clone());
        let trees = Trees::open(&trees, &root).map_err(cannot)?;
        Ok(Agent {
            name: config.name.clone(),
            installation: installation(state).map_err(cannot)?,
            policy: config.policy.clone(),
            root,
            commands,
            account,
            trees,
            cache: Cache::open(&cache, config.policy.cache_bytes).map_err(cannot)?,
            program: None,
            state: state.clone(),
            upgrading: Mutex::default(),
            on_ready: Mutex::default(),
            draining: AtomicBool::new(false),
            masters: Mutex::new(0),
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Lets another agent have the state folder. Nothing may be asked of this one any more.
    pub(crate) fn let_go(&self) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Has this called once, at the next READY.
    pub(crate) fn call_when_ready(&mut self, call: OnReady) {
        self.on_ready = Mutex::new(Some(call));
    }

    /// READY is on its way to the master.
    pub(crate) fn tell_ready(&self) {
        let call = self
            .on_ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(call) = call {
            (call.0)();
        }
    }

    /// Takes no new command from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether it drains and nothing runs any more.
    pub(crate) fn is_drained(&self) -> bool {
        self.draining.load(Ordering::Relaxed) && self.commands.count_running() == 0
    }

    /// Why no new command is taken now, if so.
    pub(crate) fn refusal(&self) -> Option<Failure> {
        if self.draining.load(Ordering::Relaxed) {
            let text = "the agent is to end; it takes no new command";
            return Some(Failure::new(Code::ShuttingDown, text));
        }
        let reserve = self.policy.reserve_bytes;
        let short = |folder: &Folder, path: &Path| {
            // A disk that does not tell is judged by the write that fails.
            let (free, _) = sys::disk_space(folder).ok()?;
            (free < reserve).then(|| {
                let text = format!(
                    "{} free on the disk of {}, and {} are to stay free (reserve_bytes)",
                    mebibytes(free),
                    path.display(),
                    mebibytes(reserve)
                );
                Failure::new(Code::NoSpace, text)
            })
        };
        // Builds fill the one and their journals the other.
        short(self.root.folder(), self.root.path()).or_else(|| {
            let state = Folder::open(&self.state).ok()?;
            short(&state, &self.state)
        })
    }

    /// A master proved itself: leases stand still.
    pub(crate) fn master_came(&self) {
        let mut masters = self.masters.lock().unwrap_or_else(PoisonError::into_inner);
        *masters += 1;
        self.commands.tell_master_present(true);
    }

    /// A proven connection ended; with the last of them leases begin to run.
    pub(crate) fn master_left(&self) {
        let mut masters = self.masters.lock().unwrap_or_else(PoisonError::into_inner);
        *masters = masters.saturating_sub(1);
        if *masters == 0 {
            self.commands.tell_master_present(false);
        }
    }
}

/// The user for whom this agent works. The root and what is kept of trees and contents become
/// theirs.
fn account(config: &Config, folders: [&Path; 3]) -> Result<Option<Account>, String> {
    let Some(name) = &config.policy.run_as else {
        return Ok(None);
    };
    let account = sys::find_account(name).map_err(|why| format!("run_as: `{name}` {why}"))?;
    for folder in folders {
        let given =
            std::fs::create_dir_all(folder).and_then(|()| sys::give_folder(folder, &account));
        given.map_err(|error| {
            format!(
                "run_as: {}: cannot give it to `{name}`: {error}",
                folder.display()
            )
        })?;
    }
    Ok(Some(account))
}

fn mebibytes(bytes: u64) -> String {
    match bytes >> 20 {
        // From here on people count in the next unit.
        mebibytes @ 10_240.. => format!("{} GiB", mebibytes >> 10),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

pub(crate) fn lock(state: &Path) -> Result<File, String> {
    let path = state.join("lock");
    let shown = state.display();
    let file = sys::open_lock(&path);
    let file = file.map_err(|error| format!("state {shown}: cannot make its lock: {error}"))?;
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
