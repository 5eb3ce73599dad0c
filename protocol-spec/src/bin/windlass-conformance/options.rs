//! The command line of the runner.

use std::ffi::OsString;
use std::time::Duration;

use crate::cases::Level;
use crate::random::any_seed;

/// More agents at once than this say more about the machine than about the agent.
const JOBS_MAX: u64 = 32;

const USAGE: &str =
    "windlass-conformance: tells whether an agent keeps the promises of the protocol

usage: windlass-conformance [flags] -- AGENT-COMMAND…

The command is started with `--stdio --name NAME --key-file FILE --root DIR --state DIR` behind it,
again and again. Flags:
  --level L0|L1|L2     commands; files and trees too; resuming too (default L2)
  --only WORD          only cases with this word in their name
  --seed NUMBER        repeats the random choices of an earlier run
  --patience SECONDS   how long one step may take (default 30)
  --jobs NUMBER        cases that run at once (default 1)
  --path-prefix TEXT   stands before the paths given to the agent, such as `Z:` for Wine
  --tcp                the agent gets `--master HOST:PORT` instead of `--stdio` and dials
  --keep               leaves the folders of each case where they are
  --list               names the cases and ends";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) level: Level,
    pub(crate) only: String,
    pub(crate) seed: u64,
    pub(crate) patience: Duration,
    pub(crate) jobs: u64,
    pub(crate) path_prefix: String,
    pub(crate) tcp: bool,
    pub(crate) keep: bool,
    pub(crate) list: bool,
    /// The agent's program and its first arguments.
    pub(crate) command: Vec<OsString>,
}

impl Options {
    /// Reads the arguments; the text of an error says what would be right.
    pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut options = Self {
            level: Level::Resume,
            only: String::new(),
            seed: any_seed(),
            patience: Duration::from_secs(30),
            jobs: 1,
            path_prefix: String::new(),
            tcp: false,
            keep: false,
            list: false,
            command: Vec::new(),
        };
        let mut args = args;
        while let Some(arg) = args.next() {
            let flag = arg.to_string_lossy().into_owned();
            let mut value = || {
                let value = args
                    .next()
                    .map(|value| value.to_string_lossy().into_owned());
                value.ok_or_else(|| format!("{flag} needs a value after it\n\n{USAGE}"))
            };
            match flag.as_str() {
                "--" => {
                    options.command = args.collect();
                    break;
                }
                "--level" => options.level = Level::parse(&value()?)?,
                "--only" => options.only = value()?,
                "--seed" => options.seed = number(&flag, &value()?)?,
                "--patience" => {
                    options.patience = Duration::from_secs(number(&flag, &value()?)?.max(1));
                }
                "--jobs" => options.jobs = number(&flag, &value()?)?.clamp(1, JOBS_MAX),
                "--path-prefix" => options.path_prefix = value()?,
                "--tcp" => options.tcp = true,
                "--keep" => options.keep = true,
                "--list" => options.list = true,
                "--help" | "-h" => return Err(USAGE.to_owned()),
                _ => return Err(format!("unknown argument `{flag}`\n\n{USAGE}")),
            }
        }
        if options.command.is_empty() && !options.list {
            return Err(format!("no agent was named behind `--`\n\n{USAGE}"));
        }
        Ok(options)
    }
}

fn number(flag: &str, text: &str) -> Result<u64, String> {
    let parsed = text.parse();
    parsed.map_err(|_| format!("{flag}: `{text}` is no number; give digits only"))
}
