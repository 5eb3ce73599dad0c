//! How a command ended: the closed list of reasons, and the exit box.

use crate::boxes::{BoxError, Boxed};

macro_rules! reasons {
    ($($name:ident $text:literal $doc:literal,)*) => {
        /// Why a command ended: a closed list.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Reason { $(#[doc = $doc] $name,)* }
        impl Reason {
            /// Every reason, in the order of the text.
            pub const ALL: &[Reason] = &[$(Reason::$name,)*];
            /// The word on the wire.
            pub fn as_str(self) -> &'static str { match self { $(Reason::$name => $text,)* } }
            /// The reason of a word.
            pub fn parse(text: &str) -> Option<Reason> {
                match text { $($text => Some(Reason::$name),)* _ => None }
            }
        }
    };
}

reasons! {
    Exited "exited" "By itself; `exit` holds the code.",
    Signalled "signalled" "By a signal that was not ours; `signal` or `ntstatus` holds it.",
    Timeout "timeout" "`timeout_ms` were over.",
    Idle "idle" "`idle_ms` without output.",
    MaxOutput "max-output" "More output than `max_bytes`, `max_lines` or the agent allows.",
    Cancelled "cancelled" "The master said so.",
    LeaseExpired "lease-expired" "No master came for `lease_s`.",
    SpawnFailed "spawn-failed" "The program could not be started; `text` says why.",
    AgentLost "agent-lost" "Whoever watched the command died; its end is unknown.",
}

/// How a command ended: the exit box, the last record of its journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExecResult {
    /// Why it ended.
    pub reason: Reason,
    /// Exit code, if it exited (also after we asked it to end). Windows: all 32 bits.
    pub exit: Option<u32>,
    /// Number of the signal that ended it (Unix).
    pub signal: Option<u32>,
    /// What Windows ended it with: an exit code of 0xC0000000 or more.
    pub ntstatus: Option<u32>,
    /// Milliseconds from start to end.
    pub wall_ms: u64,
    /// Milliseconds of processor time in the program, children included.
    pub user_ms: u64,
    /// Milliseconds of processor time in the kernel, children included.
    pub sys_ms: u64,
    /// Bytes of memory at the peak.
    pub max_rss: u64,
    /// Processes that outlived the command and were killed.
    pub leftovers_killed: u64,
    /// Processes that outlived the command and live on (`leftovers` = keep, or not killable).
    pub leftovers_left: u64,
    /// Bytes of output in the journal (kinds stdout and stderr).
    pub bytes: u64,
    /// Newlines in them.
    pub lines: u64,
    /// Bytes of output that were thrown away (`on_full` = drop).
    pub dropped: u64,
    /// A sentence for a person, mostly for `spawn-failed`.
    pub text: String,
}

impl ExecResult {
    /// A result of this reason with all figures zero.
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            exit: None,
            signal: None,
            ntstatus: None,
            wall_ms: 0,
            user_ms: 0,
            sys_ms: 0,
            max_rss: 0,
            leftovers_killed: 0,
            leftovers_left: 0,
            bytes: 0,
            lines: 0,
            dropped: 0,
            text: String::new(),
        }
    }

    /// Whether it exited by itself with code 0.
    pub fn is_success(&self) -> bool {
        self.reason == Reason::Exited && self.exit == Some(0)
    }

    /// The exit box.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push("reason", self.reason.as_str());
        if let Some(code) = self.exit {
            pairs.push_number("exit", code.into());
        }
        if let Some(number) = self.signal {
            pairs.push_number("signal", number.into());
        }
        if let Some(status) = self.ntstatus {
            pairs.push_number("ntstatus", status.into());
        }
        pairs.push_number("wall_ms", self.wall_ms);
        pairs.push_number("user_ms", self.user_ms);
        pairs.push_number("sys_ms", self.sys_ms);
        pairs.push_number("max_rss", self.max_rss);
        pairs.push_number("leftovers_killed", self.leftovers_killed);
        pairs.push_number("leftovers_left", self.leftovers_left);
        pairs.push_number("bytes", self.bytes);
        pairs.push_number("lines", self.lines);
        pairs.push_number("dropped", self.dropped);
        if !self.text.is_empty() {
            pairs.push("text", crate::error::cut(&self.text));
        }
        pairs
    }

    /// Reads an exit box; an unknown reason is an error, because it must never pass for success.
    pub fn from_box(pairs: &Boxed) -> Result<Self, BoxError> {
        pairs.check_understood(&[])?;
        let reason = Reason::parse(pairs.require_text("reason")?)
            .ok_or(BoxError::BadValue("reason", "one of the closed list"))?;
        let mut result = Self::new(reason);
        result.exit = small_number(pairs, "exit")?;
        result.signal = small_number(pairs, "signal")?;
        result.ntstatus = small_number(pairs, "ntstatus")?;
        result.wall_ms = pairs.number("wall_ms")?.unwrap_or(0);
        result.user_ms = pairs.number("user_ms")?.unwrap_or(0);
        result.sys_ms = pairs.number("sys_ms")?.unwrap_or(0);
        result.max_rss = pairs.number("max_rss")?.unwrap_or(0);
        result.leftovers_killed = pairs.number("leftovers_killed")?.unwrap_or(0);
        result.leftovers_left = pairs.number("leftovers_left")?.unwrap_or(0);
        result.bytes = pairs.number("bytes")?.unwrap_or(0);
        result.lines = pairs.number("lines")?.unwrap_or(0);
        result.dropped = pairs.number("dropped")?.unwrap_or(0);
        result.text = pairs.text("text")?.unwrap_or_default().to_owned();
        match (reason, result.exit, result.signal.or(result.ntstatus)) {
            (Reason::Exited, None, _) => Err(BoxError::Missing("exit")),
            (Reason::Signalled, _, None) => Err(BoxError::Missing("signal")),
            _ => Ok(result),
        }
    }
}

fn small_number(pairs: &Boxed, key: &'static str) -> Result<Option<u32>, BoxError> {
    let Some(number) = pairs.number(key)? else {
        return Ok(None);
    };
    u32::try_from(number)
        .map(Some)
        .map_err(|_| BoxError::BadValue(key, "below 2^32"))
}
