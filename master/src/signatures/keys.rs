//! The public keys of a project, as the configuration has them, ready to check with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pgp::composed::{Deserializable as _, SignedPublicKey};

use super::claims::minisign_id;
use crate::config::resolved::PublicKeys;
use crate::model::SignatureScheme;

/// The public keys of a project.
#[derive(Debug, Default)]
pub struct Keys {
    pub(super) minisign: Vec<Minisign>,
    pub(super) ed25519: Vec<ed25519_dalek::VerifyingKey>,
    pub(super) gpg: Vec<SignedPublicKey>,
}

/// A minisign key and its id as minisign writes it.
#[derive(Debug)]
pub(super) struct Minisign {
    pub(super) id: String,
    pub(super) key: minisign_verify::PublicKey,
}

/// A key of the configuration that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("key {} of `{scheme}` is no such public key: {text}", .at + 1)]
pub struct KeyError {
    /// Which list it stands in.
    pub scheme: SignatureScheme,
    /// Its place in the list, from 0.
    pub at: usize,
    /// What is wrong with it.
    pub text: String,
}

impl Keys {
    /// Reads the keys of a project.
    pub fn read(written: &PublicKeys) -> Result<Self, KeyError> {
        Ok(Self {
            minisign: all(SignatureScheme::Minisign, &written.minisign, minisign)?,
            ed25519: all(SignatureScheme::Ed25519, &written.ed25519, ed25519)?,
            gpg: all(SignatureScheme::Gpg, &written.gpg, gpg)?,
        })
    }
}

fn all<T>(
    scheme: SignatureScheme,
    texts: &[String],
    read: fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, KeyError> {
    let one =
        |(at, text): (usize, &String)| read(text).map_err(|text| KeyError { scheme, at, text });
    texts.iter().enumerate().map(one).collect()
}

/// The line of a `.pub` file that begins with `RW`, or base64 of the whole file as Tauri has it.
fn minisign(text: &str) -> Result<Minisign, String> {
    let text = text.trim();
    let whole = STANDARD.decode(text).ok().and_then(|bytes| {
        let text = String::from_utf8(bytes).ok()?;
        text.lines().nth(1).map(|line| line.trim().to_owned())
    });
    let line = whole.as_deref().unwrap_or(text);
    let wrong = "expected the line of the .pub file that begins with RW";
    let key = minisign_verify::PublicKey::from_base64(line).map_err(|_| wrong.to_owned())?;
    let bytes = STANDARD.decode(line).map_err(|_| wrong.to_owned())?;
    let id = bytes.get(2..10).map(minisign_id).ok_or(wrong)?;
    Ok(Minisign { id, key })
}

fn ed25519(text: &str) -> Result<ed25519_dalek::VerifyingKey, String> {
    let wrong = || "expected base64 of the 32 bytes of an Ed25519 public key".to_owned();
    let bytes = STANDARD.decode(text.trim()).map_err(|_| wrong())?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| wrong())?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| wrong())?;
    match key.is_weak() {
        true => Err("every signature would be right for this key: make another".to_owned()),
        false => Ok(key),
    }
}

fn gpg(text: &str) -> Result<SignedPublicKey, String> {
    let wrong = |error| format!("{error}; expected what `gpg --armor --export KEY` writes");
    let (key, _) = SignedPublicKey::from_string(text).map_err(wrong)?;
    Ok(key)
}

/// Whether `text` is a public key of the scheme; the error says what would be right.
pub(crate) fn check(scheme: SignatureScheme, text: &str) -> Result<(), String> {
    match scheme {
        SignatureScheme::Minisign => minisign(text).map(drop),
        SignatureScheme::Ed25519 => ed25519(text).map(drop),
        SignatureScheme::Gpg => gpg(text).map(drop),
    }
}
