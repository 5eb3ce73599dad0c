//! What the frames after READY do: every type, in every direction, on known and unknown channels.

use super::calls::may_leave_hash;
use super::channel::Channel;
use super::handshake::Phase;
use super::transmit::FRAME_BYTES;
use super::{CancelMode, CloseReason, Connection, Event, Role};
use crate::boxes::Boxed;
use crate::error::{Code, Failure, ProtocolError};
use crate::frame::Cut;
use crate::header::{FLAG_ABORT, FLAG_END, FrameType};
use crate::ids::ChannelId;
use crate::limits::{CHANNELS_MAX, DATA_BYTES_MAX, OFFSET_MAX};
use crate::ops::Request;
use crate::sha256::Sha256;

impl Connection {
    /// Takes one genuine frame after the keys stand.
    pub(super) fn handle_frame(&mut self, frame: Cut<'_>) -> Result<(), ProtocolError> {
        // A type we do not know is of a later version and does nothing.
        let Some(kind) = FrameType::parse(frame.header.tag) else {
            return Ok(());
        };
        let header = frame.header;
        if kind != FrameType::Data && header.flags != 0 {
            return Err(ProtocolError::Unexpected(
                "flags on a frame other than DATA",
            ));
        }
        let of_channel = matches!(
            kind,
            FrameType::Req | FrameType::Res | FrameType::Data | FrameType::Ack | FrameType::Cancel
        );
        if of_channel == (header.channel == 0) && kind != FrameType::Event {
            return Err(ProtocolError::Unexpected(
                "channel 0 is for the connection alone",
            ));
        }
        if of_channel && !matches!(self.phase, Phase::Ready) {
            return Err(ProtocolError::Unexpected("a channel's frame before READY"));
        }
        let from_master = matches!(self.role, Role::Agent { .. });
        match (kind, from_master) {
            (FrameType::Ping, _) => self.handle_ping(frame.payload),
            (FrameType::Pong, _) => match frame.payload.len() {
                8 => Ok(()),
                _ => Err(ProtocolError::Malformed("PONG must hold 8 bytes")),
            },
            (FrameType::Goaway, _) => self.handle_goaway(&frame),
            (FrameType::Bye, _) => self.handle_bye(&frame),
            (FrameType::Status, false) => {
                self.events.push_back(Event::Status(read_box(&frame)?));
                Ok(())
            }
            (FrameType::Event, _) => Ok(()),
            (FrameType::Req, true) => self.handle_request(&frame),
            (FrameType::Res, false) => self.handle_response(&frame),
            (FrameType::Data, _) => self.handle_data(&frame),
            (FrameType::Ack, _) => self.handle_ack(&frame),
            (FrameType::Cancel, true) => self.handle_cancel(&frame),
            _ => Err(ProtocolError::Unexpected(
                "a frame of this type from this side",
            )),
        }
    }

    fn handle_ping(&mut self, payload: &[u8]) -> Result<(), ProtocolError> {
        let payload = payload
            .try_into()
            .map_err(|_| ProtocolError::Malformed("PING must hold 8 bytes"))?;
        // Only the newest is answered: a flood of PINGs makes no queue.
        self.pong = Some(payload);
        Ok(())
    }

    fn handle_goaway(&mut self, frame: &Cut<'_>) -> Result<(), ProtocolError> {
        let pairs = read_box(frame)?;
        let Failure { code, text, .. } = Failure::from_box(&pairs);
        let retry_ms = pairs.number("retry_ms").ok().flatten().unwrap_or(0);
        self.peer_leaves = true;
        self.events.push_back(Event::Goaway {
            code,
            text,
            retry_ms,
        });
        Ok(())
    }

    fn handle_bye(&mut self, frame: &Cut<'_>) -> Result<(), ProtocolError> {
        let pairs = read_box(frame)?;
        // Frames before this one; the reader has counted this one too.
        if pairs.number("seq").ok().flatten() != Some(self.reader.sequence() - 1) {
            return Err(ProtocolError::Malformed("`seq` in BYE"));
        }
        self.close(CloseReason::Bye);
        Ok(())
    }

    fn handle_request(&mut self, frame: &Cut<'_>) -> Result<(), ProtocolError> {
        let number = frame.header.channel;
        if number <= self.last_channel {
            return Err(ProtocolError::Unexpected(
                "REQ on a channel number used before",
            ));
        }
        if self.channels.len() >= CHANNELS_MAX {
            return Err(ProtocolError::TooManyChannels);
        }
        self.last_channel = number;
        let pairs = read_box(frame)?;
        self.channels.insert(number, Channel::default());
        match self.read_request(number, &pairs) {
            Ok((request, from)) => {
                let channel = ChannelId(number);
                self.events.push_back(Event::Request {
                    channel,
                    request,
                    from,
                });
            }
            Err(failure) => self.queue_response(number, Err(failure)),
        }
        Ok(())
    }

    /// Opens the up stream and reads what is asked; the failure is the answer.
    fn read_request(&mut self, number: u32, pairs: &Boxed) -> Result<(Request, u64), Failure> {
        let from = pairs.number("from")?.unwrap_or(0);
        let limit = pairs.number("limit")?.unwrap_or(from);
        if limit < from || limit > OFFSET_MAX {
            let text = "`limit` must not be below `from` nor above 2^62";
            return Err(Failure::new(Code::BadRequest, text));
        }
        if self.leaving {
            return Err(Failure::new(
                Code::ShuttingDown,
                "the agent takes nothing new",
            ));
        }
        if let Some(channel) = self.channels.get_mut(&number) {
            channel.sending.open(from, limit);
            channel.may_leave_hash = may_leave_hash(pairs, from);
        }
        Ok((Request::from_box(pairs)?, from))
    }

    fn handle_response(&mut self, frame: &Cut<'_>) -> Result<(), ProtocolError> {
        let number = frame.header.channel;
        let pairs = read_box(frame)?;
        if self.channels.remove(&number).is_none() {
            return Err(ProtocolError::Unexpected(
                "RES on a channel that is not open",
            ));
        }
        let result = match pairs.first("ok") {
            Some(b"1") => match pairs.check_understood(&[]) {
                Ok(()) => Ok(pairs),
                Err(error) => Err(Failure::from(error)),
            },
            _ => Err(Failure::from_box(&pairs)),
        };
        self.events.push_back(Event::Response {
            channel: ChannelId(number),
            result,
        });
        Ok(())
    }

    fn handle_data(&mut self, frame: &Cut<'_>) -> Result<(), ProtocolError> {
        let number = frame.header.channel;
        let from_master = matches!(self.role, Role::Agent { .. });
        let Some(channel) = self.open_channel(number)? else {
            return Ok(());
        };
        let id = ChannelId(number);
        let event = match frame.header.flags {
            0 => {
                let (offset, bytes) = split_offset(frame.payload)?;
                if bytes.is_empty() || bytes.len() > DATA_BYTES_MAX {
                    return Err(ProtocolError::Malformed("DATA must hold 1 to 65536 bytes"));
                }
                channel.receiving.take(offset, bytes.len() as u64)?;
                self.queue_bytes(id, offset, bytes);
                return Ok(());
            }
            FLAG_END => {
                let (length, hash) = split_offset(frame.payload)?;
                let sha256 = match hash.is_empty() && !from_master && channel.may_leave_hash {
                    true => None,
                    false => Some(hash.try_into().map_err(|_| {
                        ProtocolError::Malformed("END must hold length and SHA-256")
                    })?),
                };
                channel.receiving.take(length, 0)?;
                channel.receiving.is_finished = true;
                Event::End {
                    channel: id,
                    length,
                    sha256,
                    found: channel.receiving.sha256.take().map(Sha256::finish),
                }
            }
            FLAG_ABORT if from_master => {
                channel.receiving.is_finished = true;
                let pairs = Boxed::decode(split_offset(frame.payload)?.1)
                    .map_err(|_| ProtocolError::Malformed("the box of an ABORT"))?;
                Event::Abort {
                    channel: id,
                    failure: Failure::from_box(&pairs),
                }
            }
            _ => return Err(ProtocolError::Unexpected("flags of a DATA")),
        };
        self.events.push_back(event);
        Ok(())
    }

    /// Queues bytes of a stream that were taken: behind those of the event before, if that has room.
    fn queue_bytes(&mut self, id: ChannelId, from: u64, taken: &[u8]) {
        if let Some(Event::Data { channel, bytes, .. }) = self.events.back_mut()
            && *channel == id
            && bytes.capacity() - bytes.len() >= taken.len()
        {
            return bytes.extend_from_slice(taken);
        }
        // More of the same are about to come, and one large event costs less than four.
        let room = match taken.len() == FRAME_BYTES {
            true => DATA_BYTES_MAX,
            false => taken.len(),
        };
        let mut bytes = Vec::with_capacity(room);
        bytes.extend_from_slice(taken);
        self.events.push_back(Event::Data {
            channel: id,
            offset: from,
            bytes,
        });
    }

    fn handle_ack(&mut self, frame: &Cut<'_>) -> Result<(), ProtocolError> {
        let number = frame.header.channel;
        let Some((durable, limit)) = frame.payload.split_first_chunk::<8>() else {
            return Err(ProtocolError::Malformed("ACK must hold 16 bytes"));
        };
        let limit: [u8; 8] = limit
            .try_into()
            .map_err(|_| ProtocolError::Malformed("ACK must hold 16 bytes"))?;
        let (durable, limit) = (u64::from_be_bytes(*durable), u64::from_be_bytes(limit));
        let Some(channel) = self.open_channel(number)? else {
            return Ok(());
        };
        channel.sending.acknowledged(durable, limit)?;
        let (durable, limit) = (channel.sending.durable, channel.sending.limit);
        let writable = channel.sending.take_writable();
        let channel = ChannelId(number);
        self.events.push_back(Event::Ack {
            channel,
            durable,
            limit,
        });
        if writable {
            self.events.push_back(Event::Writable { channel });
        }
        Ok(())
    }

    fn handle_cancel(&mut self, frame: &Cut<'_>) -> Result<(), ProtocolError> {
        let number = frame.header.channel;
        let pairs = read_box(frame)?;
        let mode = pairs
            .text("mode")
            .ok()
            .flatten()
            .and_then(CancelMode::parse);
        let mode = mode.ok_or(ProtocolError::Malformed("`mode` in CANCEL"))?;
        if self.open_channel(number)?.is_some() {
            self.events.push_back(Event::Cancel {
                channel: ChannelId(number),
                mode,
            });
        }
        Ok(())
    }

    /// The channel a frame is for. At the agent a channel that it has answered is `None`: the
    /// master's frames may have crossed the RES. Everything else that is not open is an error.
    fn open_channel(&mut self, number: u32) -> Result<Option<&mut Channel>, ProtocolError> {
        let may_cross = matches!(self.role, Role::Agent { .. }) && number <= self.last_channel;
        match self.channels.get_mut(&number) {
            // The answer is queued: for the master's frames the channel is closed already.
            Some(channel) if may_cross && channel.response.is_some() => Ok(None),
            Some(channel) => Ok(Some(channel)),
            None if may_cross => Ok(None),
            None => Err(ProtocolError::Unexpected(
                "a frame for a channel that is not open",
            )),
        }
    }
}

fn read_box(frame: &Cut<'_>) -> Result<Boxed, ProtocolError> {
    Boxed::decode(frame.payload).map_err(|_| ProtocolError::Malformed("the box of a frame"))
}

/// Splits `u64 offset | bytes`; one above `OFFSET_MAX` is refused, so that sums never overflow.
fn split_offset(payload: &[u8]) -> Result<(u64, &[u8]), ProtocolError> {
    let Some((offset, rest)) = payload.split_first_chunk::<8>() else {
        return Err(ProtocolError::Malformed("DATA must begin with an offset"));
    };
    let offset = u64::from_be_bytes(*offset);
    if offset > OFFSET_MAX {
        Err(ProtocolError::WrongOffset)
    } else {
        Ok((offset, rest))
    }
}
