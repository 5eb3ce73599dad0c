//! `exec`: starting a command, and the digest of its arguments. Not here: the words for how it is
//! run (`manner`) and the result (`result`).

use crate::boxes::{self, BoxError, Boxed};
use crate::error::{Code, Failure};
use crate::hex;
use crate::ids::CommandId;
use crate::path::RelPath;
use crate::sha256::Sha256;

use super::manner::{Leftovers, OnFull, Output, Pty, Secret, SignalName, Stdin, Tail};

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
    /// Whether the environment begins empty instead of as the agent's own.
    pub env_clean: bool,
    /// Variables to remove, before setting.
    pub env_unset: Vec<Vec<u8>>,
    /// Variables to set, as bytes; names have no `=` and no NUL.
    pub env_set: Vec<(Vec<u8>, Vec<u8>)>,
    /// Variables to set whose values are secrets: only for confidential transports.
    pub env_secret: Vec<(Vec<u8>, Secret)>,
    /// Texts to put before the present value of a variable, with the system's list separator
    /// between; after setting.
    pub env_prepend: Vec<(Vec<u8>, Vec<u8>)>,
    /// How output is collected.
    pub output: Output,
    /// What the command reads.
    pub stdin: Stdin,
    /// A terminal instead of pipes; `output` is `Merge` then.
    pub pty: Option<Pty>,
    /// The mask for new files, 0 to 0o7777; the agent's own unless told.
    pub umask: Option<u16>,
    /// Steps of lower priority, 0 to 19.
    pub nice: u8,
    /// Milliseconds until it is ended; 0 = no limit.
    pub timeout_ms: u64,
    /// Milliseconds without output until it is ended; 0 = no limit.
    pub idle_ms: u64,
    /// Bytes of output until it is ended; 0 = no limit of the master's.
    pub max_bytes: u64,
    /// Lines of output until it is ended; 0 = no limit.
    pub max_lines: u64,
    /// How it is asked to end.
    pub term_signal: SignalName,
    /// Milliseconds from the asking to the killing.
    pub grace_ms: u64,
    /// What happens to processes that outlive it.
    pub leftovers: Leftovers,
    /// What happens when output finds no room at the agent.
    pub on_full: OnFull,
    /// Bytes of journal that the agent keeps unacknowledged; 0 = the agent's own limit.
    pub spool_max: u64,
    /// Files that are followed while it runs; at most `TAILS_MAX`, names differ.
    pub tails: Vec<Tail>,
    /// Seconds without an authenticated master until it is ended; 0 = no lease.
    pub lease_s: u64,
    /// The digest as it was sent, if the sender's pairs were not the ones that we would send:
    /// another order, keys that we do not know.
    pub sent_digest: Option<[u8; 32]>,
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
            env_clean: false,
            env_unset: Vec::new(),
            env_set: Vec::new(),
            env_secret: Vec::new(),
            env_prepend: Vec::new(),
            output: Output::Merge,
            stdin: Stdin::Null,
            pty: None,
            umask: None,
            nice: 0,
            timeout_ms: 0,
            idle_ms: 0,
            max_bytes: 0,
            max_lines: 0,
            term_signal: SignalName::Term,
            grace_ms: 10_000,
            leftovers: Leftovers::Kill,
            on_full: OnFull::Block,
            spool_max: 0,
            tails: Vec::new(),
            lease_s: 86_400,
            sent_digest: None,
        }
    }

    /// SHA-256 of what the command is: the encoded pairs of the request in the order sent,
    /// without those of the channel and the lease (`op id generation digest lease_s from limit`)
    /// and without those that begin with `x-`.
    pub fn digest(&self) -> [u8; 32] {
        self.sent_digest.unwrap_or_else(|| self.digest_of_own())
    }

    /// The digest of the pairs that `write` makes.
    fn digest_of_own(&self) -> [u8; 32] {
        let mut pairs = Boxed::new();
        self.write_arguments(&mut pairs);
        digest_of(&pairs)
    }

    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("id", self.id.to_string());
        pairs.push_number("generation", self.generation);
        pairs.push_number("lease_s", self.lease_s);
        pairs.push("digest", hex::encode(&self.digest_of_own()));
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
        self.write_environment(pairs);
        pairs.push("output", self.output.as_str());
        pairs.push("stdin", self.stdin.as_str());
        if let Stdin::Input(bytes) = &self.stdin {
            pairs.push("input", bytes);
        }
        self.write_manner(pairs);
        pairs.push_number("timeout_ms", self.timeout_ms);
        pairs.push_number("idle_ms", self.idle_ms);
        pairs.push_number("max_bytes", self.max_bytes);
        push_unless_zero(pairs, "max_lines", self.max_lines);
        pairs.push("term_signal", self.term_signal.as_str());
        pairs.push_number("grace_ms", self.grace_ms);
        if self.leftovers != Leftovers::default() {
            pairs.push("leftovers", self.leftovers.as_str());
        }
        if self.on_full != OnFull::default() {
            pairs.push("on_full", self.on_full.as_str());
        }
        push_unless_zero(pairs, "spool_max", self.spool_max);
        self.tails
            .iter()
            .for_each(|tail| pairs.push("tail", tail.to_bytes()));
    }

    fn write_environment(&self, pairs: &mut Boxed) {
        pairs.push_flag("env.clean", self.env_clean);
        for name in &self.env_unset {
            pairs.push("env.unset", name);
        }
        for (name, value) in &self.env_set {
            pairs.push("env.set", variable(name, value));
        }
        for (name, value) in &self.env_secret {
            pairs.push("env.secret", variable(name, &value.0));
        }
        for (name, value) in &self.env_prepend {
            pairs.push("env.prepend", variable(name, value));
        }
    }

    fn write_manner(&self, pairs: &mut Boxed) {
        if let Some(pty) = self.pty {
            pairs.push_flag("pty", true);
            pairs.push_number("pty.rows", pty.rows.into());
            pairs.push_number("pty.columns", pty.columns.into());
        }
        if let Some(umask) = self.umask {
            pairs.push("umask", format!("{umask:03o}"));
        }
        push_unless_zero(pairs, "nice", self.nice.into());
    }

    /// Reads a request. A digest that does not fit the arguments is `bad-request`.
    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let claimed = pairs.require("digest")?;
        let digest = digest_of(pairs);
        if hex::decode_array(claimed) != Some(digest) {
            let text = "`digest` is not the SHA-256 of the arguments";
            return Err(Failure::new(Code::BadRequest, text));
        }
        let id = super::commands::read_id(pairs)?;
        let program = read_program(pairs)?;
        let mut exec = Self::new(id, program);
        exec.generation = pairs.require_number("generation")?;
        exec.cwd = RelPath::parse(pairs.first("cwd").unwrap_or_default())?;
        exec.read_environment(pairs)?;
        exec.output = Output::read(pairs)?;
        exec.stdin = Stdin::read(pairs)?;
        exec.pty = Pty::read(pairs)?;
        if exec.pty.is_some() && exec.output != Output::Merge {
            return Err(BoxError::BadValue("output", "merge with `pty`").into());
        }
        exec.umask = read_umask(pairs)?;
        exec.nice = read_nice(pairs)?;
        exec.timeout_ms = pairs.number("timeout_ms")?.unwrap_or(0);
        exec.idle_ms = pairs.number("idle_ms")?.unwrap_or(0);
        exec.max_bytes = pairs.number("max_bytes")?.unwrap_or(0);
        exec.max_lines = pairs.number("max_lines")?.unwrap_or(0);
        if let Some(signal) = SignalName::read(pairs, "term_signal")? {
            exec.term_signal = signal;
        }
        exec.grace_ms = pairs.number("grace_ms")?.unwrap_or(exec.grace_ms);
        exec.leftovers = Leftovers::read(pairs)?;
        exec.on_full = OnFull::read(pairs)?;
        exec.spool_max = pairs.number("spool_max")?.unwrap_or(0);
        exec.tails = Tail::read_all(pairs)?;
        exec.lease_s = pairs.number("lease_s")?.unwrap_or(exec.lease_s);
        exec.sent_digest = (digest != exec.digest_of_own()).then_some(digest);
        Ok(exec)
    }

    fn read_environment(&mut self, pairs: &Boxed) -> Result<(), BoxError> {
        const NAME: BoxError = BoxError::BadValue("env.unset", "a name without `=` and NUL");
        self.env_clean = pairs.flag("env.clean")?;
        self.env_unset = pairs.all("env.unset").map(<[u8]>::to_vec).collect();
        if !self
            .env_unset
            .iter()
            .all(|name| variable_name_is_valid(name))
        {
            return Err(NAME);
        }
        self.env_set = read_variables(pairs, "env.set")?;
        self.env_secret = read_variables(pairs, "env.secret")?
            .into_iter()
            .map(|(name, value)| (name, Secret(value)))
            .collect();
        self.env_prepend = read_variables(pairs, "env.prepend")?;
        Ok(())
    }
}

fn push_unless_zero(pairs: &mut Boxed, key: &str, value: u64) {
    if value != 0 {
        pairs.push_number(key, value);
    }
}

fn variable(name: &[u8], value: &[u8]) -> Vec<u8> {
    [name, b"=", value].concat()
}

/// 3 or 4 octal digits.
fn read_umask(pairs: &Boxed) -> Result<Option<u16>, BoxError> {
    const RIGHT: BoxError = BoxError::BadValue("umask", "3 or 4 octal digits");
    let Some(text) = pairs.text("umask")? else {
        return Ok(None);
    };
    let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    if !is_octal || !(3..=4).contains(&text.len()) {
        return Err(RIGHT);
    }
    u16::from_str_radix(text, 8).map(Some).map_err(|_| RIGHT)
}

fn read_nice(pairs: &Boxed) -> Result<u8, BoxError> {
    match pairs.number("nice")? {
        None => Ok(0),
        Some(steps @ 0..=19) => Ok(steps as u8),
        Some(_) => Err(BoxError::BadValue("nice", "0 to 19")),
    }
}

pub(super) fn digest_of(pairs: &Boxed) -> [u8; 32] {
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

/// Name and value of an environment variable, as bytes.
type Variable = (Vec<u8>, Vec<u8>);

fn read_variables(pairs: &Boxed, key: &'static str) -> Result<Vec<Variable>, BoxError> {
    let right = || BoxError::BadValue(key, "NAME=value without NUL");
    let read = |pair: &[u8]| {
        let at = pair.iter().position(|b| *b == b'=').ok_or_else(right)?;
        let (name, value) = (&pair[..at], &pair[at + 1..]);
        match variable_name_is_valid(name) && !value.contains(&0) {
            true => Ok((name.to_vec(), value.to_vec())),
            false => Err(right()),
        }
    };
    pairs.all(key).map(read).collect()
}

fn variable_name_is_valid(name: &[u8]) -> bool {
    !name.is_empty() && !name.iter().any(|b| *b == b'=' || *b == 0)
}
