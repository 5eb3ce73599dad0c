//! Scripts, and the rules by which words become a command line. Not here: starting it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The switch behind which `cmd` takes the rest of the line as it is, without one pair of quotes
/// around it: no commands from the registry, no echo of what it runs.
const CMD_SWITCHES: [&str; 4] = ["/d", "/q", "/s", "/c"];

/// The words that have a shell run a script, which goes through a file in `folder`: `cmd` and
/// PowerShell by their own rules, every other as on Unix.
pub(crate) fn shell_words(shell: &str, text: &[u8], folder: &Path) -> io::Result<Vec<OsString>> {
    let folder = std::path::absolute(folder)?;
    let in_file = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, text).map(|()| OsString::from(path))
    };
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let mut found = words(&[shell]);
    match shell.to_ascii_lowercase().as_str() {
        "cmd" => {
            let path = in_file("script.cmd", &batch(text))?;
            found.extend(words(&CMD_SWITCHES));
            found.push(path);
        }
        "powershell" | "pwsh" => {
            // Without the mark in front, the older one takes the file for the system's code page.
            let marked = [&b"\xef\xbb\xbf"[..], text].concat();
            let path = in_file("script.ps1", &marked)?;
            found.extend(words(&[
                "-NoProfile",
                "-NonInteractive",
                "-ExecutionPolicy",
                "Bypass",
                "-File",
            ]));
            found.push(path);
        }
        _ => found.push(in_file("script", text)?),
    }
    Ok(found)
}

/// A script as `cmd` wants it: read as UTF-8 from its second line on, and with CR LF at the end
/// of each line, without which jumps to labels miss.
fn batch(text: &[u8]) -> Vec<u8> {
    let mut lines = b"@chcp 65001 >nul\r\n".to_vec();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(bare) if !bare.ends_with(b"\r") => {
                lines.extend_from_slice(bare);
                lines.extend_from_slice(b"\r\n");
            }
            _ => lines.extend_from_slice(line),
        }
    }
    lines
}

/// Gives a program its arguments: each quoted so that the program finds it again, but those of
/// `cmd` as they are, which has rules of its own.
pub(super) fn give_arguments(command: &mut Command, program: &OsStr, arguments: &[OsString]) {
    let stem = Path::new(program).file_stem().unwrap_or_default();
    if !stem.eq_ignore_ascii_case("cmd") {
        command.args(arguments);
        return;
    }
    let is_end =
        |word: &OsString| word.eq_ignore_ascii_case("/c") || word.eq_ignore_ascii_case("/k");
    let end = arguments
        .iter()
        .position(is_end)
        .map_or(arguments.len(), |at| at + 1);
    let (switches, rest) = arguments.split_at(end);
    switches.iter().for_each(|word| {
        command.raw_arg(word);
    });
    if rest.is_empty() {
        return;
    }
    // `cmd` takes the outer pair of quotes away.
    let mut line = OsString::from("\"");
    if let [path] = rest
        && Path::new(path).is_absolute()
    {
        line.push("\"");
        line.push(path);
        line.push("\"");
    } else {
        line.push(rest.join(OsStr::new(" ")));
    }
    line.push("\"");
    command.raw_arg(line);
}

#[cfg(test)]
mod tests;
