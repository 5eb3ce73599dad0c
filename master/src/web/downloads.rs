//! Downloads under way: how many there may be, and the pump that fetches a piece ahead of what the
//! asker takes. One who takes nothing for a while loses the place, and holds a few pieces till then.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::clock::real;
use crate::error::Error;

/// Downloads at a time per thread of the pages' server; each holds a socket and about 300 KiB while
/// its asker is slow.
const OPEN_MAX: usize = 256;
/// A piece of 64 KiB must be taken in this time; slower lines than 1 KiB/s are none.
const STALL_MAX: Duration = Duration::from_secs(60);
/// Pieces that wait for the asker, besides the one in the pump's hand.
const AHEAD: usize = 1;

/// The downloads of one thread.
pub(super) struct Downloads {
    slots: Arc<Semaphore>,
    stall_max: Duration,
}

impl Default for Downloads {
    fn default() -> Self {
        Self::new(OPEN_MAX, real(STALL_MAX))
    }
}

/// The right to one download.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    stall_max: Duration,
}

impl Downloads {
    fn new(open_max: usize, stall_max: Duration) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(open_max)),
            stall_max,
        }
    }

    /// Takes a place. Errors: `Busy` when there is none.
    pub(super) fn enter(&self) -> Result<Slot, Error> {
        let permit = Arc::clone(&self.slots).try_acquire_owned();
        let permit = permit
            .map_err(|_| Error::Busy("too many downloads are under way: try again".to_owned()))?;
        Ok(Slot {
            _permit: permit,
            stall_max: self.stall_max,
        })
    }
}

impl Slot {
    /// Passes on `length` bytes of `pieces`, one piece ahead of the asker. The place is given back
    /// when all are fetched, and when the asker is gone or takes nothing for too long; then the
    /// stream ends with an error, which cuts the connection.
    pub(super) fn pump<S>(self, length: u64, pieces: S) -> impl Stream<Item = io::Result<Bytes>>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let (to, from) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            // All of it, so that the place is held to the end.
            let slot = self;
            let mut pieces = pin!(pieces);
            while let Some(piece) = pieces.next().await {
                let is_last = piece.is_err();
                let sent = tokio::time::timeout(slot.stall_max, to.send(piece)).await;
                if is_last || !matches!(sent, Ok(Ok(()))) {
                    break;
                }
            }
            drop(slot);
        });
        unfold((from, length), |(mut from, left)| async move {
            if left == 0 {
                return None;
            }
            match from.recv().await {
                Some(Ok(bytes)) => {
                    let left = left.saturating_sub(bytes.len() as u64);
                    Some((Ok(bytes), (from, left)))
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "a download was cut: its file cannot be read");
                    Some((Err(error), (from, 0)))
                }
                None => {
                    let text = "the asker took nothing for too long";
                    let error = io::Error::new(io::ErrorKind::TimedOut, text);
                    Some((Err(error), (from, 0)))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
