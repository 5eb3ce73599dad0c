//! The shim: one process per command that supervises it and writes its journal, so that the
//! command outlives connections, masters and agents. Here: its life from the request on standard
//! input to the exit box. Not here: running the command (`commands::process`); who listens to
//! its news (`links`).

mod links;
pub(crate) mod wire;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use windlass_protocol::CancelMode;
use windlass_protocol::ops::{Reason, Stdin};

use crate::commands::disk::RealDisk;
use crate::commands::journal::segment::SEGMENT_BYTES;
use crate::commands::journal::{Journal, Spool};
use crate::commands::process::{self, Notice, Task};
use crate::log::log;
use crate::root::Root;
use crate::sys::{self, Control, Folder, LinkReader, LinkWriter};
use links::Links;
use wire::Start;

/// The argument after which this program is a shim.
pub(crate) const WORD: &str = "shim";
/// Held by the shim as long as it lives: by this an agent tells whether it does.
pub(crate) const LOCK: &str = "lock";
/// Number of the shim's process, for people, tests and the one who inherits it as a child; whether
/// it lives is not told by it.
const PID: &str = "pid";
/// How long the last news may take to an agent that does not read; it finds them on disk too.
const LAST_NEWS: Duration = Duration::from_secs(2);

/// The program `windlass-agent shim FOLDER`: stands in the command's folder, is asked over
/// standard input and tells over standard output.
pub(crate) fn run(word: Option<&str>) -> ExitCode {
    let links: (LinkReader, LinkWriter) = (Box::new(io::stdin()), Box::new(io::stdout()));
    let done = std::env::current_dir().and_then(|folder| {
        let cwd = sys::inherited_folder(word.unwrap_or_default())?;
        let control = Control::listen(&folder)?;
        serve(&folder, cwd, links, Some(control))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log!("shim: {error}; an agent starts shims, nobody else");
            ExitCode::FAILURE
        }
    }
}

/// Number of the process that is or was the shim of the command whose folder this is.
pub(crate) fn pid_in(folder: &Path) -> Option<u32> {
    std::fs::read_to_string(folder.join(PID)).ok()?.parse().ok()
}

/// Supervises the command that is asked for over `first`. `control` is where later agents come;
/// without it this is but a thread of the agent.
pub(crate) fn serve(
    folder: &Path,
    cwd: Folder,
    first: (LinkReader, LinkWriter),
    control: Option<Control>,
) -> io::Result<()> {
    let (mut reader, writer) = first;
    // Somebody listens before this: whoever finds the lock held finds an endpoint.
    let lock = sys::open_lock(&folder.join(LOCK))?;
    lock.try_lock()?;
    let Some(request) = wire::read_box(&mut reader)? else {
        // The agent died before it had asked; nothing was started.
        return Ok(());
    };
    let start = Start::from_box(&request)?;
    // A number in a file is a convenience.
    let _ = std::fs::write(folder.join(PID), std::process::id().to_string());
    let journal = Journal::begin(RealDisk::new(folder), spool(&start))?;
    let journal = Arc::new(journal);
    let stdin = (start.exec.stdin == Stdin::Stream).then(Arc::default);
    let (sender, notices) = mpsc::channel();
    let alone = control.is_some();
    if alone {
        let of_signal = sender.clone();
        sys::notify_on_terminate(move || {
            let _ = of_signal.send(Notice::End(Reason::AgentLost, CancelMode::Kill));
        })?;
    }
    if !start.master_present {
        let _ = sender.send(Notice::MasterGone(Some(crate::clock::now_ms())));
    }
    let links = Links::new(
        &journal,
        stdin.clone(),
        sender.clone(),
        start.master_present,
    );
    links.start((reader, writer), control)?;
    let root = Path::new(sys::os_text(&start.root));
    process::supervise(Task {
        exec: start.exec,
        cwd,
        account: start.account,
        root: Root::open(root).map_err(io::Error::other)?,
        adopts: alone && sys::adopt_orphans(),
        folder: folder.to_owned(),
        journal: Arc::clone(&journal),
        stdin,
        sender,
        notices,
    });
    links.finish(LAST_NEWS);
    let _ = std::fs::remove_file(folder.join(PID));
    drop(lock);
    Ok(())
}

fn spool(start: &Start) -> Spool {
    let own = match start.exec.spool_max {
        0 => u64::MAX,
        most => most,
    };
    Spool {
        bytes_max: own.min(start.spool_bytes),
        reserve_bytes: start.reserve_bytes,
        on_full: start.exec.on_full,
        segment_bytes: SEGMENT_BYTES,
    }
}
