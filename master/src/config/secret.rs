//! Reading a secret where it lies, when it is used. Its value never enters the configuration.

use std::fs::File;
use std::io::{self, Read as _};

use super::resolved::SecretRef;

/// Largest secret, bytes: a long token with its newline; more is the wrong file.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

impl SecretRef {
    /// The secret's value. Errors say where it was looked for, and nothing of what was found.
    pub fn read(&self) -> io::Result<String> {
        match self {
            Self::Env(name) => std::env::var(name).map_err(|_| {
                io::Error::other(format!("the environment variable {name} is not set"))
            }),
            Self::File(path) => {
                let place = |error: io::Error| {
                    let text = format!("cannot read the secret in {}: {error}", path.display());
                    io::Error::new(error.kind(), text)
                };
                let mut text = String::new();
                let file = File::open(path).map_err(place)?;
                file.take(SECRET_BYTES_MAX)
                    .read_to_string(&mut text)
                    .map_err(place)?;
                let line = text.lines().next().unwrap_or_default().trim_end();
                if line.is_empty() {
                    return Err(place(io::Error::other("its first line is empty")));
                }
                Ok(line.to_owned())
            }
        }
    }
}
