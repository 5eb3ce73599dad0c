//! Passwords: what a good one is, hashing with Argon2id, checking. Slow on purpose: call it off the
//! async threads. No database.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

/// Shortest password: long enough that the login limit makes guessing hopeless.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password: hashing time must not depend on what a stranger sends.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// Length of a generated password: 20 of 31 letters are 99 bits.
const GENERATED_CHARS: usize = 20;
/// Letters and digits that are not taken for one another when read from a screen.
const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Hash of nothing anybody knows, checked for unknown users so that they take as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Says what is wrong with `password` for the user `name`, and what would be right.
pub fn check_rules(name: &str, password: &str) -> Result<(), String> {
    let mut distinct: Vec<char> = password.chars().collect();
    let chars = distinct.len();
    distinct.sort_unstable();
    distinct.dedup();
    if chars < PASSWORD_CHARS_MIN {
        Err(format!(
            "too short: {chars} characters, at least {PASSWORD_CHARS_MIN} are needed"
        ))
    } else if password.len() > PASSWORD_BYTES_MAX {
        Err(format!("too long: at most {PASSWORD_BYTES_MAX} bytes"))
    } else if distinct.len() < 4 {
        Err("too simple: use at least four different characters".to_owned())
    } else if password.to_lowercase().contains(&name.to_lowercase())
        && chars < name.chars().count() + PASSWORD_CHARS_MIN
    {
        Err("too close to the user name: choose something else".to_owned())
    } else {
        Ok(())
    }
}

/// Hashes `password` with a fresh salt into a PHC string. Takes tens of milliseconds and 19 MiB.
pub fn hash(password: &str) -> Result<String, String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| format!("cannot hash a password: {error}"))
}

/// Whether `password` belongs to `hash`; without a hash it takes as long and is false.
#[must_use]
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    if password.len() > PASSWORD_BYTES_MAX {
        return false;
    }
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else {
        return false;
    };
    let fits = Argon2::default()
        .verify_password(password.as_bytes(), &parsed)
        .is_ok();
    fits && hash.is_some()
}

/// A random password for a first user, such as `k7fq…`.
#[must_use]
pub fn generate() -> String {
    let mut password = String::new();
    while password.len() < GENERATED_CHARS {
        for byte in super::token::random::<32>() {
            // 248 is 8 × 31: bytes above would make the first letters likelier.
            if byte < 248 && password.len() < GENERATED_CHARS {
                password.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
            }
        }
    }
    password
}

#[cfg(test)]
mod tests;
