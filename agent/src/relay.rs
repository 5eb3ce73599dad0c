//! Streaming a journal to the master: from any offset, as it grows, as far as credit goes, to its
//! end. Woken by the journal and by the gate, never by a timer. Not here: writing it.

use std::io::{self, Read};
use std::sync::Arc;

use windlass_protocol::{Boxed, Code, Failure, limits};

use crate::commands::Entry;
use crate::commands::journal::Reader;
use crate::failure;
use crate::session::Answer;
use crate::session::port::Port;

/// Sends the command's journal from `from` on until its end is sent. The master has what is
/// before.
pub(crate) fn relay(port: &Port, entry: &Arc<Entry>, from: u64) -> Answer {
    let journal = &entry.journal;
    let mut reader = match journal.reader(from) {
        Ok(reader) => reader,
        Err(text) => return Ok(Err(Failure::new(Code::BadRequest, text))),
    };
    entry.mark_stored(from);
    journal.watch(&port.gate);
    let mut offset = from;
    loop {
        let count = port.wait(|granted| {
            let extent = journal.extent();
            let ready = extent.len.min(granted).saturating_sub(offset);
            let count = ready.min(limits::DATA_BYTES_MAX as u64);
            let ended = extent.finished && offset == extent.len;
            (count > 0 || ended).then_some(count)
        })?;
        if count == 0 {
            port.finish(offset, Some(journal.sha256()))?;
            return Ok(Ok(Boxed::new()));
        }
        match read_exactly(&mut reader, count) {
            Ok(bytes) => port.send(offset, bytes)?,
            Err(error) => return Ok(Err(failure::of_io(&error, b""))),
        }
        offset += count;
    }
}

fn read_exactly(reader: &mut Reader, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(count).map_err(io::Error::other)?];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}
