//! The commands this agent knows, by id, whether or not there is a connection: starting them at
//! most once, finding them again, keeping results until the master forgets them. Not here:
//! running one (`process`), sending its journal (`session`).

pub(crate) mod gate;
pub(crate) mod journal;
mod output;
mod process;
mod record;
pub(crate) mod stdin;
mod tails;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use windlass_protocol::ops::{Exec, ExecResult, Order, Reason, Stdin};
use windlass_protocol::{CancelMode, Code, CommandId, CommandState, Failure, Progress, limits};

use crate::log::log;
use crate::root::Root;
use crate::sys::{self, Family, Folder, Signal};
use crate::{clock, failure};
use journal::Journal;
use process::{Notice, Task};
use record::Record;
use stdin::StdinQueue;

/// Finished results that nobody fetched are kept a week: a master that is down over a holiday
/// still gets them.
const KEEP_SECONDS: u64 = 7 * 86_400;
/// All finished journals together: what a disk of a build machine can spare.
const KEEP_BYTES: u64 = 4 << 30;

/// How long a missed signal delays the look whether all commands have ended.
const IDLE_STEP: Duration = Duration::from_millis(50);

/// How long killed processes of an earlier run may take to die; they mostly take a millisecond.
const LEFT_FAMILY_MS: u64 = 5_000;

/// One command that was started here, running or finished.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: CommandId,
    digest: [u8; 32],
    /// The newest generation it was addressed with.
    generation: Mutex<u64>,
    folder: PathBuf,
    pub(crate) journal: Arc<Journal>,
    /// Input still to come, for a command that was started with it.
    pub(crate) stdin: Option<Arc<StdinQueue>>,
    /// To its supervision; nobody listens once it is finished.
    notices: Option<Sender<Notice>>,
}

/// The table of commands.
#[derive(Debug)]
pub(crate) struct Commands {
    folder: PathBuf,
    /// Below it lie the files that commands have followed.
    root: PathBuf,
    table: Mutex<Table>,
    /// Signalled whenever a supervision ends.
    ended: Arc<Condvar>,
}

type Table = HashMap<CommandId, Arc<Entry>>;

impl Entry {
    fn is_running(&self) -> bool {
        !self.journal.extent().finished
    }

    fn send(&self, notice: Notice) {
        if let Some(notices) = &self.notices {
            // A command that has just finished needs no order any more.
            let _ = notices.send(notice);
        }
    }

    /// Ends the command; nothing happens if it has ended.
    pub(crate) fn end(&self, reason: Reason, mode: CancelMode) {
        self.send(Notice::End(reason, mode));
    }

    /// Does what a `signal` request says; nothing happens if it has ended.
    pub(crate) fn order(&self, order: Order) {
        match order {
            Order::End(mode) => self.end(Reason::Cancelled, mode),
            Order::Deliver(signal) => self.send(Notice::Deliver(signal)),
        }
    }

    /// Accepts a generation that is not older than the newest seen, and remembers it durably.
    fn accept_generation(&self, generation: u64) -> Result<(), Failure> {
        let mut newest = self
            .generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if generation < *newest {
            let text = format!(
                "command {} is at generation {newest}, not {generation}",
                self.id
            );
            return Err(Failure::new(Code::StaleGeneration, text));
        }
        if generation > *newest {
            let record = Record {
                digest: self.digest,
                generation,
            };
            record
                .write(&self.folder)
                .map_err(|error| failure::of_io(&error, b""))?;
            *newest = generation;
        }
        Ok(())
    }
}

impl Commands {
    /// Finds what earlier runs of the agent left in `folder`. A command that was running then is
    /// lost: what is left of it is killed, and its journal ends saying so.
    pub(crate) fn recover(folder: &Path, root: &Path) -> std::io::Result<Commands> {
        std::fs::create_dir_all(folder)?;
        let mut table = HashMap::new();
        for found in std::fs::read_dir(folder)? {
            let found = found?;
            let name = found.file_name();
            let Some(id) = name.to_str().and_then(CommandId::parse) else {
                continue;
            };
            if Record::is_missing(&found.path()) {
                // It never got as far as starting: the record is written before the process.
                log!("command {id}: dropped, it was never started");
                std::fs::remove_dir_all(found.path())?;
                continue;
            }
            // A command that is known must stay known, or it would be started twice.
            let entry = recover_entry(id, &found.path()).map_err(|error| {
                let path = found.path().display().to_string();
                std::io::Error::new(error.kind(), format!("{path}: {error}"))
            })?;
            table.insert(id, Arc::new(entry));
        }
        let table = Mutex::new(table);
        Ok(Commands {
            folder: folder.to_owned(),
            root: root.to_owned(),
            table,
            ended: Arc::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a command, or finds the one that this request started before. `open_cwd` is only
    /// called for a new one, and its failure refuses it. A command never starts twice for one id.
    pub(crate) fn start(
        &self,
        exec: &Exec,
        open_cwd: impl FnOnce() -> Result<Folder, Failure>,
    ) -> Result<Arc<Entry>, Failure> {
        let mut table = self.lock();
        let digest = exec.digest();
        if let Some(entry) = table.get(&exec.id) {
            if entry.digest != digest {
                let text = format!("command {} was started with other arguments", exec.id);
                return Err(Failure::new(Code::IdMismatch, text));
            }
            entry.accept_generation(exec.generation)?;
            return Ok(Arc::clone(entry));
        }
        let cwd = open_cwd()?;
        make_room(&mut table)?;
        let entry = self.begin(exec, digest, cwd).map_err(|error| {
            // Nothing runs: what was written would be in the way of the next try.
            let _ = std::fs::remove_dir_all(self.folder.join(exec.id.to_string()));
            failure::of_io(&error, b"")
        })?;
        let entry = Arc::new(entry);
        table.insert(exec.id, Arc::clone(&entry));
        Ok(entry)
    }

    /// Writes down that the command is started, then has it started.
    fn begin(&self, exec: &Exec, digest: [u8; 32], cwd: Folder) -> std::io::Result<Entry> {
        let folder = self.folder.join(exec.id.to_string());
        std::fs::create_dir(&folder)?;
        Record {
            digest,
            generation: exec.generation,
        }
        .write(&folder)?;
        sys::sync_folder(&self.folder)?;
        let journal = Arc::new(Journal::create(&folder.join("journal"))?);
        let stdin = (exec.stdin == Stdin::Stream).then(Arc::default);
        let (sender, notices) = mpsc::channel();
        let task = Task {
            exec: exec.clone(),
            cwd,
            root: Root::open(&self.root).map_err(std::io::Error::other)?,
            // This process runs many commands.
            adopts: false,
            folder: folder.clone(),
            journal: Arc::clone(&journal),
            stdin: stdin.clone(),
            sender: sender.clone(),
            notices,
        };
        let thread = std::thread::Builder::new().name("command".into());
        let ended = Arc::clone(&self.ended);
        thread.spawn(move || {
            process::supervise(task);
            ended.notify_all();
        })?;
        let generation = Mutex::new(exec.generation);
        let notices = Some(sender);
        Ok(Entry {
            id: exec.id,
            digest,
            generation,
            folder,
            journal,
            stdin,
            notices,
        })
    }

    /// Finds a command, checking the generation it is addressed with.
    pub(crate) fn find(&self, id: CommandId, generation: u64) -> Result<Arc<Entry>, Failure> {
        let entry = self.lock().get(&id).cloned();
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
        self.lock().remove(&id);
        std::fs::remove_dir_all(&entry.folder).map_err(|error| failure::of_io(&error, b""))
    }

    /// Every command, as READY and `list` tell them.
    pub(crate) fn list(&self) -> Vec<CommandState> {
        let describe = |entry: &Arc<Entry>| {
            let extent = entry.journal.extent();
            let progress = if extent.finished {
                Progress::Finished
            } else {
                Progress::Running
            };
            let generation = *entry
                .generation
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            CommandState {
                id: entry.id,
                generation,
                progress,
                journal_end: extent.len,
            }
        };
        let mut states: Vec<CommandState> = self.lock().values().map(describe).collect();
        states.sort_by_key(|state| state.id);
        states
    }

    /// Says whether there is a master, which is what leases depend on.
    pub(crate) fn tell_master_present(&self, present: bool) {
        let since = (!present).then(clock::now_ms);
        for entry in self.lock().values() {
            entry.send(Notice::MasterGone(since));
        }
    }

    /// Ends every command because the agent itself ends.
    pub(crate) fn end_all(&self, mode: CancelMode) {
        for entry in self.lock().values().filter(|entry| entry.is_running()) {
            entry.end(Reason::AgentLost, mode);
        }
    }

    /// Waits until no command runs, at most that long; `false` if some still do.
    pub(crate) fn wait_idle(&self, time: Duration) -> bool {
        let by = clock::now_ms() + u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut table = self.lock();
        while table.values().any(|entry| entry.is_running()) {
            if clock::now_ms() >= by {
                return false;
            }
            // A signal between the look and the wait is missed, so no wait is long.
            let step = clock::until(by).min(IDLE_STEP);
            table = self
                .ended
                .wait_timeout(table, step)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// How many run.
    pub(crate) fn count_running(&self) -> usize {
        self.lock()
            .values()
            .filter(|entry| entry.is_running())
            .count()
    }
}

fn recover_entry(id: CommandId, folder: &Path) -> std::io::Result<Entry> {
    let record = Record::read(folder)?;
    let (journal, pid) = Journal::recover(&folder.join("journal"))?;
    if !journal.extent().finished {
        end_left_family(&Family::left_behind(pid, process::mark(id)));
        let mut result = ExecResult::new(Reason::AgentLost);
        result.text = "the agent ended while the command was running".into();
        journal.finish(&result)?;
        log!("command {id}: lost when the agent ended");
    }
    Ok(Entry {
        id,
        digest: record.digest,
        generation: Mutex::new(record.generation),
        folder: folder.to_owned(),
        journal: Arc::new(journal),
        stdin: None,
        notices: None,
    })
}

/// Kills what an earlier run left, and waits until it is dead: only then may the master be told
/// that the command is lost, and start another one in its folder.
fn end_left_family(family: &Family) {
    let by = clock::now_ms() + LEFT_FAMILY_MS;
    while !family.members().is_empty() && clock::now_ms() < by {
        family.signal(Signal::KILL);
        // Nothing tells of the end of processes that are not our children.
        std::thread::sleep(IDLE_STEP / 5);
    }
}

/// Drops finished results that are too old or too many, the oldest first, so that one more
/// command fits.
fn make_room(table: &mut Table) -> Result<(), Failure> {
    let mut finished: Vec<(u64, u64, CommandId)> = table
        .values()
        .filter(|entry| !entry.is_running())
        .map(|entry| {
            (
                record::age_seconds(&entry.folder),
                entry.journal.extent().len,
                entry.id,
            )
        })
        .collect();
    finished.sort_unstable();
    let mut bytes: u64 = finished.iter().map(|(_, len, _)| len).sum();
    while let Some((age, len, id)) = finished.pop() {
        if age < KEEP_SECONDS && bytes <= KEEP_BYTES && table.len() < limits::COMMANDS_MAX {
            return Ok(());
        }
        bytes -= len;
        if let Some(entry) = table.remove(&id) {
            log!("command {id}: its result was never fetched; dropped after {age} s");
            if let Err(error) = std::fs::remove_dir_all(&entry.folder) {
                log!("command {id}: cannot remove its folder: {error}");
            }
        }
    }
    if table.len() < limits::COMMANDS_MAX {
        return Ok(());
    }
    let text = format!("{} commands run already; that is the most", table.len());
    Err(Failure::new(Code::Busy, text))
}
