//! What the agent is told when it starts: from flags and from a file of `key = "value"` lines.
//! Not here: the key itself; see `key`.

pub mod args;
mod file;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

/// First wait before dialling again: a restarted master is back within a second or two.
const RECONNECT_MIN_MS: u64 = 1_000;
/// Longest wait before dialling again: an hour's outage costs the master one knock a minute.
const RECONNECT_MAX_MS: u64 = 60_000;
/// No wait may exceed a day: a mistyped number must not put an agent to sleep for good.
const RECONNECT_LIMIT_MS: u64 = 86_400_000;

/// Everything the agent needs to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the master listens, `HOST:PORT`.
    pub master: String,
    /// The name the master knows this agent by.
    pub name: String,
    /// File with the one-line key.
    pub key_file: PathBuf,
    /// Folder below which all work happens; made if missing.
    pub root: PathBuf,
    /// Folder for journals, the installation id and the lock; made if missing.
    pub state: PathBuf,
    /// Shortest wait before dialling again, milliseconds.
    pub reconnect_min_ms: u64,
    /// Longest wait before dialling again, milliseconds.
    pub reconnect_max_ms: u64,
}

/// The keys of the file and the flags of the command line (with `--` and dashes), and for each
/// what it wants.
pub(crate) const KEYS: [(&str, &str); 7] = [
    ("master", "HOST:PORT of the master"),
    ("name", "the agent's name on the master"),
    (
        "key_file",
        "file with the key that `windlass agent add` printed",
    ),
    ("root", "folder to work in"),
    ("state", "folder for journals and the agent's identity"),
    (
        "reconnect_min_ms",
        "shortest wait before dialling again, milliseconds",
    ),
    (
        "reconnect_max_ms",
        "longest wait before dialling again, milliseconds",
    ),
];

/// Values as they were found, before they are checked. Each remembers where it stood, so that
/// an error can name the place.
#[derive(Debug, Default)]
pub(crate) struct Found {
    values: Vec<(&'static str, String, String)>,
}

impl Found {
    /// Records a value; a later one wins. The place is like `agent.conf:3` or `--name`.
    fn put(&mut self, key: &'static str, value: String, place: String) {
        self.values.retain(|(known, ..)| *known != key);
        self.values.push((key, value, place));
    }

    fn take(&self, key: &str) -> Option<(&str, &str)> {
        let found = self.values.iter().find(|(known, ..)| *known == key)?;
        Some((&found.1, &found.2))
    }

    fn text(&self, key: &str) -> Result<(&str, &str), String> {
        self.take(key).ok_or_else(|| {
            let what = KEYS
                .iter()
                .find(|(known, _)| *known == key)
                .map_or("", |(_, what)| what);
            format!("{} is missing: give {what}", flag_of(key))
        })
    }

    fn milliseconds(&self, key: &str, default: u64) -> Result<u64, String> {
        let Some((text, place)) = self.take(key) else {
            return Ok(default);
        };
        match text.parse() {
            Ok(ms) if ms <= RECONNECT_LIMIT_MS => Ok(ms),
            _ => Err(format!(
                "{place}: {key} is `{text}`; give milliseconds from 0 to {RECONNECT_LIMIT_MS}"
            )),
        }
    }

    /// Checks everything together. The text of an error says where and what would be right.
    fn resolve(&self, home: Option<&Path>) -> Result<Config, String> {
        let (master, place) = self.text("master")?;
        check_address(master).map_err(|why| format!("{place}: master is `{master}`; {why}"))?;
        let (name, place) = self.text("name")?;
        check_name(name).map_err(|why| format!("{place}: name is `{name}`; {why}"))?;
        let key_file = PathBuf::from(self.text("key_file")?.0);
        let folder = |key: &str, last: &str| match (self.take(key), home) {
            (Some((path, _)), _) => Ok(PathBuf::from(path)),
            (None, Some(home)) => Ok(home.join(name).join(last)),
            (None, None) => Err(format!("{} is missing, and HOME is not set", flag_of(key))),
        };
        let reconnect_min_ms = self.milliseconds("reconnect_min_ms", RECONNECT_MIN_MS)?;
        let reconnect_max_ms = self.milliseconds("reconnect_max_ms", RECONNECT_MAX_MS)?;
        if reconnect_max_ms < reconnect_min_ms {
            let least = format!("{reconnect_min_ms} (reconnect_min_ms)");
            return Err(format!(
                "reconnect_max_ms is {reconnect_max_ms}; give at least {least}"
            ));
        }
        Ok(Config {
            master: master.to_owned(),
            name: name.to_owned(),
            key_file,
            root: folder("root", "work")?,
            state: folder("state", "state")?,
            reconnect_min_ms,
            reconnect_max_ms,
        })
    }
}

/// How a key is written on the command line.
fn flag_of(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

fn check_address(text: &str) -> Result<(), &'static str> {
    let right = "give HOST:PORT, such as builds.example:9989 or [::1]:9989";
    let (host, port) = text.rsplit_once(':').ok_or(right)?;
    let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || bare_v6 || port.parse::<u16>().map_or(true, |port| port == 0) {
        return Err(right);
    }
    Ok(())
}

fn check_name(text: &str) -> Result<(), &'static str> {
    // The name becomes a folder name here and a key of the configuration there.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let right = "give 1 to 64 letters, digits, `-`, `_` or `.`, not beginning with a dot";
    let good = (1..=64).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.');
    if good { Ok(()) } else { Err(right) }
}
