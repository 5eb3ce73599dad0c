//! Finding commands again when the agent starts: those whose shims live are followed on, those
//! whose shims died are ended. Not here: how a journal is found again (`journal::recovery`).

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use windlass_protocol::CommandId;

use super::crowd::Crowd;
use super::disk::RealDisk;
use super::record::Record;
use super::{Bounds, Commands, Entry, Launch, State, follow};
use crate::log::log;
use crate::sys;

/// How long all living shims together may take to tell how they stand, before READY is said
/// without knowing; they mostly take a millisecond.
const NEWS: Duration = Duration::from_secs(2);

impl Commands {
    /// Finds what earlier runs of the agent left in `folder`. A command whose shim died meanwhile
    /// is lost: what is left of it is killed, and its journal ends saying so.
    pub(crate) fn recover(
        folder: &Path,
        root: &Path,
        launch: Launch,
        bounds: Bounds,
    ) -> std::io::Result<Commands> {
        std::fs::create_dir_all(folder)?;
        // Journals hold what builds print, and who knows a command's folder may speak to its shim.
        sys::close_folder(folder)?;
        let commands = Commands {
            folder: folder.to_owned(),
            launch,
            bounds,
            account: None,
            root: root.to_owned(),
            crowd: Crowd::new(bounds.spool_total_bytes),
            state: Mutex::new(State::default()),
            changed: Arc::new(Condvar::new()),
        };
        let mut living = Vec::new();
        for found in std::fs::read_dir(folder)? {
            let found = found?;
            let name = found.file_name();
            let Some(id) = name.to_str().and_then(CommandId::parse) else {
                continue;
            };
            // A command that is known must stay known, or it would be started twice.
            let entry = commands.recover_entry(id, &found.path()).map_err(|error| {
                let path = found.path().display().to_string();
                std::io::Error::new(error.kind(), format!("{path}: {error}"))
            })?;
            let Some(entry) = entry else {
                continue;
            };
            living.extend(entry.is_running().then(|| Arc::clone(&entry)));
            commands.lock().table.insert(id, entry);
        }
        for entry in living {
            // Each waits from now on; the first to be slow uses up the time of all.
            entry.journal.wait_for_news(NEWS);
        }
        Ok(commands)
    }

    fn recover_entry(&self, id: CommandId, folder: &Path) -> std::io::Result<Option<Arc<Entry>>> {
        let Some(record) = Record::read(&RealDisk::new(folder))? else {
            // It never got as far as starting: the record is written before the process.
            log!("command {id}: dropped, it was never started");
            std::fs::remove_dir_all(folder)?;
            return Ok(None);
        };
        let boot = record.boot.clone();
        let entry = Arc::new(self.entry(id, folder, record));
        if let Some(_lock) = follow::lock(folder)? {
            let found = follow::end_left(id, folder, &boot);
            if let Err(error) = &found {
                log!("command {id}: its journal is lost: {error}");
            }
            entry.journal.take_found(&found);
            entry.left.tell();
            return Ok(Some(entry));
        }
        log!("command {id}: still runs");
        self.crowd.join(&entry.link);
        let changed = Arc::clone(&self.changed);
        follow::follow_again(Arc::clone(&entry), move || changed.notify_all())?;
        Ok(Some(entry))
    }
}
