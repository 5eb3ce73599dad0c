//! The agent's configuration file: lines of `key = "value"`, comments with `#`. Paths in it are
//! relative to the folder of the file. Not here: what the values mean.

use std::path::Path;

use super::{Found, KEYS};

/// No sensible file has more; a wrong path must not fill the memory.
const FILE_BYTES_MAX: u64 = 65_536;

/// Keys whose values are paths.
pub(super) const PATHS: [&str; 4] = ["key_file", "root", "state", "tls_ca"];

/// Reads the file into `found`. Errors are `FILE:LINE: what is wrong; what would be right`.
pub(super) fn read_file(path: &Path, found: &mut Found) -> Result<(), String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("{shown}: cannot read it: {error}");
    if std::fs::metadata(path).map_err(cannot)?.len() > FILE_BYTES_MAX {
        return Err(format!(
            "{shown}: larger than {FILE_BYTES_MAX} bytes; is this the right file?"
        ));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    read_text(&text, path, found)
}

/// Reads the text of the file of this path.
pub(super) fn read_text(text: &str, path: &Path, found: &mut Found) -> Result<(), String> {
    let shown = path.display();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = format!("{shown}:{}", index + 1);
        let Some((key, value)) =
            parse_line(line.trim()).map_err(|why| format!("{place}: {why}"))?
        else {
            continue;
        };
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == key) {
            return Err(format!(
                "{place}: `{key}` is already set in line {first}; remove one"
            ));
        }
        seen.push((key, index + 1));
        let value = if PATHS.contains(&key) {
            folder.join(value).display().to_string()
        } else {
            value
        };
        found.put(key, value, place);
    }
    Ok(())
}

/// One trimmed line: nothing, or a known key and its value.
fn parse_line(line: &str) -> Result<Option<(&'static str, String)>, String> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let right = "write `key = \"value\"`";
    let (key, rest) = line
        .split_once('=')
        .ok_or_else(|| format!("`{line}` has no `=`; {right}"))?;
    let key = key.trim();
    let Some((known, _)) = KEYS.iter().find(|(known, _)| *known == key) else {
        let names: Vec<&str> = KEYS.iter().map(|(known, _)| *known).collect();
        return Err(format!(
            "unknown key `{key}`; the keys are {}",
            names.join(", ")
        ));
    };
    Ok(Some((
        known,
        parse_value(rest.trim()).map_err(|why| format!("{key}: {why}; {right}"))?,
    )))
}

/// A quoted text, a bare number, `true` or `false`, or a list of quoted texts, which becomes one
/// text with commas; a comment may follow.
fn parse_value(text: &str) -> Result<String, String> {
    let Some(mut rest) = text.strip_prefix('[') else {
        return parse_single(text);
    };
    let mut words = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            return check_end(after).map(|()| words.join(","));
        }
        let quoted = rest.strip_prefix('"');
        let (word, after) = parse_quoted(quoted.ok_or("the list must hold quoted texts")?)?;
        words.push(word);
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            None if !after.starts_with(']') => return Err("the list has no `]`".into()),
            comma => comma.unwrap_or(after),
        };
    }
}

fn parse_single(text: &str) -> Result<String, String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let bare = text.split('#').next().unwrap_or_default().trim();
        let number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
        return if number || matches!(bare, "true" | "false") {
            Ok(bare.to_owned())
        } else {
            Err("the value is not quoted".into())
        };
    };
    let (value, after) = parse_quoted(quoted)?;
    check_end(after).map(|()| value)
}

fn check_end(rest: &str) -> Result<(), String> {
    let rest = rest.trim();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(())
    } else {
        Err(format!("`{rest}` after the value"))
    }
}

/// The text up to the closing quote, with `\"` and `\\`, and what follows the quote.
fn parse_quoted(quoted: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => return Ok((value, chars.as_str())),
            '\\' => match chars.next() {
                Some(escaped @ ('"' | '\\')) => value.push(escaped),
                _ => return Err("`\\` must be followed by `\"` or `\\`".into()),
            },
            char => value.push(char),
        }
    }
    Err("the closing quote is missing".into())
}

/// A line of the file.
pub(crate) fn line(key: &str, value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{key} = \"{escaped}\"\n")
}
