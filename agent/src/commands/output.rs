//! From the pipes of a process into its journal: one thread per pipe, byte for byte, with the
//! limits on bytes and lines, and the time of the last output. Not here: deciding what a limit leads to.

use std::io::{self, PipeReader, PipeWriter, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use windlass_protocol::journal::RecordKind;

use super::journal::Journal;
use super::process::Notice;
use crate::{clock, sys};

/// Bytes per read and so per record: a quarter of what a Linux pipe holds. A record is stored by the
/// master as a whole, so it has to get through even over a line that breaks every moment.
const READ_BYTES: usize = 16_384;
/// After an order to stop, what is already in the pipe is still taken: at most what Linux lets a
/// pipe hold, because a stranger who keeps writing must not hold the command open.
const STOP_BYTES: usize = 1 << 20;

/// What all pipes of one command share.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Agent time of the last byte (or of the start).
    last_output_ms: AtomicU64,
    count: Mutex<Count>,
    bytes_max: u64,
    lines_max: u64,
}

/// How much output was let pass.
#[derive(Debug, Default)]
struct Count {
    bytes: u64,
    /// Newlines among them.
    lines: u64,
    /// There was more than allowed.
    overflowed: bool,
}

impl Meter {
    /// A meter for at most that much output.
    pub(crate) fn new(bytes_max: u64, lines_max: u64) -> Self {
        Meter {
            last_output_ms: AtomicU64::new(clock::now_ms()),
            count: Mutex::default(),
            bytes_max,
            lines_max,
        }
    }

    /// Agent time of the last byte, or of the start.
    pub(crate) fn last_output_ms(&self) -> u64 {
        self.last_output_ms.load(Ordering::Relaxed)
    }

    /// Notes that the command is not silent.
    pub(crate) fn note_activity(&self) {
        self.last_output_ms
            .store(clock::now_ms(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes output off the allowance: how many of the bytes may be kept, and whether these are
    /// the first that may not.
    fn admit(&self, bytes: &[u8]) -> (usize, bool) {
        self.note_activity();
        let mut count = self.lock();
        let left = self.bytes_max - count.bytes;
        let mut admitted = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let lines_left = self.lines_max - count.lines;
        let mut newlines = 0;
        for (at, _) in bytes[..admitted]
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b'\n')
        {
            newlines += 1;
            if newlines == lines_left {
                // Whatever follows belongs to a line too many.
                admitted = at + 1;
                break;
            }
        }
        if lines_left == 0 {
            admitted = 0;
        }
        count.bytes += admitted as u64;
        count.lines += newlines.min(lines_left);
        let overflows = admitted < bytes.len() && !count.overflowed;
        count.overflowed |= overflows;
        (admitted, overflows)
    }
}

/// The threads that empty the pipes of one command.
#[derive(Debug)]
pub(crate) struct Pumps {
    /// Closing these tells the threads to stop; one per pipe.
    stops: Vec<PipeWriter>,
    /// Pipes not yet at their end.
    open: usize,
}

impl Pumps {
    /// Starts one thread per pipe. Each sends `Notice::PipeEnded` when it is done.
    pub(crate) fn start(
        pipes: Vec<(PipeReader, RecordKind)>,
        journal: &Arc<Journal>,
        meter: &Arc<Meter>,
        notices: &Sender<Notice>,
    ) -> io::Result<Pumps> {
        let mut pumps = Pumps {
            stops: Vec::new(),
            open: 0,
        };
        for (pipe, kind) in pipes {
            let (stop, stop_writer) = io::pipe()?;
            let pump = Pump {
                pipe,
                stop,
                kind,
                journal: Arc::clone(journal),
                meter: Arc::clone(meter),
                notices: notices.clone(),
            };
            std::thread::Builder::new()
                .name("pipe".into())
                .spawn(move || pump.run())?;
            pumps.stops.push(stop_writer);
            pumps.open += 1;
        }
        Ok(pumps)
    }

    /// Notes that one pipe ended.
    pub(crate) fn ended(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Whether every pipe has ended.
    pub(crate) fn are_done(&self) -> bool {
        self.open == 0
    }

    /// Has the threads take what is there and stop, although someone still holds the pipes.
    pub(crate) fn stop(&mut self) {
        self.stops.clear();
    }
}

struct Pump {
    pipe: PipeReader,
    stop: PipeReader,
    kind: RecordKind,
    journal: Arc<Journal>,
    meter: Arc<Meter>,
    notices: Sender<Notice>,
}

impl Pump {
    fn run(mut self) {
        if let Err(error) = self.copy() {
            // The journal could not take a record, which only a disk can cause.
            let _ = self.notices.send(Notice::JournalFailed(error));
        }
        let _ = self.notices.send(Notice::PipeEnded);
    }

    fn copy(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        let mut left_to_take = None;
        loop {
            let timeout = left_to_take.map(|_| 0);
            let (readable, stopped) = sys::wait_readable(&self.pipe, &self.stop, timeout)?;
            if stopped && left_to_take.is_none() {
                left_to_take = Some(STOP_BYTES);
            }
            if !readable {
                if left_to_take.is_some() {
                    return Ok(());
                }
                continue;
            }
            let count = match self.pipe.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if sys::is_terminal_end(&error) => return Ok(()),
                other => other?,
            };
            if count == 0 {
                return Ok(());
            }
            self.keep(&buffer[..count])?;
            left_to_take = left_to_take.map(|left: usize| left.saturating_sub(count));
            if left_to_take == Some(0) {
                return Ok(());
            }
        }
    }

    fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        let (admitted, overflows) = self.meter.admit(bytes);
        if admitted > 0 {
            self.journal.append(self.kind, &bytes[..admitted])?;
        }
        if overflows {
            let _ = self.notices.send(Notice::TooMuchOutput);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
