//! Reading the main file and what it includes. Bounded: a wrong path must not eat the memory.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::{Check, File, Place, shown_path};
use super::reader::Value;

/// Largest file, bytes: thousands of builders fit.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most included files.
const FILES_MAX: usize = 500;

/// Reads one file; the error says what is wrong with it.
pub(super) fn read(path: &Path) -> Result<File, String> {
    let shown = shown_path(path);
    let say = |error: io::Error| format!("cannot read {}: {error}", shown.display());
    if !fs::metadata(path).map_err(say)?.is_file() {
        return Err(format!("{} is no file", shown.display()));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(say)?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(say)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let most = super::units::show_size(FILE_BYTES_MAX);
        return Err(format!("{} is larger than {most}", shown.display()));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{} is no UTF-8 text: byte {at} is wrong", shown.display())
    })?;
    Ok(File { path: shown, text })
}

/// The files that `include` of the main file names, in order; mistakes are told to `check`.
pub(super) fn includes(check: &Check<'_>, main: &File, folder: &Path) -> Vec<PathBuf> {
    let (document, _) = DeTable::parse_recoverable(&main.text);
    let Some(node) = document.get_ref().get("include") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let place = super::reader::place(0, node);
    for (place, pattern) in patterns(place, node.get_ref()) {
        match matching(folder, &pattern) {
            Ok(paths) if paths.is_empty() && !pattern.contains(['*', '?', '[']) => check.wrong(
                place,
                format!("there is no file `{pattern}`"),
                "",
                format!("paths are relative to {}", shown_path(folder).display()),
            ),
            Ok(paths) => found.extend(paths),
            Err(text) => check.wrong(
                place,
                text,
                "",
                "expected a path such as \"builders/*.toml\"",
            ),
        }
    }
    found.dedup();
    if found.len() > FILES_MAX {
        let title = format!("`include` names {} files", found.len());
        check.wrong(
            place,
            title,
            "",
            format!("at most {FILES_MAX} are possible"),
        );
        found.truncate(FILES_MAX);
    }
    found
}

/// Reads the type only: what is no text is told when the values are read.
fn patterns(place: Place, node: &DeValue<'_>) -> Vec<(Place, String)> {
    match node {
        DeValue::String(text) => vec![(place, text.to_string())],
        DeValue::Array(entries) => entries
            .iter()
            .filter_map(|entry| {
                let text = entry.get_ref().as_str()?.to_owned();
                Some((super::reader::place(place.file, entry), text))
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The files that a pattern names: a folder as it is, and a glob in the last part.
fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let path = folder.join(pattern);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        return Err(format!("`{pattern}` names no file"));
    };
    if parent.to_string_lossy().contains(['*', '?', '[']) {
        return Err(format!("`{pattern}` has a wildcard in a folder's name"));
    }
    let glob = globset::Glob::new(name)
        .map_err(|error| format!("`{pattern}` is no pattern: {}", error.kind()))?
        .compile_matcher();
    let mut paths = Vec::new();
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if glob.is_match(entry.file_name()) && !hidden {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Parses one file; syntax mistakes are told to `check`, what could be read is returned.
pub(super) fn parse<'a>(check: &Check<'_>, file: usize, source: &'a File) -> DeTable<'a> {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let place = Place {
            file,
            start: span.start,
            end: span.end,
        };
        let text = error.message().trim().replace('\n', ", ");
        check.wrong_syntax(place, format!("this is no TOML: {text}"));
    }
    Spanned::into_inner(document)
}

/// Refuses `include` in an included file.
pub(super) fn refuse_include(value: &Value<'_>) {
    let help = "include the file from the main file";
    value.wrong("`include` is possible in the main file only", "", help);
}
