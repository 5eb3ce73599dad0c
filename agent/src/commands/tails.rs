//! Files that are followed while a command runs: what is appended to them goes into the journal.
//! Not here: the command's own output.

use std::ffi::OsString;
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
use crate::root::Root;
use crate::sys::{self, Folder, OpenMode, Stat};

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
        root: &Root,
        journal: &Arc<Journal>,
        meter: &Arc<Meter>,
        notices: &Sender<Notice>,
    ) -> io::Result<Option<Tails>> {
        if tails.is_empty() {
            return Ok(None);
        }
        let root = root.duplicate()?;
        let follow = |tail: &Tail| Followed::begin(tail.path.clone(), &root);
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
                    if let Err(error) = file.look(&root, number, &journal, &meter) {
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

impl Followed {
    /// What a file holds before the command starts is none of the command's.
    fn begin(path: RelPath, root: &Root) -> Followed {
        let open = find(root, &path).and_then(|(folder, name, stat)| {
            let mut open = Open::of(&folder, &name, stat)?;
            open.offset = stat.size;
            Some(open)
        });
        Followed { path, open }
    }

    /// Takes what is new. An error is the journal's; a file that cannot be read is as good as
    /// one that is not there.
    fn look(
        &mut self,
        root: &Root,
        number: u8,
        journal: &Journal,
        meter: &Meter,
    ) -> io::Result<()> {
        let found = find(root, &self.path);
        let is_same =
            |open: &Open| matches!(&found, Some((_, _, stat)) if stat.inode == open.inode);
        if let Some(open) = self.open.as_mut() {
            let is_same = is_same(open);
            open.take(number, journal, meter)?;
            if is_same {
                return Ok(());
            }
        }
        self.open = found.and_then(|(folder, name, stat)| Open::of(&folder, &name, stat));
        match self.open.as_mut() {
            Some(open) => open.take(number, journal, meter),
            None => Ok(()),
        }
    }
}

fn find(root: &Root, path: &RelPath) -> Option<(Folder, OsString, Stat)> {
    let (folder, name) = root.parent(path).ok()?;
    let stat = folder.stat(&name).ok()?;
    (stat.kind == sys::Kind::File).then_some((folder, name, stat))
}

impl Open {
    fn of(folder: &Folder, name: &std::ffi::OsStr, stat: Stat) -> Option<Open> {
        let file = folder.open_file(name, OpenMode::Read).ok()?;
        Some(Open {
            file,
            inode: stat.inode,
            offset: 0,
        })
    }

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
