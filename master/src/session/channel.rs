//! A channel as its user holds it: bytes in and out with back pressure. Dropping it before the
//! answer gives the channel up; a command goes on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use windlass_protocol::{Boxed, CancelMode, Failure};

use super::calls::{LinkError, Refusal};
use super::limits::{OUTGOING_BYTES_MAX, TRANSFER_SILENCE_MAX};
use super::link::Link;
use super::pipe::Pipe;

/// What comes next on a channel, in the order of the wire.
pub(super) enum Arrival {
    /// The next bytes of the agent's stream.
    Bytes(Vec<u8>),
    /// The agent's stream is complete: its length and SHA-256 from offset 0. The hash is there
    /// unless the request said that it may be left out.
    End {
        length: u64,
        sha256: Option<[u8; 32]>,
    },
    /// The answer; nothing follows.
    Answer(Result<Boxed, Failure>),
    /// The connection ended; nothing follows.
    Lost,
}

/// The user's side of one channel.
pub(super) struct Channel {
    pub(super) pipe: Arc<Pipe>,
    pub(super) link: Link,
    /// Whether the answer or the loss was given out.
    pub(super) is_over: bool,
}

impl Channel {
    /// Waits for what comes next. May be dropped and called again without loss.
    pub(super) async fn next(&mut self) -> Arrival {
        loop {
            if let Some(arrival) = self.take() {
                return arrival;
            }
            self.pipe.user.notified().await;
        }
    }

    /// `next` for streams that always move: silence for `silence_max` is a machine that hangs
    /// although it answers PING (`timeout`).
    pub(super) async fn next_within(
        &mut self,
        silence_max: Duration,
    ) -> Result<Arrival, LinkError> {
        let waited = tokio::time::timeout(silence_max, self.next()).await;
        waited.map_err(|_| {
            LinkError::Refused(Refusal {
                code: "timeout",
                text: format!("nothing moved for {} s", silence_max.as_secs()),
            })
        })
    }

    fn take(&mut self) -> Option<Arrival> {
        let mut state = self.pipe.lock();
        if let Some(bytes) = state.arrived.pop_front() {
            return Some(Arrival::Bytes(bytes));
        }
        if let Some((length, sha256)) = state.end.take() {
            return Some(Arrival::End { length, sha256 });
        }
        if let Some(answer) = state.answer.take() {
            drop(state);
            self.is_over = true;
            return Some(Arrival::Answer(answer));
        }
        if state.lost || self.is_over {
            drop(state);
            self.is_over = true;
            return Some(Arrival::Lost);
        }
        None
    }

    /// Waits until the agent says where our stream begins, `TRANSFER_SILENCE_MAX` at most. Nothing
    /// may be sent before this.
    pub(super) async fn begin(&mut self) -> Result<u64, LinkError> {
        let said = async {
            loop {
                let begin = {
                    let state = self.pipe.lock();
                    (state.begin, state.lost || state.answer.is_some())
                };
                match begin {
                    (Some(begin), _) => return Some(begin),
                    (None, true) => return None,
                    (None, false) => self.pipe.user.notified().await,
                }
            }
        };
        match tokio::time::timeout(TRANSFER_SILENCE_MAX, said).await {
            Ok(Some(begin)) => Ok(begin),
            // The answer, or the loss, or the silence says why.
            Ok(None) | Err(_) => match self.answer().await {
                Ok(_) => Err(LinkError::Nonsense(
                    "a request was answered before its stream began".to_owned(),
                )),
                Err(error) => Err(error),
            },
        }
    }

    /// The agent's stream is stored up to `durable` and welcome up to `limit`.
    pub(super) fn acknowledge(&self, durable: u64, limit: u64) {
        self.pipe.lock().ack = Some((durable, limit));
        self.link.list(&self.pipe);
    }

    /// Asks the agent to end the command of this channel.
    pub(super) fn cancel(&self) {
        self.pipe.lock().cancel = Some(CancelMode::Term);
        self.link.list(&self.pipe);
    }

    /// Queues bytes of our stream, waiting while too many are queued already. `false` when they
    /// are not wanted any more: the answer is there, or the connection is gone.
    pub(super) async fn send(&self, bytes: Bytes) -> bool {
        loop {
            {
                let mut state = self.pipe.lock();
                if state.lost || state.answer.is_some() {
                    // The permit may have been meant for `next`.
                    self.pipe.user.notify_one();
                    return false;
                }
                if state.outgoing_bytes < OUTGOING_BYTES_MAX {
                    state.outgoing_bytes += bytes.len();
                    state.outgoing.push_back(bytes);
                    break;
                }
            }
            self.pipe.user.notified().await;
        }
        self.link.list(&self.pipe);
        true
    }

    /// Ends our stream behind what is queued: its whole length and SHA-256.
    pub(super) fn finish(&self, length: u64, sha256: [u8; 32]) {
        self.pipe.lock().finish = Some((length, sha256));
        self.link.list(&self.pipe);
    }

    /// Waits for the answer, `TRANSFER_SILENCE_MAX` at most; bytes that still come are dropped.
    pub(super) async fn answer(&mut self) -> Result<Boxed, LinkError> {
        loop {
            match self.next_within(TRANSFER_SILENCE_MAX).await? {
                Arrival::Answer(Ok(answer)) => return Ok(answer),
                Arrival::Answer(Err(failure)) => return Err(LinkError::Refused(failure.into())),
                Arrival::Lost => return Err(LinkError::Lost),
                Arrival::Bytes(_) | Arrival::End { .. } => {}
            }
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if !self.is_over {
            self.pipe.lock().abandoned = true;
            self.link.list(&self.pipe);
        }
    }
}
