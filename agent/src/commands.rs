//! The commands this agent knows, by id, whether or not there is a connection: starting them at
//! most once, finding them again, keeping results until the master forgets them. Not here:
//! running one (`process`, in its shim), following its shim (`follow`), sending its journal
//! (`relay`).

mod crowd;
pub(crate) mod disk;
mod ending;
mod entry;
pub(crate) mod follow;
pub(crate) mod gate;
pub(crate) mod journal;
mod link;
mod output;
pub(crate) mod process;
mod record;
mod recovery;
mod room;
pub(crate) mod stdin;
mod tails;
#[cfg(test)]
mod tests;
pub(crate) mod view;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use windlass_protocol::ops::{Exec, Reason, Stdin};
use windlass_protocol::{CancelMode, Code, CommandId, CommandState, Failure};

use crate::shim::wire::Start;
use crate::sys::{self, Account, Folder};
use crate::{clock, failure};
use crowd::Crowd;
use disk::{Disk, RealDisk};
pub(crate) use ending::end_left_behind;
pub(crate) use entry::Entry;
use entry::Left;
pub(crate) use follow::Launch;
use link::Link;
use record::Record;
use view::View;

/// How long a missed signal delays the look whether all commands have ended.
const IDLE_STEP: Duration = Duration::from_millis(50);
/// How long `forget` waits for a shim that has told its end to be gone; mostly a millisecond.
const GONE: Duration = Duration::from_secs(2);

/// What bounds the journals of this agent, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Of one command's journal, what the master has not stored.
    pub(crate) spool_bytes: u64,
    /// The same of all commands together.
    pub(crate) spool_total_bytes: u64,
    /// What stays free on the disk.
    pub(crate) reserve_bytes: u64,
    /// How long the master surely has to fetch a result, milliseconds of this agent's life: the
    /// time of day may have jumped.
    pub(crate) keep_ms: u64,
}

/// The table of commands.
#[derive(Debug)]
pub(crate) struct Commands {
    folder: PathBuf,
    launch: Launch,
    bounds: Bounds,
    /// The user they run as, unless that is ours.
    account: Option<Account>,
    /// Where commands work, for their shims.
    root: PathBuf,
    crowd: Arc<Crowd>,
    state: Mutex<State>,
    /// Signalled whenever a command ends, or is started.
    changed: Arc<Condvar>,
}

#[derive(Debug, Default)]
struct State {
    table: Table,
    /// Those that are being started now.
    starting: HashSet<CommandId>,
    /// Whether there is an authenticated master.
    master_present: bool,
    /// Every command is ended, with the agent.
    ending: bool,
}

type Table = HashMap<CommandId, Arc<Entry>>;

impl Commands {
    /// Has commands run as that user from now on.
    pub(crate) fn run_as(&mut self, account: Option<Account>) {
        self.account = account;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a command, or finds the one that this request started before. `open_cwd` is only
    /// called for a new one, and its failure refuses it. A command never starts twice for one id.
    pub(crate) fn start(
        &self,
        exec: &Exec,
        open_cwd: impl FnOnce() -> Result<Folder, Failure>,
    ) -> Result<Arc<Entry>, Failure> {
        let mut state = self.lock();
        // Somebody else, over another connection, may be about to.
        while state.starting.contains(&exec.id) {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(entry) = state.table.get(&exec.id) {
            if !entry.has_digest(exec.digest()) {
                let text = format!("command {} was started with other arguments", exec.id);
                return Err(Failure::new(Code::IdMismatch, text));
            }
            entry.accept_generation(exec.generation)?;
            return Ok(Arc::clone(entry));
        }
        if state.ending {
            let text = "the agent ends with all its commands";
            return Err(Failure::new(Code::ShuttingDown, text));
        }
        let cwd = open_cwd()?;
        room::make_room(&mut state.table, self.bounds.keep_ms)?;
        state.starting.insert(exec.id);
        drop(state);
        let begun = self.begin(exec, cwd);
        self.lock().starting.remove(&exec.id);
        self.changed.notify_all();
        begun.map_err(|error| failure::of_io(&error, b""))
    }

    /// Writes down that the command is started, then has it started.
    fn begin(&self, exec: &Exec, cwd: Folder) -> std::io::Result<Arc<Entry>> {
        let folder = self.folder.join(exec.id.to_string());
        let begun = self.begin_in(&folder, exec, cwd);
        if begun.is_err() {
            // Nothing runs: what was written would be in the way of the next try.
            let _ = std::fs::remove_dir_all(&folder);
        }
        begun
    }

    fn begin_in(&self, folder: &Path, exec: &Exec, cwd: Folder) -> std::io::Result<Arc<Entry>> {
        std::fs::create_dir(folder)?;
        let record = Record {
            digest: exec.digest(),
            generation: exec.generation,
            boot: sys::boot_id(),
            takes_input: exec.stdin == Stdin::Stream,
        };
        let disk = RealDisk::new(folder);
        journal::prepare(&disk)?;
        record.write(&disk)?;
        RealDisk::new(&self.folder).sync_names()?;
        let entry = Arc::new(self.entry(exec.id, folder, record));
        let master_present = self.lock().master_present;
        let start = Start {
            exec: exec.clone(),
            spool_bytes: self.bounds.spool_bytes,
            reserve_bytes: self.bounds.reserve_bytes,
            root: sys::os_bytes(self.root.as_os_str()).to_vec(),
            master_present,
            account: self.account.clone(),
        };
        let mut started = self.launch.start(folder, cwd)?;
        let writer = started.take_writer();
        let changed = Arc::clone(&self.changed);
        follow::follow(Arc::clone(&entry), started, move || changed.notify_all())?;
        // Up to here a failure leaves nothing running: the shim was not asked, and ends. From
        // here on whatever happens is a result.
        entry.link.connect(writer, 0, Some(start))?;
        let mut state = self.lock();
        // It may have changed since the shim was told.
        entry.link.set_master(state.master_present);
        if state.ending {
            // It was not in the table when all others were told.
            entry.end(Reason::AgentLost, CancelMode::Kill);
        }
        state.table.insert(exec.id, Arc::clone(&entry));
        drop(state);
        self.crowd.join(&entry.link);
        Ok(entry)
    }

    fn entry(&self, id: CommandId, folder: &Path, record: Record) -> Entry {
        Entry {
            id,
            takes_input: record.takes_input,
            record: Mutex::new(record),
            folder: folder.to_owned(),
            journal: View::new(folder, self.crowd.share()),
            link: Arc::new(Link::default()),
            left: Left::default(),
        }
    }

    /// Finds a command, checking the generation it is addressed with.
    pub(crate) fn find(&self, id: CommandId, generation: u64) -> Result<Arc<Entry>, Failure> {
        let entry = self.lock().table.get(&id).cloned();
        let unknown = || Failure::new(Code::UnknownId, format!("no command {id} is known here"));
        let entry = entry.ok_or_else(unknown)?;
        entry.accept_generation(generation)?;
        Ok(entry)
    }

    /// Deletes a finished command; one that is not known is forgotten already.
    pub(crate) fn forget(&self, id: CommandId, generation: u64) -> Result<(), Failure> {
        let entry = match self.find(id, generation) {
            Err(failure) if failure.code == Code::UnknownId => return Ok(()),
            other => other?,
        };
        if entry.is_running() {
            let text = format!("command {id} still runs; end it before forgetting it");
            return Err(Failure::new(Code::Busy, text));
        }
        // Its shim stands in the folder.
        entry.left.wait(GONE);
        self.lock().table.remove(&id);
        match std::fs::remove_dir_all(&entry.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(failure::of_io(&error, b""))
            }
            _ => Ok(()),
        }
    }

    /// Every command, as READY and `list` tell them.
    pub(crate) fn list(&self) -> Vec<CommandState> {
        let entries: Vec<_> = self.lock().table.values().cloned().collect();
        let mut states: Vec<CommandState> = entries.iter().map(|entry| entry.state()).collect();
        states.sort_by_key(|state| state.id);
        states
    }

    /// Says whether there is a master, which is what leases depend on.
    pub(crate) fn tell_master_present(&self, present: bool) {
        let mut state = self.lock();
        state.master_present = present;
        for entry in state.table.values() {
            entry.link.set_master(present);
        }
    }

    /// Ends every command, because the agent is told to end with all that it started.
    pub(crate) fn end_all(&self, mode: CancelMode) {
        let mut state = self.lock();
        state.ending = true;
        for entry in state.table.values().filter(|entry| entry.is_running()) {
            entry.end(Reason::AgentLost, mode);
        }
    }

    /// The agent is about to end: ends the commands that cannot go on without it.
    pub(crate) fn leave(&self) {
        if matches!(self.launch, Launch::Threads) {
            self.end_all(CancelMode::Kill);
        }
    }

    /// Whether the commands are ended with the agent.
    pub(crate) fn are_ending(&self) -> bool {
        self.lock().ending
    }

    /// Waits until no command runs, at most that long; `false` if some still do.
    pub(crate) fn wait_idle(&self, time: Duration) -> bool {
        let by = clock::now_ms() + u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut state = self.lock();
        while !state.starting.is_empty() || state.table.values().any(|entry| entry.is_running()) {
            if clock::now_ms() >= by {
                return false;
            }
            // A signal between the look and the wait is missed, so no wait is long.
            let step = clock::until(by).min(IDLE_STEP);
            state = self
                .changed
                .wait_timeout(state, step)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// How many run.
    pub(crate) fn count_running(&self) -> usize {
        let state = self.lock();
        state
            .table
            .values()
            .filter(|entry| entry.is_running())
            .count()
    }
}
