//! `exec`: starting a command, and the digest of its arguments.

use crate::boxes::{self, BoxError, Boxed};
use crate::error::{Code, Failure};
use crate::hex;
use crate::ids::CommandId;
use crate::path::RelPath;
use crate::sha256::Sha256;

/// Keys of an `exec` request that do not say what the command is, and so are not in the digest.
const NOT_IN_DIGEST: [&str; 7] = [
    "op",
    "id",
    "generation",
    "digest",
    "lease_s",
    "from",
    "limit",
];

/// What is started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Program {
    /// A program and its arguments, as bytes; at least one.
    Argv(Vec<Vec<u8>>),
    /// A script for a shell (`sh` unless told).
    Script {
        /// The text, as bytes.
        text: Vec<u8>,
        /// Name of the shell: `sh`, `bash`, `cmd`, `powershell` …
        shell: String,
    },
}

/// How output is collected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Output {
    /// One pipe for both: the program's true order, all of kind stdout.
    #[default]
    Merge,
    /// Two pipes: kinds stdout and stderr, in the order of reading.
    Split,
}

/// What the command reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stdin {
    /// Nothing (the null device).
    #[default]
    Null,
    /// The down stream of the starting channel, then end of file.
    Stream,
}

/// The signal that asks a command to end; Windows sends Ctrl-Break for all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TermSignal {
    /// SIGTERM.
    #[default]
    Term,
    /// SIGINT.
    Int,
    /// SIGHUP.
    Hup,
    /// SIGQUIT.
    Quit,
    /// SIGKILL: no grace.
    Kill,
}

impl TermSignal {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Hup => "HUP",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Term, Self::Int, Self::Hup, Self::Quit, Self::Kill]
            .into_iter()
            .find(|signal| signal.as_str() == text)
    }
}

/// Start a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exec {
    /// Its id.
    pub id: CommandId,
    /// The lease generation: an agent refuses one lower than it has seen for this id.
    pub generation: u64,
    /// What is started.
    pub program: Program,
    /// Working folder below the agent's root; must exist.
    pub cwd: RelPath,
    /// Variables to set on the inherited environment, as bytes; names have no `=` and no NUL.
    pub env_set: Vec<(Vec<u8>, Vec<u8>)>,
    /// Variables to remove, before setting.
    pub env_unset: Vec<Vec<u8>>,
    /// How output is collected.
    pub output: Output,
    /// What the command reads.
    pub stdin: Stdin,
    /// Milliseconds until it is ended; 0 = no limit.
    pub timeout_ms: u64,
    /// Milliseconds without output until it is ended; 0 = no limit.
    pub idle_ms: u64,
    /// Bytes of output until it is ended; 0 = no limit of the master's.
    pub max_bytes: u64,
    /// How it is asked to end.
    pub term_signal: TermSignal,
    /// Milliseconds from the asking to the killing.
    pub grace_ms: u64,
    /// Seconds without an authenticated master until it is ended; 0 = no lease.
    pub lease_s: u64,
}

impl Exec {
    /// A command with the defaults: root folder, inherited environment, merged output, no input,
    /// no limits, TERM with 10 s grace, a lease of 24 h, generation 1.
    pub fn new(id: CommandId, program: Program) -> Self {
        Self {
            id,
            generation: 1,
            program,
            cwd: RelPath::root(),
            env_set: Vec::new(),
            env_unset: Vec::new(),
            output: Output::Merge,
            stdin: Stdin::Null,
            timeout_ms: 0,
            idle_ms: 0,
            max_bytes: 0,
            term_signal: TermSignal::Term,
            grace_ms: 10_000,
            lease_s: 86_400,
        }
    }

    /// SHA-256 of what the command is: the encoded pairs of the request in the order sent,
    /// without those of the channel and the lease (`op id generation digest lease_s from limit`)
    /// and without those that begin with `x-`.
    pub fn digest(&self) -> [u8; 32] {
        let mut pairs = Boxed::new();
        self.write_arguments(&mut pairs);
        digest_of(&pairs)
    }

    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("id", self.id.to_string());
        pairs.push_number("generation", self.generation);
        pairs.push_number("lease_s", self.lease_s);
        pairs.push("digest", hex::encode(&self.digest()));
        self.write_arguments(pairs);
    }

    fn write_arguments(&self, pairs: &mut Boxed) {
        match &self.program {
            Program::Argv(argv) => argv.iter().for_each(|arg| pairs.push("arg", arg)),
            Program::Script { text, shell } => {
                pairs.push("script", text);
                pairs.push("shell", shell);
            }
        }
        pairs.push("cwd", self.cwd.as_bytes());
        self.env_unset
            .iter()
            .for_each(|name| pairs.push("env.unset", name));
        for (name, value) in &self.env_set {
            pairs.push(
                "env.set",
                [name.as_slice(), b"=", value.as_slice()].concat(),
            );
        }
        pairs.push(
            "output",
            if self.output == Output::Merge {
                "merge"
            } else {
                "split"
            },
        );
        pairs.push(
            "stdin",
            if self.stdin == Stdin::Null {
                "null"
            } else {
                "data"
            },
        );
        pairs.push_number("timeout_ms", self.timeout_ms);
        pairs.push_number("idle_ms", self.idle_ms);
        pairs.push_number("max_bytes", self.max_bytes);
        pairs.push("term_signal", self.term_signal.as_str());
        pairs.push_number("grace_ms", self.grace_ms);
    }

    /// Reads a request. A digest that does not fit the arguments is `bad-request`.
    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let claimed = pairs.require("digest")?;
        if hex::decode_array(claimed) != Some(digest_of(pairs)) {
            let text = "`digest` is not the SHA-256 of the arguments";
            return Err(Failure::new(Code::BadRequest, text));
        }
        let id = super::commands::read_id(pairs)?;
        let program = read_program(pairs)?;
        let mut exec = Self::new(id, program);
        exec.generation = pairs.require_number("generation")?;
        exec.cwd = RelPath::parse(pairs.first("cwd").unwrap_or_default())?;
        exec.env_set = pairs
            .all("env.set")
            .map(read_variable)
            .collect::<Result<_, _>>()?;
        exec.env_unset = pairs.all("env.unset").map(<[u8]>::to_vec).collect();
        if !exec
            .env_unset
            .iter()
            .all(|name| variable_name_is_valid(name))
        {
            return Err(BoxError::BadValue("env.unset", "a name without `=` and NUL").into());
        }
        exec.output = match pairs.text("output")? {
            None | Some("merge") => Output::Merge,
            Some("split") => Output::Split,
            Some(_) => return Err(BoxError::BadValue("output", "merge or split").into()),
        };
        exec.stdin = match pairs.text("stdin")? {
            None | Some("null") => Stdin::Null,
            Some("data") => Stdin::Stream,
            Some(_) => return Err(BoxError::BadValue("stdin", "null or data").into()),
        };
        exec.timeout_ms = pairs.number("timeout_ms")?.unwrap_or(0);
        exec.idle_ms = pairs.number("idle_ms")?.unwrap_or(0);
        exec.max_bytes = pairs.number("max_bytes")?.unwrap_or(0);
        if let Some(name) = pairs.text("term_signal")? {
            exec.term_signal = TermSignal::parse(name).ok_or(BoxError::BadValue(
                "term_signal",
                "TERM, INT, HUP, QUIT or KILL",
            ))?;
        }
        exec.grace_ms = pairs.number("grace_ms")?.unwrap_or(exec.grace_ms);
        exec.lease_s = pairs.number("lease_s")?.unwrap_or(exec.lease_s);
        Ok(exec)
    }
}

fn digest_of(pairs: &Boxed) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut bytes = Vec::new();
    for (key, value) in pairs.pairs() {
        if !key.starts_with("x-") && !NOT_IN_DIGEST.contains(&key) {
            bytes.clear();
            boxes::encode_pair(&mut bytes, key, value);
            hash.update(&bytes);
        }
    }
    hash.finish()
}

fn read_program(pairs: &Boxed) -> Result<Program, Failure> {
    let argv: Vec<Vec<u8>> = pairs.all("arg").map(<[u8]>::to_vec).collect();
    match (pairs.first("script"), argv.is_empty()) {
        (None, false) if argv[0].is_empty() || argv.iter().any(|arg| arg.contains(&0)) => {
            Err(BoxError::BadValue("arg", "a program name, and no NUL anywhere").into())
        }
        (None, false) => Ok(Program::Argv(argv)),
        (Some(text), true) => {
            let shell = pairs.text("shell")?.unwrap_or("sh").to_owned();
            if !crate::hello::name_is_valid(&shell) {
                return Err(BoxError::BadValue("shell", "the name of a shell").into());
            }
            Ok(Program::Script {
                text: text.to_vec(),
                shell,
            })
        }
        _ => Err(Failure::new(
            Code::BadRequest,
            "either `arg` or `script` must be given",
        )),
    }
}

fn read_variable(pair: &[u8]) -> Result<(Vec<u8>, Vec<u8>), BoxError> {
    const RIGHT: BoxError = BoxError::BadValue("env.set", "NAME=value without NUL");
    let at = pair.iter().position(|b| *b == b'=').ok_or(RIGHT)?;
    let (name, value) = (&pair[..at], &pair[at + 1..]);
    match variable_name_is_valid(name) && !value.contains(&0) {
        true => Ok((name.to_vec(), value.to_vec())),
        false => Err(RIGHT),
    }
}

fn variable_name_is_valid(name: &[u8]) -> bool {
    !name.is_empty() && !name.iter().any(|b| *b == b'=' || *b == 0)
}
