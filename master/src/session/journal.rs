//! The journal of a command as it streams in over one connection: output, remarks, the result.

use std::time::Duration;

use tokio::time::Instant;
use windlass_protocol::journal::{Decoder, Record, RecordKind};
use windlass_protocol::limits::LOG_WINDOW;
use windlass_protocol::ops::{Attach, Request};
use windlass_protocol::sha256::{STATE_BYTES, Sha256};
use windlass_protocol::{Boxed, Failure, hex};

use super::calls::{LinkError, Refusal};
use super::channel::{Arrival, Channel};
use super::command::{BadCommand, CommandSpec};
use super::link::Link;
use super::result::CommandResult;

/// Why secrets are not sent.
const READABLE: &str = "the step has secret variables, and the connection to its agent can be read \
    on the way: connect the agent by TLS (`tls://` or `https://`), by ssh or on the same machine";

/// From the exit record to END, which needs no credit and follows at once: minutes are a line
/// that barely moves.
const END_MAX: Duration = Duration::from_secs(600);

/// How far a journal was taken, always the end of a record, and the hash of all of it from 0.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mark {
    /// Bytes of the journal.
    pub(crate) offset: u64,
    hash: Sha256,
}

impl Mark {
    /// Reads what [`Self::state`] wrote; nothing was written at offset 0.
    pub(crate) fn stored(offset: u64, state: Option<&str>) -> Result<Self, BadCommand> {
        let state: Option<[u8; STATE_BYTES]> =
            state.and_then(|text| hex::decode_array(text.as_bytes()));
        let hash = match state {
            Some(state) => Sha256::import(&state),
            None => Sha256::new(),
        };
        if hash.total() != offset {
            let text = format!("the stored hash of its journal is not one of {offset} bytes");
            return Err(BadCommand(text));
        }
        Ok(Self { offset, hash })
    }

    /// Where the hash stands, to be stored beside the offset.
    pub(crate) fn state(&self) -> String {
        hex::encode(&self.hash.export())
    }

    fn take(&mut self, record: &Record) {
        let length = u32::try_from(record.bytes.len()).unwrap_or(u32::MAX);
        let length = length.to_be_bytes();
        let kind = record.kind.as_byte();
        self.hash.update(&[kind, length[1], length[2], length[3]]);
        self.hash.update(&record.ms.to_be_bytes());
        self.hash.update(&record.bytes);
        self.offset = record.end;
    }
}

/// What comes next in a journal.
pub(crate) enum JournalPart {
    /// Output, as the command wrote it.
    Output(Vec<u8>),
    /// Errors, where they are split from the output.
    Errors(Vec<u8>),
    /// What was appended to a followed file: its number in the command's list, and the bytes.
    Tail(usize, Vec<u8>),
    /// A remark of the agent.
    Note(String),
    /// The command ended, and the journal is proved to be the one that the agent wrote; or it is
    /// not, and the command is lost. Nothing follows.
    Exit(CommandResult),
}

/// A journal being received.
pub(crate) struct Journal {
    channel: Channel,
    decoder: Decoder,
    /// After the last record given out.
    mark: Mark,
    /// The result and when its END must be there: without that it is none.
    exit: Option<(CommandResult, Instant)>,
    /// Offset after the last byte taken from the channel.
    received: u64,
    /// Whether the agent has sent anything, so that it knows the command.
    pub(crate) is_begun: bool,
}

impl Journal {
    /// Starts the command, or attaches to it if this agent knows it already.
    pub(crate) fn start(link: &Link, command: &CommandSpec) -> Result<Self, LinkError> {
        let exec = command.wire().map_err(|error| {
            LinkError::Refused(Refusal {
                code: "bad-request",
                text: error.to_string(),
            })
        })?;
        if command.has_secrets() && !link.is_confidential() {
            return Err(LinkError::Refused(Refusal {
                code: "permission",
                text: READABLE.to_owned(),
            }));
        }
        Self::open(link, &Request::Exec(exec), Mark::default())
    }

    /// Attaches to a command that was started before, behind what was taken of it.
    pub(crate) fn attach(
        link: &Link,
        command: &CommandSpec,
        from: Mark,
    ) -> Result<Self, LinkError> {
        let attach = Attach {
            id: command.id.wire(),
            generation: command.generation,
        };
        Self::open(link, &Request::Attach(attach), from)
    }

    fn open(link: &Link, request: &Request, from: Mark) -> Result<Self, LinkError> {
        Ok(Self::over(
            link.open(request, from.offset, LOG_WINDOW)?,
            from,
        ))
    }

    fn over(channel: Channel, from: Mark) -> Self {
        Self {
            channel,
            decoder: Decoder::starting_at(from.offset),
            received: from.offset,
            is_begun: from.offset > 0,
            mark: from,
            exit: None,
        }
    }

    /// Waits for the next part. May be dropped and called again without loss.
    pub(crate) async fn next(&mut self) -> Result<JournalPart, LinkError> {
        loop {
            while let Some(record) = self.decoder.next_record().map_err(LinkError::nonsense)? {
                self.mark.take(&record);
                match record.kind {
                    RecordKind::Stdout => return Ok(JournalPart::Output(record.bytes)),
                    RecordKind::Stderr => return Ok(JournalPart::Errors(record.bytes)),
                    RecordKind::Tail => {
                        let (number, bytes) = record.tail().map_err(LinkError::nonsense)?;
                        return Ok(JournalPart::Tail(number.into(), bytes.to_vec()));
                    }
                    RecordKind::Note => {
                        let text = String::from_utf8_lossy(&record.bytes).into_owned();
                        return Ok(JournalPart::Note(text));
                    }
                    RecordKind::Exit => {
                        let result = record.exit().map_err(LinkError::nonsense)?;
                        self.exit = Some((result.into(), Instant::now() + END_MAX));
                    }
                    RecordKind::Started | RecordKind::Unknown(_) => {}
                }
            }
            let arrival = match &self.exit {
                None => self.channel.next().await,
                Some((_, end_by)) => {
                    match tokio::time::timeout_at(*end_by, self.channel.next()).await {
                        Ok(arrival) => arrival,
                        Err(_) => return Ok(self.unproved("the end of its journal never came")),
                    }
                }
            };
            match arrival {
                Arrival::Bytes(bytes) => {
                    self.is_begun = true;
                    self.received += bytes.len() as u64;
                    self.decoder.push(&bytes);
                }
                Arrival::End { length, sha256 } => return self.end(length, sha256),
                Arrival::Answer(answer) => return self.answered(answer),
                Arrival::Lost => return Err(LinkError::Lost),
            }
        }
    }

    /// The journal is over: its result, if all of it came as the agent wrote it.
    fn end(&mut self, length: u64, sha256: Option<[u8; 32]>) -> Result<JournalPart, LinkError> {
        if self.exit.is_none() {
            let text = format!("the journal ended at {length} without an exit record");
            return Err(LinkError::Nonsense(text));
        }
        if length != self.mark.offset {
            let text = format!("its journal ends at {length}, not at {}", self.mark.offset);
            return Ok(self.unproved(&text));
        }
        if sha256 != Some(self.mark.hash.clone().finish()) {
            let text = "what came of its journal is not what the agent wrote: SHA-256 differs";
            return Ok(self.unproved(text));
        }
        match self.exit.take() {
            Some((result, _)) => Ok(JournalPart::Exit(result)),
            None => Ok(self.unproved("its journal ended twice")),
        }
    }

    /// The answer came before END.
    fn answered(&mut self, answer: Result<Boxed, Failure>) -> Result<JournalPart, LinkError> {
        match answer {
            Err(failure) => Err(LinkError::Refused(failure.into())),
            Ok(_) if self.exit.is_some() => {
                Ok(self.unproved("its journal was answered without its end"))
            }
            Ok(_) => {
                let text = "the journal ended without an exit record";
                Err(LinkError::Nonsense(text.to_owned()))
            }
        }
    }

    /// An exit record that nothing vouches for says nothing.
    fn unproved(&mut self, text: &str) -> JournalPart {
        self.exit = None;
        JournalPart::Exit(CommandResult::lost(text))
    }

    /// After the last record given out.
    pub(crate) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// The journal is stored up to `durable`; the agent may send a window more than was taken.
    pub(crate) fn acknowledge(&self, durable: u64) {
        self.channel
            .acknowledge(durable, self.received + LOG_WINDOW);
    }

    /// Asks the agent to end the command.
    pub(crate) fn cancel(&self) {
        self.channel.cancel();
    }
}

#[cfg(test)]
mod tests;
