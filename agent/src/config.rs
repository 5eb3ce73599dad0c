//! What the agent is told when it starts: from flags and from a file of `key = "value"` lines.
//! Not here: the key itself; see `key`.

pub mod args;
mod file;
pub mod policy;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use windlass_protocol::hex;

pub use crate::transport::way::{Trust, Way};
pub(crate) use file::line;
pub use policy::Policy;

/// First wait before dialling again: a restarted master is back within a second or two.
const RECONNECT_MIN_MS: u64 = 1_000;
/// Longest wait before dialling again: an hour's outage costs the master one knock a minute.
const RECONNECT_MAX_MS: u64 = 60_000;
/// No wait may exceed a day: a mistyped number must not put an agent to sleep for good.
const RECONNECT_LIMIT_MS: u64 = 86_400_000;

/// Everything the agent needs to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How it comes together with its master.
    pub way: Way,
    /// The owner's word that this way can be read by others: no secrets over it.
    pub readable: bool,
    /// Whose certificates it believes, where the way is TLS.
    pub trust: Trust,
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
    /// What the owner of the machine lets the master do, and how much.
    pub policy: Policy,
}

/// The keys of the file and the flags of the command line (with `--` and dashes), and for each
/// what it wants.
pub(crate) const KEYS: [(&str, &str); 21] = [
    (
        "master",
        "HOST:PORT of the master, or tls://…, http://…, https://…",
    ),
    (
        "transport",
        "instead: command whose input and output are the connection",
    ),
    (
        "stdio",
        "instead: our own input and output are the connection",
    ),
    ("listen", "instead: ADDRESS:PORT where the master dials us"),
    (
        "tls_ca",
        "PEM file of those who sign the master's certificate",
    ),
    (
        "tls_pin",
        "SHA-256 of the master's certificate, 64 hex digits",
    ),
    (
        "readable",
        "others can read this way: take no secrets over it",
    ),
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
    (
        "allow",
        "what the master may do: exec, files, trees, shutdown, upgrade; all but the last",
    ),
    ("upgrade", "let the master replace this program too"),
    (
        "upgrade_ms",
        "how long a new version gets to reach its master",
    ),
    (
        "run_as",
        "user that commands run as, when the agent is root (Linux)",
    ),
    (
        "reserve_bytes",
        "free space below which no new command is taken; 256M",
    ),
    (
        "spool_bytes",
        "most output of one command kept for an absent master; 1G",
    ),
    ("spool_total_bytes", "the same of all commands; 8G"),
    ("cache_bytes", "most file contents kept for later trees; 2G"),
];

/// Those of them that are said or not said: flags without a value, `true` or `false` in the file.
pub(crate) const SWITCHES: [&str; 3] = ["stdio", "readable", "upgrade"];
/// Those of them that name a way to the master, of which one is wanted.
const WAYS: [&str; 4] = ["master", "transport", "stdio", "listen"];

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

    /// Whether a way to the master is among them.
    fn names_way(&self) -> bool {
        WAYS.iter().any(|key| self.take(key).is_some())
    }

    /// Forgets every way, because a flag names another.
    fn forget_ways(&mut self) {
        self.values.retain(|(known, ..)| !WAYS.contains(known));
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

    fn switch(&self, key: &str) -> Result<bool, String> {
        match self.take(key) {
            None | Some(("false", _)) => Ok(false),
            Some(("true", _)) => Ok(true),
            Some((text, place)) => Err(format!("{place}: {key} is `{text}`; give true or false")),
        }
    }

    /// The one way to the master.
    fn way(&self) -> Result<Way, String> {
        let stdio = self.switch("stdio")?;
        let is_said = |key: &&str| *key != "stdio" && self.take(key).is_some();
        let mut said: Vec<&str> = WAYS.into_iter().filter(is_said).collect();
        said.extend(stdio.then_some("stdio"));
        if let [first, second, ..] = said[..] {
            let place = self.take(second).map_or("", |(_, place)| place);
            return Err(format!(
                "{place}: {first} and {second} are two ways to the master; keep one"
            ));
        }
        if stdio {
            return Ok(Way::Stdio);
        }
        if let Some((text, place)) = self.take("transport") {
            return Way::parse_command(text)
                .map_err(|why| format!("{place}: transport is `{text}`; {why}"));
        }
        if let Some((text, place)) = self.take("listen") {
            return Way::parse_listen(text)
                .map_err(|why| format!("{place}: listen is `{text}`; {why}"));
        }
        let (text, place) = self.text("master")?;
        Way::parse(text).map_err(|why| format!("{place}: master is `{text}`; {why}"))
    }

    fn trust(&self) -> Result<Trust, String> {
        let pin = match self.take("tls_pin") {
            None => None,
            Some((text, place)) => {
                let hex: String = text.chars().filter(|char| *char != ':').collect();
                let pin = hex::decode_array(hex.to_ascii_lowercase().as_bytes());
                Some(pin.ok_or_else(|| {
                    format!("{place}: tls_pin is `{text}`; give the 64 hex digits of a SHA-256")
                })?)
            }
        };
        let ca = self.take("tls_ca").map(|(path, _)| PathBuf::from(path));
        Ok(Trust { ca, pin })
    }

    /// Checks everything together. The text of an error says where and what would be right.
    fn resolve(&self, data: Option<&Path>) -> Result<Config, String> {
        let way = self.way()?;
        let (name, place) = self.text("name")?;
        check_name(name).map_err(|why| format!("{place}: name is `{name}`; {why}"))?;
        let key_file = PathBuf::from(self.text("key_file")?.0);
        let folder = |key: &str, last: &str| match (self.take(key), data) {
            (Some((path, _)), _) => Ok(PathBuf::from(path)),
            (None, Some(data)) => Ok(data.join(name).join(last)),
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
            way,
            trust: self.trust()?,
            readable: self.switch("readable")?,
            name: name.to_owned(),
            key_file,
            root: folder("root", "work")?,
            state: folder("state", "state")?,
            reconnect_min_ms,
            reconnect_max_ms,
            policy: Policy::resolve(self)?,
        })
    }
}

/// How a key is written on the command line.
fn flag_of(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

fn check_name(text: &str) -> Result<(), &'static str> {
    // The name becomes a folder name here and a key of the configuration there.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let right = "give 1 to 64 letters, digits, `-`, `_` or `.`, not beginning with a dot";
    let good = (1..=64).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.');
    if good { Ok(()) } else { Err(right) }
}

/// Checks the text of a configuration file as if nothing else were given.
pub(crate) fn check_text(text: &str) -> Result<(), String> {
    let mut found = Found::default();
    file::read_text(text, Path::new("agent.conf"), &mut found)?;
    found.resolve(None).map(|_| ())
}
