//! Ending the commands that an agent which is gone has left to their shims: for whoever started
//! that agent and wants nothing of it to stay. Not here: an agent that ends its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use windlass_protocol::ops::Reason;
use windlass_protocol::{CancelMode, CommandId};

use super::disk::RealDisk;
use super::follow;
use super::record::Record;
use crate::clock::{now_ms, until};
use crate::shim;
use crate::shim::wire::{self, Order};
use crate::sys::{self, LinkReader, LinkWriter};

/// How often a shim that was told to end is looked at; mostly it takes some milliseconds.
const LOOK: Duration = Duration::from_millis(10);

/// One command's folder, and the link over which its shim was told to end.
struct Left {
    id: CommandId,
    folder: PathBuf,
    link: Option<(LinkReader, LinkWriter)>,
}

/// Kills every command that still runs in `folder`, for at most that long. The text of an error
/// says what could not be ended. To be called while no agent uses the folder.
pub(crate) fn end_left_behind(folder: &Path, time: Duration) -> Result<(), String> {
    let by = now_ms().saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let listed = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut left: Vec<Left> = listed
        .filter_map(|found| {
            let id = CommandId::parse(found.file_name().to_str()?)?;
            Some(Left {
                id,
                folder: found.path(),
                link: None,
            })
        })
        .collect();
    loop {
        left.retain_mut(|one| !one.has_ended());
        match left.first() {
            None => return Ok(()),
            Some(one) if now_ms() >= by => {
                let shown = one.folder.display();
                return Err(format!("{shown}: its command still runs"));
            }
            Some(_) => std::thread::sleep(until(by).min(LOOK)),
        }
    }
}

impl Left {
    /// Whether nothing runs any more. A shim that lives is told to end, one that died is ended.
    fn has_ended(&mut self) -> bool {
        match follow::lock(&self.folder) {
            Ok(Some(_lock)) => {
                let record = Record::read(&RealDisk::new(&self.folder));
                let boot = record.ok().flatten().map(|record| record.boot);
                // Without a record nothing was started; what is broken has no shim all the same.
                let _ = boot.map(|boot| follow::end_left(self.id, &self.folder, &boot));
                true
            }
            Ok(None) => {
                if self.link.is_none() {
                    self.tell();
                }
                false
            }
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }

    fn tell(&mut self) {
        let order = Order::End(Reason::AgentLost, CancelMode::Kill).to_box();
        match sys::connect_control(&self.folder) {
            Ok((reader, mut writer)) => {
                if wire::write_box(&mut writer, &order).is_ok() {
                    self.link = Some((reader, writer));
                }
            }
            // Its path may be too long from where we stand. The lock is held, so the number is
            // that of the shim.
            Err(_) => shim::pid_in(&self.folder)
                .into_iter()
                .for_each(sys::ask_to_end),
        }
    }
}
