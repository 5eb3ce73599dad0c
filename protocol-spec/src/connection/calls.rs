//! What a program asks of a connection: opening, answering, sending, granting, ending.

use super::channel::Channel;
use super::handshake::Phase;
use super::transmit::Waiting;
use super::{CancelMode, CloseReason, Connection, Role};
use crate::auth::Key;
use crate::boxes::Boxed;
use crate::error::{CallError, Code, Failure};
use crate::header::FrameType;
use crate::ids::{ChannelId, CommandState};
use crate::limits::{self, BOX_PAIRS_MAX, CHANNELS_MAX, FRAME_MAX, KEYS_MAX};
use crate::ops::Request;
use crate::sha256::Sha256;

/// Bytes a box must leave free in a frame, for the keys that the connection adds: `from`, `limit`
/// and one unknown key, at most 5 + 5 + 20 bytes each and 22.
const ADDED_BYTES: usize = 128;

impl Connection {
    /// Master, after `Event::Hello`: the keys of this agent, at most two; none if it is unknown.
    pub fn provide_keys(&mut self, now_ms: u64, mut keys: Vec<Key>) -> Result<(), CallError> {
        keys.truncate(KEYS_MAX);
        self.store_keys(now_ms, keys)
    }

    /// Agent, after `Event::Proven`: lists its commands; requests come after this.
    pub fn announce(&mut self, commands: &[CommandState]) -> Result<(), CallError> {
        self.say_ready(commands)
    }

    /// Master: opens a channel. The agent may send the up stream from `from` to `from + window`
    /// until `acknowledge` says more.
    pub fn open(
        &mut self,
        request: &Request,
        from: u64,
        window: u64,
    ) -> Result<ChannelId, CallError> {
        self.open_box(&request.to_box(), from, window)
    }

    /// Master: `open` for a request box of one's own; its first pair is `op`.
    pub fn open_box(
        &mut self,
        request: &Boxed,
        from: u64,
        window: u64,
    ) -> Result<ChannelId, CallError> {
        self.check_ready(true)?;
        if self.peer_leaves || self.leaving || self.last_channel == u32::MAX {
            return Err(CallError::NotReady);
        }
        if self.channels.len() >= CHANNELS_MAX {
            return Err(CallError::TooManyChannels);
        }
        let limit = from.saturating_add(window).min(limits::OFFSET_MAX);
        check_size(request)?;
        let mut pairs = request.clone();
        pairs.push_number("from", from);
        pairs.push_number("limit", limit);
        self.grease.add(&mut pairs);
        self.last_channel += 1;
        let number = self.last_channel;
        let mut channel = Channel::default();
        channel.receiving.open(from, limit.max(from));
        channel.may_leave_hash = may_leave_hash(request, from);
        self.channels.insert(number, channel);
        let payload = pairs.encode();
        self.control.push_back(Waiting {
            kind: FrameType::Req,
            channel: number,
            payload,
        });
        Ok(ChannelId(number))
    }

    /// Agent: answers a request. Bytes queued before a success are still sent, with the end if
    /// there is one; before a failure they are dropped.
    pub fn respond(
        &mut self,
        channel: ChannelId,
        result: Result<Boxed, Failure>,
    ) -> Result<(), CallError> {
        self.check_ready(false)?;
        self.channel(channel)?;
        let result = match result {
            Ok(answer) => {
                check_size(&answer)?;
                let mut pairs = Boxed::new();
                pairs.push("ok", "1");
                pairs.append(answer);
                Ok(pairs)
            }
            Err(failure) => Err(failure),
        };
        self.queue_response(channel.0, result);
        Ok(())
    }

    /// Queues bytes of our stream that begin at `offset` and tells how many were taken: as much
    /// as the peer's limit and the queue allow, perhaps 0. `Event::Writable` follows if not all.
    pub fn send_data(
        &mut self,
        channel: ChannelId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<usize, CallError> {
        let taken = self.channel(channel)?.sending.push(offset, bytes)?;
        if taken > 0 {
            self.join_turn_line(channel.0);
        }
        Ok(taken)
    }

    /// `send_data` that takes all or nothing, mostly without copying: `false` if there is no room
    /// for all.
    pub fn send_piece(
        &mut self,
        channel: ChannelId,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Result<bool, CallError> {
        let sending = &mut self.channel(channel)?.sending;
        if bytes.len() > sending.room() && !sending.is_finished {
            return Ok(false);
        }
        if let Err(bytes) = sending.push_piece(offset, bytes) {
            sending.push(offset, &bytes)?;
        }
        self.join_turn_line(channel.0);
        Ok(true)
    }

    /// Ends our stream after everything queued: its whole length and SHA-256 from offset 0.
    /// `NotReady` at the master before the agent's first ACK, `WrongOffset` if `length` is not
    /// where the queued bytes end.
    pub fn finish(
        &mut self,
        channel: ChannelId,
        length: u64,
        sha256: [u8; 32],
    ) -> Result<(), CallError> {
        self.end_stream(channel, length, Some(sha256))
    }

    /// `finish` of a stream for which `hash_sent` was called, with the hash from there. Without
    /// that call it is `NotReady`, unless the request allows an end without a hash
    /// (`Get::unhashed`).
    pub fn finish_hashed(&mut self, channel: ChannelId, length: u64) -> Result<(), CallError> {
        let entry = self.channel(channel)?;
        if entry.sending.sha256.is_none() && !entry.may_leave_hash {
            return Err(CallError::NotReady);
        }
        self.end_stream(channel, length, None)
    }

    fn end_stream(
        &mut self,
        channel: ChannelId,
        length: u64,
        sha256: Option<[u8; 32]>,
    ) -> Result<(), CallError> {
        self.channel(channel)?.sending.finish(length, sha256)?;
        self.join_turn_line(channel.0);
        Ok(())
    }

    /// Takes our stream from here on into `sha256`, which holds it so far: together with the MACs
    /// of its frames that costs less than by itself. `WrongOffset` unless it holds as many bytes
    /// as were queued, and all of those are sent.
    pub fn hash_sent(&mut self, channel: ChannelId, sha256: Sha256) -> Result<(), CallError> {
        let sending = &mut self.channel(channel)?.sending;
        if sha256.total() != sending.next || sending.has_work() {
            return Err(CallError::WrongOffset(sending.next));
        }
        sending.sha256 = Some(sha256);
        Ok(())
    }

    /// Takes the peer's stream into `sha256`, which holds it so far, for `Event::End`; to be
    /// called before the next of its bytes can come.
    pub fn hash_received(&mut self, channel: ChannelId, sha256: Sha256) -> Result<(), CallError> {
        self.channel(channel)?.receiving.sha256 = Some(sha256);
        Ok(())
    }

    /// Master: gives the channel up; the agent answers, mostly with `cancelled`. A command goes on.
    pub fn abort(&mut self, channel: ChannelId, failure: &Failure) -> Result<(), CallError> {
        self.check_ready(true)?;
        let entry = self.channel(channel)?;
        if entry.abort.is_none() {
            entry.sending.drop_queue();
            entry.abort = Some(failure.to_box().encode());
        }
        self.join_control_line(channel.0);
        Ok(())
    }

    /// Tells the peer that its stream is stored up to `durable` and welcome up to `limit`. The
    /// agent's first one opens the down stream at `durable`; before it the master sends nothing.
    /// Numbers lower than said before are raised to those.
    pub fn acknowledge(
        &mut self,
        channel: ChannelId,
        durable: u64,
        limit: u64,
    ) -> Result<(), CallError> {
        let limit = limit.min(limits::OFFSET_MAX);
        let entry = self.channel(channel)?;
        if let Some(ack) = entry.receiving.acknowledge(durable, limit) {
            entry.ack = Some(ack);
            self.join_control_line(channel.0);
        }
        Ok(())
    }

    /// How many bytes `send_data` would take now; 0 for a channel that is not open.
    pub fn room(&self, channel: ChannelId) -> u64 {
        self.channels
            .get(&channel.0)
            .map_or(0, |entry| entry.sending.room() as u64)
    }

    /// `room`, or 0 while it is not worth waking a thread for: less than half of the queue, and
    /// what is queued will make more.
    pub fn ample_room(&self, channel: ChannelId) -> u64 {
        let sending = self.channels.get(&channel.0).map(|entry| &entry.sending);
        sending.map_or(0, |sending| sending.ample_room() as u64)
    }

    /// Where our stream continues; `None` for a channel that is not open, and at the master
    /// before the agent's first ACK.
    pub fn next_offset(&self, channel: ChannelId) -> Option<u64> {
        let sending = &self.channels.get(&channel.0)?.sending;
        sending.is_open.then_some(sending.next)
    }

    /// Master: ends the command of an `exec` or `attach` channel.
    pub fn cancel(&mut self, channel: ChannelId, mode: CancelMode) -> Result<(), CallError> {
        self.check_ready(true)?;
        let entry = self.channel(channel)?;
        entry.cancel = entry.cancel.max(Some(mode));
        self.join_control_line(channel.0);
        Ok(())
    }

    /// Agent: how its machine is. Only the newest is sent.
    pub fn send_status(&mut self, status: &Boxed) -> Result<(), CallError> {
        self.check_ready(false)?;
        check_size(status)?;
        self.status = Some(status.encode());
        Ok(())
    }

    /// Asks the peer to open no more channels and to expect the end. Said once.
    pub fn goaway(&mut self, code: Code, text: &str, retry_ms: u64) -> Result<(), CallError> {
        if !self.is_ready() || self.says_bye {
            return Err(CallError::NotReady);
        }
        if !self.leaving {
            self.leaving = true;
            let mut pairs = Failure::new(code, text).to_box();
            pairs.push_number("retry_ms", retry_ms);
            let payload = pairs.encode();
            self.control.push_back(Waiting {
                kind: FrameType::Goaway,
                channel: 0,
                payload,
            });
        }
        Ok(())
    }

    /// Says BYE behind what is queued for the connection itself; channels are left as they are.
    /// Before READY it only ends the connection.
    pub fn bye(&mut self) {
        match self.phase {
            Phase::Ready | Phase::Announcing => self.says_bye = true,
            _ => self.close(CloseReason::Ended),
        }
    }

    fn check_ready(&self, as_master: bool) -> Result<(), CallError> {
        match (
            self.is_ready() && !self.says_bye,
            matches!(self.role, Role::Master { .. }),
        ) {
            (false, _) => Err(CallError::NotReady),
            (_, is_master) if is_master != as_master => Err(CallError::WrongRole),
            _ => Ok(()),
        }
    }

    /// A channel on which our program may still do something.
    fn channel(&mut self, channel: ChannelId) -> Result<&mut Channel, CallError> {
        match self.channels.get_mut(&channel.0) {
            None => Err(CallError::UnknownChannel),
            Some(entry) if entry.response.is_some() => Err(CallError::Ended),
            Some(entry) => Ok(entry),
        }
    }
}

/// Whether the agent may end its stream without a hash: a `get` from the first byte on that says
/// so. What was sent over an earlier connection must be checked against what is there now.
pub(super) fn may_leave_hash(request: &Boxed, from: u64) -> bool {
    from == 0 && request.first("op") == Some(b"get") && request.flag("unhashed") == Ok(true)
}

/// Whether a box and what the connection adds to it fit one frame.
fn check_size(pairs: &Boxed) -> Result<(), CallError> {
    let fits = pairs.encoded_len() + ADDED_BYTES <= FRAME_MAX && pairs.len() + 4 <= BOX_PAIRS_MAX;
    if fits {
        Ok(())
    } else {
        Err(CallError::TooLarge)
    }
}
