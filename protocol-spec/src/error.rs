//! What can go wrong: the closed list of codes on the wire, the failure of one operation, the
//! end of a connection by a broken peer, and the misuse of a call by our own program.

use crate::boxes::{BoxError, Boxed};
use crate::limits;
use std::fmt;

macro_rules! codes {
    ($($name:ident $text:literal $doc:literal,)*) => {
        /// The closed list of error codes of version 1.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code { $(#[doc = $doc] $name,)* }
        impl Code {
            /// Every code, in the order of the text.
            pub const ALL: &[Code] = &[$(Code::$name,)*];
            /// The word on the wire.
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => $text,)* } }
            /// The code of a word; a word not in the list is `internal`, since a later version
            /// may know more.
            pub fn parse(text: &str) -> Code {
                match text { $($text => Code::$name,)* _ => Code::Internal }
            }
        }
    };
}

codes! {
    Protocol "protocol" "The peer broke the rules of the connection.",
    FrameTooBig "frame-too-big" "A frame is longer than the limit.",
    AuthFailed "auth-failed" "Unknown agent or wrong key: deliberately the same.",
    DuplicateAgent "duplicate-agent" "Another machine is connected by this name.",
    Replaced "replaced" "A newer connection of the same installation took over.",
    Unsupported "unsupported" "An operation, or a key marked `!`, is not understood.",
    BadRequest "bad-request" "An argument is missing, malformed or contradictory.",
    BadPath "bad-path" "A path is malformed, reserved or leaves its root.",
    NotFound "not-found" "No such file or folder.",
    Exists "exists" "There is something already.",
    NotDir "not-dir" "A folder was expected.",
    IsDir "is-dir" "A folder was not expected.",
    NotEmpty "not-empty" "The folder is not empty.",
    Permission "permission" "The operating system or the agent's policy says no.",
    Busy "busy" "Too much at once; try again later.",
    NoSpace "no-space" "The disk is full, or would be.",
    TooLong "too-long" "A name or an argument is too long for this machine.",
    TooLarge "too-large" "More bytes or entries than the asker allowed.",
    SymlinkDenied "symlink-denied" "A link stands in the way, or may not be made.",
    CaseClash "case-clash" "Two names are one on this machine.",
    Changed "changed" "The file is no longer the one that was begun.",
    Checksum "checksum" "Size or SHA-256 is not what was announced.",
    Io "io" "The operating system failed; `errno` says more.",
    UnknownId "unknown-id" "No command of this id.",
    IdMismatch "id-mismatch" "The id belongs to a command with other arguments.",
    StaleGeneration "stale-generation" "The command was addressed with a newer generation.",
    Cancelled "cancelled" "The asker gave up.",
    Timeout "timeout" "It took too long.",
    ShuttingDown "shutting-down" "Nothing new is accepted.",
    Internal "internal" "A fault of the peer itself.",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why one operation failed: what a RES without `ok`, an ABORT and a GOAWAY carry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What kind of failure.
    pub code: Code,
    /// A sentence for a person: names the field or path and says what would be right.
    pub text: String,
    /// The path it is about, as bytes.
    pub path: Option<Vec<u8>>,
    /// The number of the operating system, for people.
    pub errno: Option<i64>,
}

impl Failure {
    /// A failure without path or number.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            path: None,
            errno: None,
        }
    }

    /// The same with the path it is about.
    pub fn with_path(mut self, path: &[u8]) -> Self {
        self.path = Some(path.to_vec());
        self
    }

    /// The same with the error number of the operating system.
    pub fn with_errno(mut self, errno: i64) -> Self {
        self.errno = Some(errno);
        self
    }

    /// Keys `code text path errno`; the text is cut at `TEXT_BYTES_MAX`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push("code", self.code.as_str());
        pairs.push("text", cut(&self.text));
        if let Some(path) = &self.path {
            pairs.push("path", &path[..path.len().min(limits::PATH_BYTES_MAX)]);
        }
        if let Some(errno) = self.errno {
            pairs.push("errno", errno.to_string());
        }
        pairs
    }

    /// Reads `to_box`; whatever is missing or strange becomes `internal` or empty, because a
    /// failure must never fail to be told.
    pub fn from_box(pairs: &Boxed) -> Self {
        let word = |key| {
            pairs
                .first(key)
                .map(|v| String::from_utf8_lossy(v).into_owned())
        };
        Self {
            code: word("code").map_or(Code::Internal, |w| Code::parse(&w)),
            text: cut(&word("text").unwrap_or_default()).to_owned(),
            path: pairs.first("path").map(<[u8]>::to_vec),
            errno: word("errno").and_then(|w| w.parse().ok()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)?;
        if let Some(path) = &self.path {
            write!(f, " ({})", String::from_utf8_lossy(path))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<BoxError> for Failure {
    fn from(error: BoxError) -> Self {
        let code = match error {
            BoxError::NotUnderstood(_) => Code::Unsupported,
            _ => Code::BadRequest,
        };
        Self::new(code, error.to_string())
    }
}

/// The text, cut at a character boundary at or before `TEXT_BYTES_MAX`.
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(limits::TEXT_BYTES_MAX)]
}

/// A peer broke the rules; the connection ends. Commands go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    /// The first eight bytes are not `WNDLS/1\n`.
    Preamble,
    /// A frame of this many payload bytes is above the limit.
    FrameTooBig(u32),
    /// The MAC at the end of a frame is wrong: altered, replayed, reordered or another key.
    BadMac,
    /// A frame that may not come in this state, direction or channel; the text says which.
    Unexpected(&'static str),
    /// A payload that cannot be read; the text says what is wrong.
    Malformed(&'static str),
    /// DATA beyond the limit that was granted.
    BeyondLimit,
    /// DATA that does not begin where the last one ended.
    WrongOffset,
    /// More channels than `CHANNELS_MAX`.
    TooManyChannels,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preamble => f.write_str("the peer does not speak WNDLS/1"),
            Self::FrameTooBig(n) => write!(f, "a frame of {n} bytes is above the limit"),
            Self::BadMac => f.write_str("a frame's MAC is wrong"),
            Self::Unexpected(what) => write!(f, "unexpected: {what}"),
            Self::Malformed(what) => write!(f, "malformed: {what}"),
            Self::BeyondLimit => f.write_str("data beyond the granted limit"),
            Self::WrongOffset => f.write_str("data at a wrong offset"),
            Self::TooManyChannels => f.write_str("too many open channels"),
        }
    }
}

impl std::error::Error for ProtocolError {}

/// Our own program asked for something that the connection cannot do now. Never ends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallError {
    /// Before READY or after the end.
    NotReady,
    /// The channel is not open (any more).
    UnknownChannel,
    /// Only the other role may do this.
    WrongRole,
    /// `CHANNELS_MAX` are open; wait for a response.
    TooManyChannels,
    /// The box does not fit in one frame.
    TooLarge,
    /// Bytes must continue at this offset.
    WrongOffset(u64),
    /// The stream was ended, aborted or answered already.
    Ended,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady => f.write_str("the connection is not ready"),
            Self::UnknownChannel => f.write_str("the channel is not open"),
            Self::WrongRole => f.write_str("the other side's call"),
            Self::TooManyChannels => f.write_str("too many open channels"),
            Self::TooLarge => f.write_str("larger than one frame"),
            Self::WrongOffset(expected) => write!(f, "bytes must continue at {expected}"),
            Self::Ended => f.write_str("the stream has ended"),
        }
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests;
