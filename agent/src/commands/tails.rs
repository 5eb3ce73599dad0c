//! Files that are followed while a command runs: what is appended to them goes into the journal.
//! Not here: the command's own output.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use windlass_protocol::RelPath;
use windlass_protocol::ops::Tail;

use super::journal::Journal;
use super::output::Meter;
use super::process::Notice;
use crate::log::log;
use crate::root::Root;
use crate::sys::{self, Account, OpenMode};

/// How often the files are looked at: a person who watches sees it as at once, and it costs a
/// few system calls. No system tells of growth below folders that may not exist yet.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes per read: a record's bytes less the number of the tail.
const READ_BYTES: usize = 65_535;

/// The thread that follows the files of one command.
#[derive(Debug)]
pub(crate) struct Tails {
    /// Dropping it has the thread take the rest and end.
    stop: Sender<()>,
    /// Disconnected once the thread has ended.
    done: Receiver<()>,
}

impl Tails {
    /// Starts to follow, from what the files hold now; `None` if there are none.
    pub(crate) fn start(
        tails: &[Tail],
        (root, account): (&Root, Option<&Account>),
        journal: &Arc<Journal>,
        meter: &Arc<Meter>,
        notices: &Sender<Notice>,
    ) -> io::Result<Option<Tails>> {
        if tails.is_empty() {
            return Ok(None);
        }
        let mut finder = Finder::start(root.duplicate()?, account)?;
        let follow = |tail: &Tail| Followed::begin(tail.path.clone(), &mut finder);
        let mut followed: Vec<Followed> = tails.iter().map(follow).collect();
        let (stop, stopped) = mpsc::channel();
        let (ended, done) = mpsc::channel();
        let (journal, meter) = (Arc::clone(journal), Arc::clone(meter));
        let notices = notices.clone();
        let run = move || {
            let _ended: Sender<()> = ended;
            loop {
                let is_last = stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Disconnected);
                for (number, file) in (0..).zip(&mut followed) {
                    if let Err(error) = file.look(&mut finder, number, &journal, &meter) {
                        let _ = notices.send(Notice::JournalFailed(error));
                        return;
                    }
                }
                if is_last {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("tail".into()).spawn(run)?;
        Ok(Some(Tails { stop, done }))
    }

    /// Takes what the files hold now and ends, waiting at most that long.
    pub(crate) fn finish(self, time: Duration) {
        drop(self.stop);
        let _ = self.done.recv_timeout(time);
    }
}

/// One file.
struct Followed {
    path: RelPath,
    open: Option<Open>,
}

/// A file that was there at the last look.
struct Open {
    file: File,
    inode: u64,
    /// Bytes already taken.
    offset: u64,
}

/// What a look at a path found.
enum Seen {
    Nothing,
    /// The file that is open.
    Same,
    Other(Open),
}

/// Looks for files and opens them; as the user whose command it is, on a thread of its own,
/// because what is read goes into files that are ours alone.
enum Finder {
    Own(Root),
    Other(Sender<(RelPath, Option<u64>)>, Receiver<Seen>),
}

impl Finder {
    fn start(root: Root, account: Option<&Account>) -> io::Result<Finder> {
        let Some(account) = account.cloned() else {
            return Ok(Finder::Own(root));
        };
        let (ask, asked) = mpsc::channel::<(RelPath, Option<u64>)>();
        let (tell, told) = mpsc::channel();
        let run = move || {
            if let Err(error) = sys::act_as(&account) {
                log!("cannot follow files as `{}`: {error}", account.name);
                return;
            }
            while let Ok((path, known)) = asked.recv() {
                if tell.send(look_for(&root, &path, known)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("finder".into());
        thread.spawn(run)?;
        Ok(Finder::Other(ask, told))
    }

    fn look(&mut self, path: &RelPath, known: Option<u64>) -> Seen {
        match self {
            Finder::Own(root) => look_for(root, path, known),
            Finder::Other(ask, told) => {
                // A thread that could not become that user sees nothing.
                let asked = ask.send((path.clone(), known)).ok();
                asked
                    .and_then(|()| told.recv().ok())
                    .unwrap_or(Seen::Nothing)
            }
        }
    }
}

/// Opens the file at a path, unless it is the one of that number.
fn look_for(root: &Root, path: &RelPath, known: Option<u64>) -> Seen {
    let open = || {
        let (folder, name) = root.parent(path).ok()?;
        let stat = folder.stat(&name).ok()?;
        if stat.kind != sys::Kind::File {
            return None;
        }
        if Some(stat.inode) == known {
            return Some(Seen::Same);
        }
        let file = folder.open_file(&name, OpenMode::Read).ok()?;
        let inode = sys::stat_of(&file).ok()?.inode;
        let offset = 0;
        Some(Seen::Other(Open {
            file,
            inode,
            offset,
        }))
    };
    open().unwrap_or(Seen::Nothing)
}

impl Followed {
    /// What a file holds before the command starts is none of the command's.
    fn begin(path: RelPath, finder: &mut Finder) -> Followed {
        let open = match finder.look(&path, None) {
            Seen::Other(mut open) => {
                open.offset = open.file.metadata().map_or(0, |found| found.len());
                Some(open)
            }
            Seen::Same | Seen::Nothing => None,
        };
        Followed { path, open }
    }

    /// Takes what is new. An error is the journal's; a file that cannot be read is as good as
    /// one that is not there.
    fn look(
        &mut self,
        finder: &mut Finder,
        number: u8,
        journal: &Journal,
        meter: &Meter,
    ) -> io::Result<()> {
        let seen = finder.look(&self.path, self.open.as_ref().map(|open| open.inode));
        if let Some(open) = self.open.as_mut() {
            open.take(number, journal, meter)?;
        }
        match seen {
            Seen::Same => return Ok(()),
            Seen::Nothing => self.open = None,
            Seen::Other(open) => self.open = Some(open),
        }
        match self.open.as_mut() {
            Some(open) => open.take(number, journal, meter),
            None => Ok(()),
        }
    }
}

impl Open {
    /// Takes what the file has beyond what was taken, up to its present length: someone who
    /// keeps writing does not hold us here.
    fn take(&mut self, number: u8, journal: &Journal, meter: &Meter) -> io::Result<()> {
        let Ok(length) = self.file.metadata().map(|found| found.len()) else {
            return Ok(());
        };
        if length < self.offset {
            self.offset = 0;
        }
        let mut record = vec![number; 1 + READ_BYTES];
        while self.offset < length {
            let at = self.file.seek(SeekFrom::Start(self.offset));
            let Ok(count @ 1..) = at.and_then(|_| self.file.read(&mut record[1..])) else {
                return Ok(());
            };
            journal.append_tail(&record[..=count])?;
            meter.note_activity();
            self.offset += count as u64;
        }
        Ok(())
    }
}
