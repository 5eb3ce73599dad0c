//! Following one shim: starting it, hearing its news, reaching it again, and ending its command
//! when it died. Not here: what the shim is told (`link`).

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use windlass_protocol::CommandId;

use super::disk::RealDisk;
use super::entry::Entry;
use super::journal::{Journal, Recovered};
use super::process;
use crate::clock;
use crate::log::log;
use crate::shim;
use crate::shim::wire::{self, News};
use crate::sys::{self, Family, Folder, LinkReader, LinkWriter, Signal};

/// How long killed processes of a dead shim may take to die; they mostly take a millisecond.
const LEFT_FAMILY_MS: u64 = 5_000;
/// Nothing tells of the end of processes that are not our children, nor when a shim that does not
/// listen yet, or no more, lets go of its lock: the first looks, and the later ones.
const LOOK: Duration = Duration::from_millis(10);
const LATER_LOOK: Duration = Duration::from_secs(1);
const LOOKS: u32 = 200;

/// How shims are started.
#[derive(Debug, Clone)]
pub(crate) enum Launch {
    /// As processes of this program with these words.
    Program(PathBuf, Vec<OsString>),
    /// As threads of this process, which their commands do not outlive.
    Threads,
}

/// A started shim.
pub(super) struct Started {
    child: Option<Child>,
    reader: LinkReader,
    writer: Option<LinkWriter>,
}

impl Started {
    /// Where the shim is told more.
    pub(super) fn take_writer(&mut self) -> LinkWriter {
        self.writer.take().unwrap_or_else(|| Box::new(io::sink()))
    }
}

impl Launch {
    /// As processes of the program that runs here, whose last `own` arguments are an agent's:
    /// what stands before them leads to the agent's code again.
    pub(crate) fn of_this_program(own: usize) -> Launch {
        let before = std::env::args_os().count().saturating_sub(own);
        let mut words: Vec<OsString> = std::env::args_os().take(before).skip(1).collect();
        words.push(shim::WORD.into());
        // Without the name of its file it may still be found as it was called.
        let called = || std::env::args_os().next().unwrap_or_default().into();
        Launch::Program(sys::own_program().unwrap_or_else(|_| called()), words)
    }

    /// Starts the shim of the command whose folder this is. It runs nothing before it is asked.
    pub(super) fn start(&self, folder: &Path, cwd: Folder) -> io::Result<Started> {
        match self {
            Launch::Program(program, words) => {
                let mut child = sys::spawn_shim(program, words, folder, &cwd)?;
                let (input, output) = (child.stdin.take(), child.stdout.take());
                let missing = || io::Error::other("a shim without its pipes");
                Ok(Started {
                    reader: Box::new(output.ok_or_else(missing)?),
                    writer: Some(Box::new(input.ok_or_else(missing)?)),
                    child: Some(child),
                })
            }
            Launch::Threads => start_thread(folder, cwd),
        }
    }
}

fn start_thread(folder: &Path, cwd: Folder) -> io::Result<Started> {
    let (reader, news) = io::pipe()?;
    let (orders, writer) = io::pipe()?;
    let folder = folder.to_owned();
    let thread = std::thread::Builder::new().name("shim".into());
    thread.spawn(move || {
        let links: (LinkReader, LinkWriter) = (Box::new(orders), Box::new(news));
        if let Err(error) = shim::serve(&folder, cwd, links, None) {
            log!("shim: {error}");
        }
    })?;
    Ok(Started {
        child: None,
        reader: Box::new(reader),
        writer: Some(Box::new(writer)),
    })
}

/// Follows a shim that was just started, on a thread of its own. `then` is called at its end.
pub(super) fn follow(
    entry: Arc<Entry>,
    started: Started,
    then: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let Started { child, reader, .. } = started;
    spawn(move || {
        run(&entry, Some(reader));
        then();
        if let Some(mut child) = child
            && let Err(error) = child.wait()
        {
            log!("command {}: cannot wait for its shim: {error}", entry.id);
        }
        entry.left.tell();
    })
}

/// Follows a shim that an earlier agent started. Where that was another program in this very
/// process, as after an upgrade, the shim is a child of ours and must be waited for.
pub(super) fn follow_again(
    entry: Arc<Entry>,
    then: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let child = shim::pid_in(&entry.folder).filter(|pid| sys::is_living_child(*pid));
    spawn(move || {
        run(&entry, None);
        then();
        child.into_iter().for_each(sys::wait_for_child);
        entry.left.tell();
    })
}

fn spawn(body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("command".into());
    thread.spawn(body).map(|_| ())
}

/// Hears the shim until its command has ended, over as many links as it takes.
fn run(entry: &Entry, mut reader: Option<LinkReader>) {
    loop {
        if let Some(reader) = &mut reader {
            hear(entry, reader);
        }
        if !entry.is_running() {
            break;
        }
        reader = match reach(entry) {
            Some(reader) => Some(reader),
            None => break,
        };
    }
    entry.link.close();
}

/// Takes the news of one link to its end, or to the end of the command.
fn hear(entry: &Entry, reader: &mut LinkReader) {
    while let Ok(Some(pairs)) = wire::read_box(reader) {
        match News::from_box(&pairs) {
            Ok(news) => entry.journal.take_news(&news),
            Err(error) => log!("command {}: news that are none: {error}", entry.id),
        }
        if !entry.is_running() {
            return;
        }
    }
}

/// Reaches the shim by its control endpoint; `None` if it has ended, and then the journal has
/// its end.
fn reach(entry: &Entry) -> Option<LinkReader> {
    let mut looks = 0;
    loop {
        match lock(&entry.folder) {
            Ok(Some(_lock)) => {
                let found = end_left(entry.id, &entry.folder, &entry.boot());
                if let Err(error) = &found {
                    log!("command {}: its journal is lost: {error}", entry.id);
                }
                entry.journal.take_found(&found);
                return None;
            }
            Ok(None) => match connect(entry) {
                Ok(reader) => return Some(reader),
                Err(error) if looks == LOOKS => {
                    log!("command {}: cannot reach its shim: {error}", entry.id);
                }
                Err(_) => {}
            },
            // Its start failed and was taken back.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) if looks == LOOKS => log!("command {}: {error}", entry.id),
            Err(_) => {}
        }
        looks += 1;
        std::thread::sleep(if looks < LOOKS { LOOK } else { LATER_LOOK });
    }
}

fn connect(entry: &Entry) -> io::Result<LinkReader> {
    let (reader, writer) = sys::connect_control(&entry.folder)?;
    let received = entry.journal.input_received();
    entry.link.connect(writer, received, None)?;
    Ok(reader)
}

/// Takes the lock that a living shim holds; `None` if one does.
pub(super) fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file = sys::open_lock(&folder.join(shim::LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Ends what a dead shim left: first its processes, then its journal. Nothing happens to a
/// journal that has its end. To be called while the shim's lock is held.
pub(super) fn end_left(id: CommandId, folder: &Path, boot: &str) -> io::Result<Recovered> {
    let disk = RealDisk::new(folder);
    let found = Journal::look(&disk)?;
    if found.extent.finished {
        return Ok(found);
    }
    let mark = process::mark(id);
    end_family(&Family::left_behind(found.pid, mark));
    let rebooted = boot != sys::boot_id();
    log!("command {id}: lost, its supervision died");
    let text = match rebooted {
        true => "the machine went down while the command was running",
        false => "the supervision of the command died while it was running",
    };
    Journal::end_left(disk, text, rebooted)
}

/// Kills what is left, and waits until it is dead: only then may the master be told that the
/// command is lost, and start another one in its folder.
fn end_family(family: &Family) {
    let by = clock::now_ms() + LEFT_FAMILY_MS;
    while !family.members().is_empty() && clock::now_ms() < by {
        family.signal(Signal::KILL);
        std::thread::sleep(LOOK);
    }
}
