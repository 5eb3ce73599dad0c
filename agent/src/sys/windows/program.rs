//! This program's own file: another one takes its place, or its work. Not here: deciding that.

use std::io;
use std::path::Path;
use std::process::Command;

/// Has the command's program do this one's work: Windows cannot put it into this process, so
/// this one waits for its end and ends the same way. Returns only if that does not work.
pub(crate) fn become_program(command: &mut Command) -> io::Error {
    match command.status() {
        // Not at once in one word: a status of the system has no place in an exit code of std.
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// Puts a file in the place of a program that may run. A running program's file can be renamed
/// but not removed: it stays beside as `.old`, and what was `.old` before and still runs as
/// `.older`.
pub(crate) fn replace_program(new: &Path, program: &Path) -> io::Result<()> {
    let old = program.with_added_extension("old");
    if std::fs::remove_file(&old).is_err() && old.exists() {
        let older = program.with_added_extension("older");
        // If that one still runs as well, the renaming says so.
        let _ = std::fs::remove_file(&older);
        std::fs::rename(&old, &older)?;
    }
    std::fs::rename(program, &old)?;
    std::fs::rename(new, program).inspect_err(|_| {
        // The place must not stay empty, whatever the reason.
        let _ = std::fs::rename(&old, program);
    })
}
