//! Signatures of products' files: reading what build machines made, and checking it against the
//! public keys of a project. Pure: the content is a reader, read once from end to end and never
//! held, so files of any size are checked in little memory. The master has no private key and
//! signs nothing.

mod claims;
mod keys;
mod pairs;

use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pgp::composed::SignedPublicKey;
use pgp::packet;
use pgp::types::{KeyDetails, VerifyingKey};

use crate::model::{Signature, SignatureScheme, SignatureState};

pub use claims::{CLAIM_BYTES_MAX, Claim};
pub(crate) use keys::check as check_key;
pub use keys::{KeyError, Keys};
pub use pairs::{Pair, pairs};

use claims::Made;

/// Largest file with a minisign signature of the old kind, which is over the file itself: it must
/// be held in memory whole. Signatures of today's kind are over a hash and have no such bound.
pub const LEGACY_BYTES_MAX: u64 = 16 << 20;
/// Bytes read at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// Why a signature was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// It is not what it should be; the product is refused. Names scheme and key.
    #[error("{0}")]
    Wrong(String),
    /// The content could not be read.
    #[error("{0}")]
    Unread(#[from] io::Error),
}

impl Claim {
    /// Checks the signature of `content`, which is read to its end. A key that the project does
    /// not name makes it [`SignatureState::UnknownKey`]; with Ed25519, whose signatures do not
    /// tell their key, that is so only where the project names no Ed25519 key at all.
    pub fn check(&self, keys: &Keys, content: &mut dyn Read) -> Result<Signature, SignatureError> {
        let (key_id, state) = match &self.made {
            Made::Minisign {
                signature,
                key_id,
                is_prehashed,
            } => match keys.minisign.iter().find(|key| key.id == *key_id) {
                None => (key_id.clone(), SignatureState::UnknownKey),
                Some(key) => {
                    check_minisign(&key.key, signature, *is_prehashed, content)
                        .map_err(|error| wrong(error, self.scheme(), key_id))?;
                    (key_id.clone(), SignatureState::Verified)
                }
            },
            Made::Ed25519(signature) if keys.ed25519.is_empty() => {
                let _ = signature;
                (String::new(), SignatureState::UnknownKey)
            }
            Made::Ed25519(signature) => {
                let key = check_ed25519(keys, signature, content)?;
                (key, SignatureState::Verified)
            }
            Made::Gpg(signature) => check_gpg(keys, signature, content)?,
        };
        Ok(Signature {
            scheme: self.scheme(),
            key_id,
            value: self.value.clone(),
            trusted_comment: self.trusted_comment.clone(),
            state,
        })
    }
}

fn wrong(error: SignatureError, scheme: SignatureScheme, key: &str) -> SignatureError {
    match error {
        SignatureError::Wrong(text) => SignatureError::Wrong(format!(
            "the {scheme} signature by key {key} is wrong: {text}"
        )),
        unread @ SignatureError::Unread(_) => unread,
    }
}

/// Feeds all of `content` to `take`, piece by piece.
fn each_piece(content: &mut dyn Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match content.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn check_minisign(
    key: &minisign_verify::PublicKey,
    signature: &minisign_verify::Signature,
    is_prehashed: bool,
    content: &mut dyn Read,
) -> Result<(), SignatureError> {
    let words = |error: minisign_verify::Error| SignatureError::Wrong(error.to_string());
    if is_prehashed {
        let mut verifier = key.verify_stream(signature).map_err(words)?;
        each_piece(content, |piece| verifier.update(piece))?;
        return verifier.finalize().map_err(words);
    }
    let mut whole = Vec::new();
    content.take(LEGACY_BYTES_MAX + 1).read_to_end(&mut whole)?;
    if whole.len() as u64 > LEGACY_BYTES_MAX {
        return Err(SignatureError::Wrong(format!(
            "it is of the old kind, over the file itself instead of its hash, and such a file may \
             have {LEGACY_BYTES_MAX} bytes at most: sign without `-l`"
        )));
    }
    key.verify(&whole, signature, true).map_err(words)
}

/// Which of the keys made the signature. The file is read once, for all of them.
fn check_ed25519(
    keys: &Keys,
    signature: &ed25519_dalek::Signature,
    content: &mut dyn Read,
) -> Result<String, SignatureError> {
    let mut verifiers = Vec::new();
    for key in &keys.ed25519 {
        // A signature that is none for one key is none for any.
        if let Ok(verifier) = key.verify_stream(signature) {
            verifiers.push((key, verifier));
        }
    }
    each_piece(content, |piece| {
        for (_, verifier) in &mut verifiers {
            verifier.update(piece);
        }
    })?;
    let mut made = None;
    for (key, verifier) in verifiers {
        if made.is_none() && verifier.finalize_and_verify().is_ok() {
            made = Some(key);
        }
    }
    made.map(|key| STANDARD.encode(key.as_bytes()))
        .ok_or_else(|| {
            let known: Vec<String> = keys
                .ed25519
                .iter()
                .map(|key| STANDARD.encode(key.as_bytes()))
                .collect();
            let known = known.join(", ");
            SignatureError::Wrong(format!(
                "the ed25519 signature is wrong: none of the project's keys ({known}) made it for \
             this content"
            ))
        })
}

fn check_gpg(
    keys: &Keys,
    signature: &packet::Signature,
    content: &mut dyn Read,
) -> Result<(String, SignatureState), SignatureError> {
    let Some((id, key)) = keys.gpg.iter().find_map(|key| signer(key, signature)) else {
        return Ok((claims::gpg_key_id(signature), SignatureState::UnknownKey));
    };
    let mut failed = None;
    let tee = Watched {
        content,
        failed: &mut failed,
    };
    let outcome = key.check(signature, tee);
    match (failed, outcome) {
        (Some(error), _) => Err(error.into()),
        (None, Ok(())) => Ok((id, SignatureState::Verified)),
        (None, Err(error)) => Err(SignatureError::Wrong(format!(
            "the gpg signature by key {id} is wrong: {error}"
        ))),
    }
}

/// A reader that remembers why it failed, for a verifier that tells only that it did.
struct Watched<'a> {
    content: &'a mut dyn Read,
    failed: &'a mut Option<io::Error>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer).map_err(|error| {
            let kind = error.kind();
            *self.failed = Some(error);
            kind.into()
        })
    }
}

/// A primary key or one of its subkeys.
enum Signer<'a> {
    Primary(&'a packet::PublicKey),
    Sub(&'a packet::PublicSubkey),
}

impl Signer<'_> {
    fn check(
        &self,
        signature: &packet::Signature,
        content: Watched<'_>,
    ) -> pgp::errors::Result<()> {
        match self {
            Self::Primary(key) => signature.verify(key, content),
            Self::Sub(key) => signature.verify(key, content),
        }
    }
}

/// The part of `key` that says it made the signature, and its fingerprint. A subkey counts only
/// where the primary key vouches for it.
fn signer<'a>(
    key: &'a SignedPublicKey,
    signature: &packet::Signature,
) -> Option<(String, Signer<'a>)> {
    if is_named(signature, &key.primary_key) {
        let id = key.primary_key.fingerprint().to_string();
        return Some((id.to_uppercase(), Signer::Primary(&key.primary_key)));
    }
    let sub = key.public_subkeys.iter().find(|sub| {
        is_named(signature, &sub.key) && sub.verify_bindings(&key.primary_key).is_ok()
    })?;
    let id = sub.key.fingerprint().to_string();
    Some((id.to_uppercase(), Signer::Sub(&sub.key)))
}

fn is_named(signature: &packet::Signature, key: &impl VerifyingKey) -> bool {
    let (fingerprint, id) = (key.fingerprint(), key.legacy_key_id());
    let by_fingerprint = signature.issuer_fingerprint();
    match by_fingerprint.is_empty() {
        false => by_fingerprint.contains(&&fingerprint),
        true => signature.issuer_key_id().contains(&&id),
    }
}

#[cfg(test)]
mod tests;
