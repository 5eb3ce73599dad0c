//! The agent's programs that the master hands out: files of one folder, put there by hand or by a
//! release. What is hashed once is remembered until the file changes.

use crate::hex::hex;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::model::Program;

/// Files looked at: a release has six, and its sums.
const FILES_MAX: usize = 64;
/// Largest program: ours have 3 MB at most.
const PROGRAM_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What every program's name begins with.
const STEM: &str = "windlass-agent";
/// The file that tells the version of all of them.
const VERSION: &str = "VERSION";
/// The file with a hash and a name per line, as `sha256sum` writes it.
const SUMS: &str = "SHA256SUMS";
/// Longest of these two files.
const TEXT_BYTES_MAX: u64 = 64 * 1024;

/// Hashes by name, each with the size and time of the file that it is of.
type Known = HashMap<String, (u64, SystemTime, String)>;

/// The folder of programs; cheap to clone.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: Arc<Path>,
    known: Arc<Mutex<Known>>,
}

impl Programs {
    /// The programs in `folder`, which need not exist.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into().into(),
            known: Arc::default(),
        }
    }

    /// Every program by name. One whose hash is not that of `SHA256SUMS` is left out and told in
    /// the log. No folder is no program.
    pub fn list(&self) -> io::Result<Vec<Program>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let sums = self.text(SUMS)?;
        let version = self.text(VERSION)?.map(|text| text.trim().to_owned());
        let version = version.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned());
        let mut programs = Vec::new();
        for entry in entries.take(FILES_MAX) {
            let Ok(file) = entry?.file_name().into_string() else {
                continue;
            };
            let Some(mut program) = describe(&file) else {
                continue;
            };
            let Some((size, sha256)) = self.hash(&file)? else {
                continue;
            };
            if sums
                .as_deref()
                .is_some_and(|sums| !names(sums, &file, &sha256))
            {
                tracing::warn!(
                    file,
                    "the program is not the one that {SUMS} names: not served"
                );
                continue;
            }
            (program.size, program.sha256) = (size, sha256);
            program.version.clone_from(&version);
            programs.push(program);
        }
        programs.sort_by(|one, other| one.file.cmp(&other.file));
        Ok(programs)
    }

    /// Opens a program that [`Self::list`] told of.
    pub fn open(&self, program: &Program) -> io::Result<File> {
        File::open(self.folder.join(&program.file))
    }

    fn text(&self, name: &str) -> io::Result<Option<String>> {
        let path = self.folder.join(name);
        match fs::metadata(&path) {
            Ok(facts) if facts.len() <= TEXT_BYTES_MAX => fs::read_to_string(path).map(Some),
            _ => Ok(None),
        }
    }

    /// Size and hash of a file; nothing for what is no file of a program's size.
    fn hash(&self, name: &str) -> io::Result<Option<(u64, String)>> {
        let path = self.folder.join(name);
        let facts = fs::metadata(&path)?;
        let (size, time) = (facts.len(), facts.modified()?);
        if !facts.is_file() || size == 0 || size > PROGRAM_BYTES_MAX {
            return Ok(None);
        }
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((its_size, its_time, sha256)) = known().get(name)
            && (*its_size, *its_time) == (size, time)
        {
            return Ok(Some((size, sha256.clone())));
        }
        let digest = Sha256::digest(fs::read(&path)?);
        let sha256 = hex(&digest);
        known().insert(name.to_owned(), (size, time, sha256.clone()));
        Ok(Some((size, sha256)))
    }
}

/// What a name such as `windlass-agent-x86_64-linux-tls` says; nothing for another file.
fn describe(file: &str) -> Option<Program> {
    let rest = file.strip_prefix(STEM)?;
    let rest = rest.strip_suffix(".exe").unwrap_or(rest);
    let words: Vec<&str> = rest.split('-').filter(|word| !word.is_empty()).collect();
    let one_of = |known: &[&'static str]| known.iter().find(|word| words.contains(word)).copied();
    let arch = one_of(&["x86_64", "aarch64"])?;
    let os = one_of(&["linux", "windows", "macos", "freebsd"])?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    file.chars().all(plain).then(|| Program {
        file: file.to_owned(),
        os: os.to_owned(),
        arch: arch.to_owned(),
        tls: words.contains(&"tls"),
        version: String::new(),
        size: 0,
        sha256: String::new(),
    })
}

/// Whether the lines of `sums` name the file with this hash.
fn names(sums: &str, file: &str, sha256: &str) -> bool {
    sums.lines().any(|line| {
        let mut words = line.split_whitespace();
        let (hash, name) = (words.next(), words.next());
        hash == Some(sha256) && name.map(|name| name.trim_start_matches('*')) == Some(file)
    })
}

#[cfg(test)]
mod tests;
