//! The words for how a command is run: its output, input, terminal, signals, leftovers and the
//! files followed beside it. Not here: the request they stand in (`exec`).

use std::fmt;

use crate::boxes::{BoxError, Boxed};
use crate::error::Failure;
use crate::limits;
use crate::path::RelPath;

/// A closed list of words for one key; the first is meant when the key is absent.
macro_rules! words {
    ($about:literal $name:ident $key:literal $right:literal:
     $first:ident $first_text:literal $first_doc:literal,
     $($variant:ident $text:literal $doc:literal,)*) => {
        #[doc = $about]
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub enum $name { #[doc = $first_doc] #[default] $first, $(#[doc = $doc] $variant,)* }
        impl $name {
            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $name::$first => $first_text, $($name::$variant => $text,)* }
            }

            pub(super) fn read(pairs: &Boxed) -> Result<Self, BoxError> {
                match pairs.text($key)? {
                    None | Some($first_text) => Ok($name::$first),
                    $(Some($text) => Ok($name::$variant),)*
                    Some(_) => Err(BoxError::BadValue($key, $right)),
                }
            }
        }
    };
}

words! { "How output is collected." Output "output" "merge or split":
    Merge "merge" "One pipe for both: the program's true order, all of kind stdout.",
    Split "split" "Two pipes: kinds stdout and stderr, in the order of reading.",
}

words! { "What happens to processes that outlive their command." Leftovers "leftovers" "kill or keep":
    Kill "kill" "They are killed.",
    Keep "keep" "They are let go, and only counted.",
}

words! { "What happens when output finds no room at the agent." OnFull "on_full" "block, kill or drop":
    Block "block" "The command waits in its write until there is room.",
    Kill "kill" "The command is ended with `max-output`.",
    Drop "drop" "Output is thrown away and counted until there is room.",
}

/// What the command reads.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Stdin {
    /// Nothing (the null device).
    #[default]
    Null,
    /// These bytes, at most `INPUT_BYTES_MAX`, then end of file.
    Input(Vec<u8>),
    /// The down stream of the starting channel, then end of file.
    Stream,
}

impl Stdin {
    /// The word on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Input(_) => "data",
            Self::Stream => "stream",
        }
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, BoxError> {
        match (pairs.text("stdin")?, pairs.first("input")) {
            (None | Some("null"), _) => Ok(Self::Null),
            (Some("stream"), _) => Ok(Self::Stream),
            (Some("data"), None) => Err(BoxError::Missing("input")),
            (Some("data"), Some(bytes)) if bytes.len() > limits::INPUT_BYTES_MAX => {
                Err(BoxError::BadValue("input", "at most 65536 bytes"))
            }
            (Some("data"), Some(bytes)) => Ok(Self::Input(bytes.to_vec())),
            (Some(_), _) => Err(BoxError::BadValue("stdin", "null, data or stream")),
        }
    }
}

/// A terminal for input, output and errors of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pty {
    /// Lines of the terminal.
    pub rows: u16,
    /// Characters of a line.
    pub columns: u16,
}

impl Default for Pty {
    fn default() -> Self {
        Self {
            rows: 24,
            columns: 80,
        }
    }
}

impl Pty {
    pub(super) fn read(pairs: &Boxed) -> Result<Option<Self>, BoxError> {
        if !pairs.flag("pty")? {
            return Ok(None);
        }
        let usual = Self::default();
        let size = |key, usual| match pairs.number(key)?.map(u16::try_from) {
            None => Ok(usual),
            Some(Ok(size @ 1..)) => Ok(size),
            Some(_) => Err(BoxError::BadValue(key, "1 to 65535")),
        };
        Ok(Some(Self {
            rows: size("pty.rows", usual.rows)?,
            columns: size("pty.columns", usual.columns)?,
        }))
    }
}

/// A signal by name. To ask a command to end, Windows sends Ctrl-Break for all of them but KILL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SignalName {
    /// SIGTERM.
    #[default]
    Term,
    /// SIGINT.
    Int,
    /// SIGHUP.
    Hup,
    /// SIGQUIT.
    Quit,
    /// SIGKILL: as `term_signal`, no grace.
    Kill,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

impl SignalName {
    /// Every signal, in the order of the text.
    pub const ALL: [Self; 7] = [
        Self::Term,
        Self::Int,
        Self::Hup,
        Self::Quit,
        Self::Kill,
        Self::Usr1,
        Self::Usr2,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Hup => "HUP",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
            Self::Usr1 => "USR1",
            Self::Usr2 => "USR2",
        }
    }

    pub(super) fn read(pairs: &Boxed, key: &'static str) -> Result<Option<Self>, BoxError> {
        const RIGHT: &str = "TERM, INT, HUP, QUIT, KILL, USR1 or USR2";
        let Some(text) = pairs.text(key)? else {
            return Ok(None);
        };
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.map(Some).ok_or(BoxError::BadValue(key, RIGHT))
    }
}

/// Bytes that are not to be seen: debugging output hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A file that is followed while the command runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tail {
    /// What the master calls it: 1 to 64 of `A-Z a-z 0-9 . _ - +`.
    pub name: String,
    /// Where it is below the agent's root; it need not exist yet.
    pub path: RelPath,
}

impl Tail {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [self.name.as_bytes(), b"=", self.path.as_bytes()].concat()
    }

    fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        const RIGHT: BoxError = BoxError::BadValue("tail", "NAME=path");
        let at = bytes.iter().position(|byte| *byte == b'=').ok_or(RIGHT)?;
        let name = std::str::from_utf8(&bytes[..at]).map_err(|_| RIGHT)?;
        let path = RelPath::parse(&bytes[at + 1..])?;
        if !crate::hello::name_is_valid(name) || path.as_bytes().is_empty() {
            return Err(RIGHT.into());
        }
        let name = name.to_owned();
        Ok(Self { name, path })
    }

    pub(super) fn read_all(pairs: &Boxed) -> Result<Vec<Self>, Failure> {
        const TOO_MANY: BoxError = BoxError::BadValue("tail", "at most 16, of different names");
        let mut tails: Vec<Self> = Vec::new();
        for value in pairs.all("tail") {
            let tail = Self::parse(value)?;
            let is_known = tails.iter().any(|other| other.name == tail.name);
            if is_known || tails.len() == limits::TAILS_MAX {
                return Err(TOO_MANY.into());
            }
            tails.push(tail);
        }
        Ok(tails)
    }
}
