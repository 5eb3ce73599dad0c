//! The command line of the agent: which command, and its flags. Not here: reading the file that
//! it names; what the values mean.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Config, Found, KEYS, SWITCHES, file, flag_of};
use crate::places;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// Run with this configuration.
    Run(Box<Config>),
    /// Get a key and write the configuration.
    Enroll(Box<Enroll>),
    /// Have the system start the agent, from now on.
    Install(Service),
    /// Have the system forget the agent.
    Uninstall(Service),
    /// Tell whether the agent is installed and runs.
    Status(Service),
    /// See whether this machine has what the agent needs.
    Selftest,
    /// Print this text and end well.
    Print(String),
}

/// What `enroll` needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Enroll {
    /// The configuration to be. Its key file does not exist yet.
    pub config: Config,
    /// Where to write it.
    pub file: PathBuf,
    /// Whether to replace what is there.
    pub force: bool,
    /// What was given to enrol with.
    pub with: Credential,
    /// Values that were said, to be written down: key and value as in the file.
    pub said: Vec<(&'static str, String)>,
}

/// What to enrol with, as it was given; `-` stands for a line of standard input.
#[derive(PartialEq, Eq)]
pub enum Credential {
    /// A token of `windlass agent token`.
    Token(String),
    /// A key of `windlass agent add`.
    Key(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credential::Token(_) => "Token(secret)",
            Credential::Key(_) => "Key(secret)",
        })
    }
}

/// What `install`, `uninstall` and `status` need.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// The configuration file that the service runs with.
    pub file: PathBuf,
    /// Only show what would be written and run.
    pub print: bool,
}

/// The commands, and what each does. The first is meant when none is named.
const COMMANDS: [(&str, &str); 6] = [
    ("run", "serve the master until asked to stop"),
    (
        "enroll",
        "get a key by a token, or take a pasted one, and write the configuration",
    ),
    (
        "install",
        "have the system start the agent (systemd, launchd, Windows services)",
    ),
    ("uninstall", "undo that; configuration, key and work stay"),
    (
        "status",
        "tell whether it is installed, configured and running",
    ),
    (
        "selftest",
        "see whether this machine has what the agent needs",
    ),
];

/// Flags that only some commands have: command, flag, whether it takes a value, what it is.
const EXTRAS: [(&str, &str, bool, &str); 6] = [
    (
        "enroll",
        "--token",
        true,
        "token of `windlass agent token`; `-` reads it from standard input",
    ),
    (
        "enroll",
        "--key",
        true,
        "instead: key of `windlass agent add`; `-` reads it as well",
    ),
    (
        "enroll",
        "--force",
        false,
        "replace the key and configuration that are there",
    ),
    (
        "install",
        "--print",
        false,
        "only show what would be written and run",
    ),
    (
        "uninstall",
        "--print",
        false,
        "only show what would be removed and run",
    ),
    (
        "status",
        "--print",
        false,
        "show the file of the service as well",
    ),
];

/// Flags and values as they were found on the command line.
#[derive(Default)]
struct Given {
    keys: Found,
    extras: Vec<(&'static str, String)>,
    config: Option<PathBuf>,
}

/// Reads the arguments (without the program's name). The text of an error names the flag or the
/// line and says what would be right.
pub fn parse_args(args: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let mut args = args.into_iter().peekable();
    let named = args
        .next_if(|arg| arg.to_str().is_some_and(|arg| !arg.starts_with('-')))
        .unwrap_or_else(|| COMMANDS[0].0.into());
    let command = COMMANDS.iter().find(|(name, _)| *name == named);
    let (command, _) = command.ok_or_else(|| {
        let known = COMMANDS.map(|(name, _)| name).join(", ");
        format!(
            "unknown command `{}`; the commands are {known}",
            named.display()
        )
    })?;
    match read_flags(command, args)? {
        Ok(given) => given.ask(command),
        Err(text) => Ok(Asked::Print(text)),
    }
}

/// Every flag with its value, or a text that was asked for instead.
fn read_flags(
    command: &str,
    args: impl IntoIterator<Item = OsString>,
) -> Result<Result<Given, String>, String> {
    let mut given = Given::default();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let arg = arg
            .into_string()
            .map_err(|arg| format!("{} is not UTF-8", arg.display()))?;
        let (flag, inline) = match arg.split_once('=') {
            Some((flag, value)) => (flag, Some(OsString::from(value))),
            None => (arg.as_str(), None),
        };
        match flag {
            "--help" | "-h" => return Ok(Err(usage())),
            "--version" | "-V" => return Ok(Err(version())),
            _ => {}
        }
        let key = KEYS
            .iter()
            .map(|(key, _)| *key)
            .find(|key| flag_of(key) == flag);
        let extra = EXTRAS
            .iter()
            .find(|(of, known, ..)| *of == command && *known == flag);
        if key.is_none() && extra.is_none() && flag != "--config" {
            return Err(format!(
                "unknown argument `{flag}`; `windlass-agent --help` lists them"
            ));
        }
        let is_switch = key.is_some_and(|key| SWITCHES.contains(&key))
            || extra.is_some_and(|(_, _, takes_value, _)| !takes_value);
        let value = inline
            .or_else(|| is_switch.then(|| "true".into()))
            .or_else(|| args.next())
            .filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| format!("{flag} needs a value after it"))?;
        if flag == "--config" {
            given.config = Some(value.into());
            continue;
        }
        let text = value
            .into_string()
            .map_err(|_| format!("{flag}: the value is not UTF-8"))?;
        match (key, extra) {
            (Some(key), _) => given.keys.put(key, text, flag.to_owned()),
            (None, Some((_, known, ..))) => given.extras.push((known, text)),
            (None, None) => {}
        }
    }
    Ok(Ok(given))
}

impl Given {
    fn ask(mut self, command: &str) -> Result<Asked, String> {
        let service = |given: &Given| {
            let file = given.config.clone().or_else(places::config_file);
            let file = file.ok_or("--config is missing, and HOME is not set")?;
            let file = std::path::absolute(file).map_err(|error| format!("--config: {error}"))?;
            let print = given.extra("--print").is_some();
            Ok::<_, String>(Service { file, print })
        };
        Ok(match command {
            "enroll" => Asked::Enroll(Box::new(self.enroll()?)),
            "install" => Asked::Install(service(&self)?),
            "uninstall" => Asked::Uninstall(service(&self)?),
            "status" => Asked::Status(service(&self)?),
            "selftest" => Asked::Selftest,
            _ => {
                let usual = || places::config_file().filter(|file| file.is_file());
                // Whoever names a way to the master means that and not what lies around.
                let file = match self.config.take() {
                    None if !self.keys.names_way() => usual(),
                    named => named,
                };
                Asked::Run(Box::new(self.resolve(file)?))
            }
        })
    }

    fn extra(&self, flag: &str) -> Option<&str> {
        let found = self.extras.iter().rev().find(|(known, _)| *known == flag)?;
        Some(&found.1)
    }

    /// The file, and over it the flags.
    fn resolve(self, file: Option<PathBuf>) -> Result<Config, String> {
        let mut found = Found::default();
        if let Some(path) = file {
            file::read_file(&path, &mut found)?;
        }
        if self.keys.names_way() {
            found.forget_ways();
        }
        for (key, value, place) in self.keys.values {
            found.put(key, value, place);
        }
        found.resolve(places::data_folder().as_deref())
    }

    fn enroll(mut self) -> Result<Enroll, String> {
        let file = self.config.take().or_else(places::config_file);
        let file = file.ok_or("--config is missing, and HOME is not set")?;
        let absolute =
            |path: &str| std::path::absolute(path).map(|path| path.display().to_string());
        let file = std::path::absolute(file).map_err(|error| format!("--config: {error}"))?;
        let with = match (self.extra("--token"), self.extra("--key")) {
            (Some(text), None) => Credential::Token(text.to_owned()),
            (None, Some(text)) => Credential::Key(text.to_owned()),
            _ => return Err("give --token TOKEN, or --key KEY, one of the two".into()),
        };
        let force = self.extra("--force").is_some();
        let (name, _) = self.keys.text("name")?;
        let name = name.to_owned();
        let mut default = |key, value: Option<PathBuf>| {
            if let (None, Some(value)) = (self.keys.take(key), value) {
                let value = value.display().to_string();
                self.keys.put(key, value, "--name".into());
            }
        };
        default("key_file", Some(file.with_file_name(format!("{name}.key"))));
        let data = places::data_folder().map(|folder| folder.join(&name));
        default("root", data.as_ref().map(|data| data.join("work")));
        default("state", data.as_ref().map(|data| data.join("state")));
        let mut said = Vec::new();
        for (key, value, _) in &self.keys.values {
            let value = match file::PATHS.contains(key) {
                true => absolute(value).map_err(|error| format!("{}: {error}", flag_of(key)))?,
                false => value.clone(),
            };
            said.push((*key, value));
        }
        Ok(Enroll {
            config: self.resolve(None)?,
            file,
            force,
            with,
            said,
        })
    }
}

/// What `--version` prints; a new version is asked this before it is trusted.
pub(crate) fn version() -> String {
    format!("windlass-agent {}\n", env!("CARGO_PKG_VERSION"))
}

fn usage() -> String {
    let mut text = String::from(
        "windlass-agent: runs commands and moves files for its Windlass master\n\n\
         usage: windlass-agent [run] --master HOST:PORT --name NAME --key-file FILE [flags]\n       \
         windlass-agent [COMMAND] [--config FILE] [flags]\n\ncommands:\n",
    );
    for (name, what) in COMMANDS {
        text.push_str(&format!("  {name:<24} {what}\n"));
    }
    text.push_str(
        "\nflags (in the file: `key = \"value\"`, with `_` for `-`; a flag wins over the file):\n",
    );
    for (key, what) in KEYS {
        text.push_str(&format!("  {:<24} {what}\n", flag_of(key)));
    }
    text.push_str("  --config                 file to read first\n");
    for (command, flag, _, what) in EXTRAS {
        text.push_str(&format!("  {:<24} {what}\n", format!("{command} {flag}")));
    }
    text.push_str("  --help, --version        print and end\n\n");
    text.push_str(
        "Without --config the configuration is that of `enroll`; without --root and --state the\n\
         folders are made below the data folder of the user, or of the system for root.\n",
    );
    text
}
