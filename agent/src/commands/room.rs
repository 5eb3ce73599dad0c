//! How many finished results are kept, and for how long. Not here: those that the master forgets.

use std::sync::Arc;

use windlass_protocol::{Code, CommandId, Failure, limits};

use super::{Entry, Table, record};
use crate::log::log;

/// Finished results that nobody fetched are kept a week: a master that is down over a holiday
/// still gets them.
pub(super) const KEEP_SECONDS: u64 = 7 * 86_400;
/// All finished journals together: what a disk of a build machine can spare.
const KEEP_BYTES: u64 = 4 << 30;

/// Drops finished results that are too old or too many, the oldest first, so that one more
/// command fits.
///
/// A result is old when its file is, and this agent has had it for `keep_ms`: a clock that jumps
/// must not drop what the master is about to fetch, or it would be started a second time.
pub(super) fn make_room(table: &mut Table, keep_ms: u64) -> Result<(), Failure> {
    let mut finished: Vec<(u64, u64, CommandId)> = table
        .values()
        .filter(|entry| !entry.is_running())
        .map(|entry| weigh(entry, keep_ms))
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

fn weigh(entry: &Arc<Entry>, keep_ms: u64) -> (u64, u64, CommandId) {
    let mut age = record::age_seconds(&entry.folder);
    if entry.journal.known_finished_ms() < keep_ms {
        age = age.min(KEEP_SECONDS - 1);
    }
    (age, entry.journal.extent().len, entry.id)
}
