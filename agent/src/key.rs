//! The agent's key file: one line, readable by nobody else, written whole or not at all. Not here: proving with the key.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use windlass_protocol::Key;

use crate::sys;

/// A key line has 69 bytes; comments and blank lines fit as well, a wrong file does not.
const FILE_BYTES_MAX: u64 = 4096;

/// Reads the key. The text of an error names the file and says what would be right, and never
/// holds what the file holds.
pub(crate) fn read_key(path: &Path) -> Result<Key, String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("key file {shown}: cannot read it: {error}");
    let file = File::open(path).map_err(cannot)?;
    if let Err(why) = sys::refuse_open_key(&file).map_err(cannot)? {
        return Err(format!("key file {shown}: {why}; run `chmod 600 {shown}`"));
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(cannot)?;
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let right = "it must hold the one line `wlk1_…` that `windlass agent add` printed";
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(format!("key file {shown}: {right}"));
    };
    Key::parse(line).ok_or_else(|| format!("key file {shown}: not a key; {right}"))
}

/// Writes the key where `read_key` will find it, durably, in place of what is there. The text of
/// an error names the file.
pub(crate) fn write_key(path: &Path, key: &Key) -> Result<(), String> {
    let cannot =
        |error: std::io::Error| format!("key file {}: cannot write it: {error}", path.display());
    let folder = path.parent().unwrap_or(Path::new(""));
    if !folder.as_os_str().is_empty() {
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    let part = path.with_extension("part");
    // What an interrupted try left may be open to others.
    let _ = std::fs::remove_file(&part);
    let mut file = sys::create_private(&part).map_err(cannot)?;
    let written = writeln!(file, "{}", key.to_text()).and_then(|()| file.sync_all());
    written.map_err(cannot)?;
    std::fs::rename(&part, path).map_err(cannot)?;
    sys::sync_folder(folder).map_err(cannot)
}
