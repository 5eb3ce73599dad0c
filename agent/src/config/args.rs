//! The command line of the agent. Not here: reading the file that it names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Config, Found, KEYS, SWITCHES, file, flag_of};

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// Run with this configuration.
    Run(Box<Config>),
    /// Print this text and end well.
    Print(String),
}

/// Reads the arguments (without the program's name). The text of an error names the flag or the
/// line and says what would be right.
pub fn parse_args(args: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let mut given = Found::default();
    let mut config_file: Option<PathBuf> = None;
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
            "--help" | "-h" => return Ok(Asked::Print(usage())),
            "--version" | "-V" => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Asked::Print(format!("windlass-agent {version}\n")));
            }
            _ => {}
        }
        let key = KEYS
            .iter()
            .map(|(key, _)| *key)
            .find(|key| flag_of(key) == flag);
        if key.is_none() && flag != "--config" {
            return Err(format!(
                "unknown argument `{flag}`; `windlass-agent --help` lists them"
            ));
        }
        let is_switch = key.is_some_and(|key| SWITCHES.contains(&key));
        let value = inline
            .or_else(|| is_switch.then(|| "true".into()))
            .or_else(|| args.next())
            .filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| format!("{flag} needs a value after it"))?;
        let Some(key) = key else {
            config_file = Some(value.into());
            continue;
        };
        let text = value
            .into_string()
            .map_err(|_| format!("{flag}: the value is not UTF-8"))?;
        given.put(key, text, flag.to_owned());
    }
    let mut found = Found::default();
    if let Some(path) = config_file {
        file::read_file(&path, &mut found)?;
    }
    if given.names_way() {
        found.forget_ways();
    }
    for (key, value, place) in given.values {
        found.put(key, value, place);
    }
    found
        .resolve(home().as_deref())
        .map(|config| Asked::Run(Box::new(config)))
}

/// Where agents keep their folders when none are named.
fn home() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| absolute("HOME").map(|home| home.join(Path::new(".local/share"))))?;
    Some(base.join("windlass-agent"))
}

fn usage() -> String {
    let mut text = String::from(
        "windlass-agent: runs commands and moves files for its Windlass master\n\n\
         usage: windlass-agent --master HOST:PORT --name NAME --key-file FILE [flags]\n       \
         windlass-agent --config FILE [flags]\n\nflags (in the file: `key = \"value\"`, \
         with `_` for `-`; a flag wins over the file):\n",
    );
    for (key, what) in KEYS {
        text.push_str(&format!("  {:<24} {what}\n", flag_of(key)));
    }
    text.push_str("  --config                 file to read first\n");
    text.push_str("  --help, --version        print and end\n\n");
    text.push_str(
        "Without --root and --state the folders are made below the user's data folder.\n",
    );
    text
}
