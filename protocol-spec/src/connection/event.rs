//! What a connection tells its program.

use crate::auth::Key;
use crate::boxes::Boxed;
use crate::error::{Code, Failure, ProtocolError};
use crate::hello::{AgentHello, MasterHello};
use crate::ids::{ChannelId, CommandState};
use crate::ops::Request;

/// How a command is ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CancelMode {
    /// Ask with its signal, wait the grace, then kill.
    Term,
    /// Kill at once.
    Kill,
}

impl CancelMode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Term => "term",
            Self::Kill => "kill",
        }
    }

    /// The mode of a word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Term, Self::Kill]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// Why a connection ended. Whatever it is, no command ends by it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// We said BYE and it was handed out for sending.
    Ended,
    /// The peer said BYE.
    Bye,
    /// The peer refused us before READY. Not authenticated: good for a log line and for waiting
    /// `retry_ms`, for nothing else.
    Refused {
        /// Why.
        code: Code,
        /// A sentence for a person, from a stranger.
        text: String,
        /// Milliseconds to wait before trying again, 0 if it did not say.
        retry_ms: u64,
    },
    /// We refused the peer: unknown name or wrong key.
    AuthFailed,
    /// The stream ended without BYE.
    Lost,
    /// The peer was silent for too long, or the handshake took too long.
    Silent,
    /// The peer broke the rules.
    Protocol(ProtocolError),
}

/// What happened. Given out by `Connection::poll_event` in the order of the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Master: an agent says who it is. Answer with `Connection::provide_keys`: its keys, or the
    /// secret of the token that `enroll` names.
    Hello(AgentHello),
    /// Master: the agent has proved that it knows the token's secret. Store its key and the use of
    /// the token in one step, then `Connection::accept_enrolment`, else `refuse_enrolment`.
    Enrolling {
        /// The agent's key from now on.
        key: Key,
    },
    /// Agent: it is enrolled. Store the key, then go on with `Proven`, which follows; if it cannot
    /// be stored, hang up.
    Enrolled {
        /// Our key from now on.
        key: Key,
    },
    /// Agent: the master has proved that it knows the key. Answer with `Connection::announce`.
    Proven(MasterHello),
    /// Master: the agent has proved that it knows a key, and lists its commands. Channels may be
    /// opened from here on.
    Ready {
        /// Who it is: to be believed from here on.
        hello: AgentHello,
        /// Commands it knows.
        commands: Vec<CommandState>,
        /// Which of the keys given to `provide_keys` it used.
        key_index: usize,
    },
    /// Master: how the agent's machine is; keys as in the text.
    Status(Boxed),
    /// Agent: a channel was opened. Every request must be answered once with
    /// `Connection::respond`. Requests that cannot be read are answered by the connection.
    Request {
        /// The new channel.
        channel: ChannelId,
        /// What is asked.
        request: Request,
        /// Offset from which the up stream is wanted.
        from: u64,
    },
    /// Master: the answer; the channel is closed.
    Response {
        /// The channel, closed now.
        channel: ChannelId,
        /// Results, or why there are none.
        result: Result<Boxed, Failure>,
    },
    /// The next bytes of the peer's stream; always without gap or overlap.
    Data {
        /// The channel.
        channel: ChannelId,
        /// Offset of the first byte.
        offset: u64,
        /// 1 byte to 64 KiB.
        bytes: Vec<u8>,
    },
    /// The peer's stream is complete.
    End {
        /// The channel.
        channel: ChannelId,
        /// Bytes of the whole stream, from offset 0.
        length: u64,
        /// SHA-256 of the whole stream, from offset 0, as the peer says; `None` only where the
        /// request allowed that.
        sha256: Option<[u8; 32]>,
        /// The same of what came, if `Connection::hash_received` was called.
        found: Option<[u8; 32]>,
    },
    /// Agent: the master gives the channel up. Answer with `cancelled`; a command goes on.
    Abort {
        /// The channel.
        channel: ChannelId,
        /// Why.
        failure: Failure,
    },
    /// The peer has stored our stream up to `durable` and will take it up to `limit`.
    Ack {
        /// The channel.
        channel: ChannelId,
        /// Bytes below this need not be kept.
        durable: u64,
        /// Bytes below this may be sent.
        limit: u64,
    },
    /// `send_data` took less than it was given; now there is room again.
    Writable {
        /// The channel.
        channel: ChannelId,
    },
    /// Agent: end the command of this channel.
    Cancel {
        /// The channel.
        channel: ChannelId,
        /// How.
        mode: CancelMode,
    },
    /// The peer wants no more channels, and may say BYE soon.
    Goaway {
        /// Why.
        code: Code,
        /// A sentence for a person.
        text: String,
        /// Milliseconds to wait before connecting again, 0 if it did not say.
        retry_ms: u64,
    },
    /// The connection is over: write what `poll_transmit` still gives, then hang up. The last
    /// event.
    Closed(CloseReason),
}
