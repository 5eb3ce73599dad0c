//! The journal of a command as it streams in over one connection: output, remarks, the result.

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::limits::LOG_WINDOW;
use windlass_protocol::ops::{Attach, Request};

use super::calls::{LinkError, Refusal};
use super::channel::{Arrival, Channel};
use super::command::CommandSpec;
use super::link::Link;
use super::result::CommandResult;

/// Why secrets are not sent.
const READABLE: &str = "the step has secret variables, and the connection to its agent can be read \
    on the way: connect the agent by TLS (`tls://` or `https://`), by ssh or on the same machine";

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
    /// The command ended; nothing follows.
    Exit(CommandResult),
}

/// A journal being received.
pub(crate) struct Journal {
    channel: Channel,
    decoder: Decoder,
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
        Self::open(link, &Request::Exec(exec), 0)
    }

    /// Attaches to a command that was started before; `from` is the end of a record.
    pub(crate) fn attach(link: &Link, command: &CommandSpec, from: u64) -> Result<Self, LinkError> {
        let attach = Attach {
            id: command.id.wire(),
            generation: command.generation,
        };
        Self::open(link, &Request::Attach(attach), from)
    }

    fn open(link: &Link, request: &Request, from: u64) -> Result<Self, LinkError> {
        Ok(Self {
            channel: link.open(request, from, LOG_WINDOW)?,
            decoder: Decoder::starting_at(from),
            received: from,
            is_begun: from > 0,
        })
    }

    /// Waits for the next part. May be dropped and called again without loss.
    pub(crate) async fn next(&mut self) -> Result<JournalPart, LinkError> {
        loop {
            while let Some(record) = self.decoder.next_record().map_err(LinkError::nonsense)? {
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
                        return Ok(JournalPart::Exit(result.into()));
                    }
                    RecordKind::Started | RecordKind::Unknown(_) => {}
                }
            }
            match self.channel.next().await {
                Arrival::Bytes(bytes) => {
                    self.is_begun = true;
                    self.received += bytes.len() as u64;
                    self.decoder.push(&bytes);
                }
                Arrival::End { length, .. } if length != self.received => {
                    let text = format!("the journal ends at {length}, not at {}", self.received);
                    return Err(LinkError::Nonsense(text));
                }
                Arrival::End { .. } => {}
                Arrival::Answer(Err(failure)) => return Err(LinkError::Refused(failure.into())),
                Arrival::Answer(Ok(_)) => {
                    let text = "the journal ended without an exit record";
                    return Err(LinkError::Nonsense(text.to_owned()));
                }
                Arrival::Lost => return Err(LinkError::Lost),
            }
        }
    }

    /// Offset after the last record given out.
    pub(crate) fn boundary(&self) -> u64 {
        self.decoder.boundary()
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
