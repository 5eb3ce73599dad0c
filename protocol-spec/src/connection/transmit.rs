//! The fair writer: frames of the connection first, then small frames of channels, then one turn
//! of at most 64 KiB for each channel that has bytes to send.

use super::{CloseReason, Connection, Event};
use crate::boxes::Boxed;
use crate::error::Failure;
use crate::header::{FLAG_ABORT, FLAG_END, FrameType};
use crate::ids::ChannelId;
use crate::limits::DATA_BYTES_MAX;

/// Bytes after which `poll_transmit` hands out what it has: four turns, which a line of 1 Gbit/s
/// takes 2 ms for, so that a control frame never waits long, and a fast line wakes few threads.
const TRANSMIT_BYTES: usize = 4 * DATA_BYTES_MAX;

/// Bytes of a stream in one frame: a turn makes four of them, and what `poll_transmit` hands out
/// sixteen, whose MACs can be computed at once at both ends.
pub(super) const FRAME_BYTES: usize = DATA_BYTES_MAX / 4;
/// Room for what `poll_transmit` hands out: less than `TRANSMIT_BYTES`, and a turn with what is
/// around the bytes of its frames.
const OUT_BYTES: usize = TRANSMIT_BYTES + DATA_BYTES_MAX + 1024;

/// A frame of the connection that waits to be written.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Its type.
    pub(super) kind: FrameType,
    /// Its channel: that of a REQ, else 0.
    pub(super) channel: u32,
    /// Its payload.
    pub(super) payload: Vec<u8>,
}

impl Connection {
    /// Appends to the bytes to be sent until there are enough or nothing waits.
    pub(super) fn fill(&mut self) {
        while self.out.len() < TRANSMIT_BYTES {
            let wrote = self.write_control()
                || self.write_bye()
                || self.write_channel_control()
                || self.write_turn();
            if !wrote {
                break;
            }
        }
        self.writer.sign(&mut self.out);
    }

    fn write(&mut self, kind: FrameType, flags: u8, channel: u32, parts: &[&[u8]]) {
        self.writer
            .write(&mut self.out, kind, flags, channel, parts);
    }

    fn write_control(&mut self) -> bool {
        if let Some(payload) = self.pong.take() {
            self.write(FrameType::Pong, 0, 0, &[&payload]);
        } else if let Some(payload) = self.ping.take() {
            self.write(FrameType::Ping, 0, 0, &[&payload]);
        } else if let Some(Waiting {
            kind,
            channel,
            payload,
        }) = self.control.pop_front()
        {
            self.write(kind, 0, channel, &[&payload]);
        } else if let Some(payload) = self.status.take() {
            self.write(FrameType::Status, 0, 0, &[&payload]);
        } else {
            return false;
        }
        true
    }

    fn write_bye(&mut self) -> bool {
        if !std::mem::take(&mut self.says_bye) {
            return false;
        }
        let mut pairs = Boxed::new();
        pairs.push_number("seq", self.writer.sequence());
        self.write(FrameType::Bye, 0, 0, &[&pairs.encode()]);
        self.close(CloseReason::Ended);
        true
    }

    /// ACK, CANCEL and ABORT of one channel.
    fn write_channel_control(&mut self) -> bool {
        let Some(number) = self.control_line.pop_front() else {
            return false;
        };
        let Some(channel) = self.channels.get_mut(&number) else {
            return true;
        };
        channel.in_control_line = false;
        let (ack, cancel, abort) = (
            channel.ack.take(),
            channel.cancel.take(),
            channel.abort.take(),
        );
        let offset = channel.sending.next.to_be_bytes();
        if let Some((durable, limit)) = ack {
            let parts = [&durable.to_be_bytes()[..], &limit.to_be_bytes()[..]];
            self.write(FrameType::Ack, 0, number, &parts);
        }
        if let Some(mode) = cancel {
            let mut pairs = Boxed::new();
            pairs.push("mode", mode.as_str());
            self.write(FrameType::Cancel, 0, number, &[&pairs.encode()]);
        }
        if let Some(payload) = abort {
            self.write(FrameType::Data, FLAG_ABORT, number, &[&offset, &payload]);
        }
        true
    }

    /// One turn of one channel: a piece of its stream, or its end and its answer.
    fn write_turn(&mut self) -> bool {
        let Some(number) = self.turn_line.pop_front() else {
            return false;
        };
        let Some(channel) = self.channels.get_mut(&number) else {
            return true;
        };
        channel.in_turn_line = false;
        if let Some((offset, bytes)) = channel.sending.pop() {
            if bytes.len() == DATA_BYTES_MAX {
                // At once: growing by and by would copy what is there.
                let most = OUT_BYTES.saturating_sub(self.out.len());
                self.out.reserve_exact(most);
            }
            for (piece, at) in bytes
                .chunks(FRAME_BYTES)
                .zip((offset..).step_by(FRAME_BYTES))
            {
                let beside = channel.sending.sha256.as_mut();
                self.writer
                    .write_bytes(&mut self.out, number, at, piece, beside);
            }
        }
        let end = channel.sending.take_end();
        let answered = !channel.sending.has_work() && channel.response.is_some();
        let response = if answered {
            channel.response.take()
        } else {
            None
        };
        let more = channel.sending.has_work();
        let writable = channel.sending.take_writable();
        if let Some(payload) = end {
            self.write(FrameType::Data, FLAG_END, number, &[&payload]);
        }
        if let Some(payload) = response {
            self.write(FrameType::Res, 0, number, &[&payload]);
            self.channels.remove(&number);
        } else if writable {
            self.events.push_back(Event::Writable {
                channel: ChannelId(number),
            });
        }
        if more {
            self.join_turn_line(number);
        }
        true
    }

    /// Puts a channel in line for a turn, once.
    pub(super) fn join_turn_line(&mut self, number: u32) {
        if let Some(channel) = self.channels.get_mut(&number)
            && !channel.in_turn_line
        {
            channel.in_turn_line = true;
            self.turn_line.push_back(number);
        }
    }

    /// Puts a channel in line for its small frames, once.
    pub(super) fn join_control_line(&mut self, number: u32) {
        if let Some(channel) = self.channels.get_mut(&number)
            && !channel.in_control_line
        {
            channel.in_control_line = true;
            self.control_line.push_back(number);
        }
    }

    /// Queues the answer of a channel; a failure drops what is queued before it.
    pub(super) fn queue_response(&mut self, number: u32, result: Result<Boxed, Failure>) {
        let mut pairs = match result {
            Ok(pairs) => pairs,
            Err(failure) => {
                if let Some(channel) = self.channels.get_mut(&number) {
                    channel.sending.drop_queue();
                }
                failure.to_box()
            }
        };
        self.grease.add(&mut pairs);
        if let Some(channel) = self.channels.get_mut(&number) {
            channel.response = Some(pairs.encode());
        }
        self.join_turn_line(number);
    }
}
