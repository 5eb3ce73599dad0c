//! Carrying out what the handles of a connection ask for: open channels, move bytes, end.

use std::sync::Arc;

use windlass_protocol::{CallError, ChannelId, Code, Failure};

use super::{Registry, Task};
use crate::clock::Stopwatch;
use crate::session::Farewell;
use crate::session::limits::{DUPLICATE_RETRY_MS, OUTGOING_BYTES_MAX};
use crate::session::link::Link;
use crate::session::pipe::Pipe;

impl<R: Registry> Task<R> {
    /// Does what the handles ask for.
    pub(super) fn obey(&mut self) {
        let link = self.link.clone();
        let (listed, farewell) = {
            let mut orders = link.shared().orders();
            (std::mem::take(&mut orders.listed), orders.farewell.take())
        };
        for pipe in listed {
            self.apply(&pipe);
        }
        if self.core.is_ready() {
            self.open_channels(&link);
        }
        if let Some(farewell) = farewell {
            let (code, text, retry_ms) = words(farewell);
            // Refused only when the connection is over already.
            let _ = self.core.goaway(code, text, retry_ms);
            self.core.bye();
            self.ends_at.get_or_insert_with(Stopwatch::start);
        }
    }

    fn open_channels(&mut self, link: &Link) {
        loop {
            let mut orders = link.shared().orders();
            let Some(call) = orders.calls.front() else {
                return;
            };
            let opened = match call.pipe.lock().abandoned {
                true => Err(CallError::Ended),
                false => self.core.open_box(&call.request, call.from, call.window),
            };
            // All channels are taken: the next answer frees one.
            if opened == Err(CallError::TooManyChannels) {
                return;
            }
            let Some(call) = orders.calls.pop_front() else {
                return;
            };
            drop(orders);
            match opened {
                Ok(channel) => {
                    call.pipe.lock().channel = Some(channel);
                    self.pipes.insert(channel, Arc::clone(&call.pipe));
                    self.apply(&call.pipe);
                }
                Err(CallError::TooLarge) => call.pipe.tell_user(|state| {
                    let text = "the request is larger than the protocol carries";
                    state.answer = Some(Err(Failure::new(Code::TooLarge, text)));
                }),
                Err(_) => call.pipe.tell_user(|state| state.lost = true),
            }
        }
    }

    /// Carries a pipe's wishes to the state machine.
    fn apply(&mut self, pipe: &Arc<Pipe>) {
        let (channel, ack, cancel, abandoned) = {
            let mut state = pipe.lock();
            state.is_listed = false;
            let Some(channel) = state.channel else { return };
            (
                channel,
                state.ack.take(),
                state.cancel.take(),
                state.abandoned,
            )
        };
        if !self.pipes.contains_key(&channel) {
            return;
        }
        // Every one of these is refused only when the channel or the connection is over, which
        // the user is told as an event.
        if let Some((durable, limit)) = ack {
            let _ = self.core.acknowledge(channel, durable, limit);
        }
        if let Some(mode) = cancel {
            let _ = self.core.cancel(channel, mode);
        }
        if abandoned {
            let failure = Failure::new(Code::Cancelled, "the master gave the call up");
            let _ = self.core.abort(channel, &failure);
        } else {
            self.pump(channel);
        }
    }

    /// Moves outgoing bytes of a channel into the state machine as far as it takes them.
    pub(super) fn pump(&mut self, channel: ChannelId) {
        let Some(pipe) = self.pipes.get(&channel) else {
            return;
        };
        let mut state = pipe.lock();
        let Some(mut offset) = self.core.next_offset(channel) else {
            return;
        };
        let was_full = state.outgoing_bytes >= OUTGOING_BYTES_MAX;
        while let Some(piece) = state.outgoing.front_mut() {
            let Ok(taken) = self.core.send_data(channel, offset, piece) else {
                return;
            };
            let whole = taken == piece.len();
            let _ = piece.split_to(taken);
            offset += taken as u64;
            state.outgoing_bytes -= taken;
            if !whole {
                break;
            }
            state.outgoing.pop_front();
        }
        if state.outgoing.is_empty()
            && let Some((length, sha256)) = state.finish.take()
            && let Err(error) = self.core.finish(channel, length, sha256)
        {
            tracing::debug!(%error, "a stream could not be ended");
        }
        let has_room = state.outgoing_bytes < OUTGOING_BYTES_MAX;
        drop(state);
        if was_full && has_room {
            pipe.user.notify_one();
        }
    }
}

fn words(farewell: Farewell) -> (Code, &'static str, u64) {
    match farewell {
        Farewell::Replaced => (Code::Replaced, "a newer connection took over", 0),
        Farewell::Duplicate => (
            Code::DuplicateAgent,
            "another machine is connected by this name: every machine needs a name of its own",
            DUPLICATE_RETRY_MS,
        ),
        Farewell::Stopping => (Code::ShuttingDown, "the master stops; come back soon", 0),
    }
}
