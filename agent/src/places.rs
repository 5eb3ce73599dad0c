//! Where configuration, work and state lie when nobody says: the system's folders for root, else
//! the user's. Not here: making them.

use std::path::{Path, PathBuf};

use crate::sys;

/// The folders' name everywhere.
const NAME: &str = "windlass-agent";

/// The configuration file that `enroll` writes and `run` reads.
pub(crate) fn config_file() -> Option<PathBuf> {
    let folder = match sys::system_folders() {
        Some((config, _)) => config,
        None => base("XDG_CONFIG_HOME", ".config")?,
    };
    Some(folder.join(NAME).join("agent.conf"))
}

/// The folder with one folder for each agent.
pub(crate) fn data_folder() -> Option<PathBuf> {
    let folder = match sys::system_folders() {
        Some((_, data)) => data,
        None => base("XDG_DATA_HOME", ".local/share")?,
    };
    Some(folder.join(NAME))
}

fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    absolute(variable)
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| absolute("HOME").map(|home| home.join(Path::new(below_home))))
}

/// The value of a variable, if it is an absolute path.
pub(crate) fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
