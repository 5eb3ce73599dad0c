//! A signature as a build machine made it: which scheme, and what it says of itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pgp::composed::{ArmorOptions, Deserializable as _, DetachedSignature};
use pgp::packet::{self, SignatureType};

use crate::model::SignatureScheme;

/// Longest signature, bytes: an OpenPGP one with all it can name has a few KiB.
pub const CLAIM_BYTES_MAX: usize = 64 * 1024;
/// What a minisign signature begins with.
const MINISIGN: &str = "untrusted comment:";
/// Where Sparkle's `sign_update` writes the signature.
const SPARKLE: &str = "edSignature=\"";

/// A signature that is not yet checked.
pub struct Claim {
    pub(super) made: Made,
    /// The signature as update clients want it.
    pub(super) value: String,
    pub(super) trusted_comment: String,
}

/// What it was made with.
pub(super) enum Made {
    Minisign {
        signature: Box<minisign_verify::Signature>,
        key_id: String,
        is_prehashed: bool,
    },
    Ed25519(Box<ed25519_dalek::Signature>),
    Gpg(Box<packet::Signature>),
}

impl Claim {
    /// Reads a signature, of `scheme` where that is said: the text of a minisign signature, or
    /// base64 of all of it as Tauri writes it; base64 of the 64 bytes of Ed25519, or what
    /// Sparkle's `sign_update` writes; OpenPGP, armored or binary. The error says what is wrong.
    pub fn read(bytes: &[u8], scheme: Option<SignatureScheme>) -> Result<Self, String> {
        if bytes.len() > CLAIM_BYTES_MAX {
            return Err(format!(
                "it has more than the {CLAIM_BYTES_MAX} bytes that a signature may have"
            ));
        }
        let claim = match std::str::from_utf8(bytes) {
            Ok(text) => Self::of_text(text.trim())?,
            Err(_) => Self::of_gpg(DetachedSignature::from_bytes(bytes))?,
        };
        match scheme {
            Some(scheme) if scheme != claim.scheme() => Err(format!(
                "it is a {} signature, not a {scheme} one",
                claim.scheme()
            )),
            _ => Ok(claim),
        }
    }

    /// How it was made.
    #[must_use]
    pub fn scheme(&self) -> SignatureScheme {
        match &self.made {
            Made::Minisign { .. } => SignatureScheme::Minisign,
            Made::Ed25519(_) => SignatureScheme::Ed25519,
            Made::Gpg(_) => SignatureScheme::Gpg,
        }
    }

    fn of_text(text: &str) -> Result<Self, String> {
        if text.starts_with(MINISIGN) {
            return Self::of_minisign(text);
        }
        if text.starts_with("-----BEGIN PGP SIGNATURE") {
            let read = DetachedSignature::from_string(text);
            return Self::of_gpg(read.map(|(signature, _)| signature));
        }
        let sparkle = text.split_once(SPARKLE);
        let coded = match sparkle.and_then(|(_, rest)| rest.split_once('"')) {
            Some((value, _)) => value,
            None => text,
        };
        let joined: String = coded.split_whitespace().collect();
        let unknown = || {
            "it is none that is understood: a minisign signature (as text, or base64 of it), \
             base64 of the 64 bytes of an Ed25519 one, or OpenPGP"
                .to_owned()
        };
        let bytes = STANDARD.decode(joined).map_err(|_| unknown())?;
        if let Ok(bytes) = <[u8; 64]>::try_from(bytes.as_slice()) {
            return Ok(Self {
                made: Made::Ed25519(Box::new(ed25519_dalek::Signature::from_bytes(&bytes))),
                value: STANDARD.encode(bytes),
                trusted_comment: String::new(),
            });
        }
        match String::from_utf8(bytes) {
            Ok(inner) if inner.starts_with(MINISIGN) => Self::of_minisign(inner.trim()),
            _ => Err(unknown()),
        }
    }

    fn of_minisign(text: &str) -> Result<Self, String> {
        let broken = |_| "it is no whole minisign signature, which has four lines".to_owned();
        let signature = minisign_verify::Signature::decode(text).map_err(broken)?;
        // The decoder has seen to the second line and its length.
        let second = text.lines().nth(1).unwrap_or_default();
        let bytes = STANDARD.decode(second).unwrap_or_default();
        let (kind, id) = (bytes.get(..2), bytes.get(2..10));
        Ok(Self {
            value: format!("{text}\n"),
            trusted_comment: signature.trusted_comment().to_owned(),
            made: Made::Minisign {
                signature: Box::new(signature),
                key_id: id.map(minisign_id).unwrap_or_default(),
                is_prehashed: kind == Some(b"ED"),
            },
        })
    }

    fn of_gpg(read: pgp::errors::Result<DetachedSignature>) -> Result<Self, String> {
        let read = read.map_err(|error| format!("it is no OpenPGP signature: {error}"))?;
        if !matches!(
            read.signature.typ(),
            Some(SignatureType::Binary | SignatureType::Text)
        ) {
            return Err("it is an OpenPGP signature, but not one of a file".to_owned());
        }
        let value = read.to_armored_string(ArmorOptions::default());
        Ok(Self {
            value: value.map_err(|error| format!("it cannot be written as text: {error}"))?,
            trusted_comment: String::new(),
            made: Made::Gpg(Box::new(read.signature)),
        })
    }
}

/// A minisign key's id as minisign writes it: eight bytes, the last first.
pub(super) fn minisign_id(bytes: &[u8]) -> String {
    bytes
        .iter()
        .rev()
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

/// What an OpenPGP signature says of its key: the fingerprint, else the id, else nothing.
pub(super) fn gpg_key_id(signature: &packet::Signature) -> String {
    let fingerprint = signature.issuer_fingerprint();
    let fingerprint = fingerprint.first().map(ToString::to_string);
    let id = || signature.issuer_key_id().first().map(ToString::to_string);
    fingerprint.or_else(id).unwrap_or_default().to_uppercase()
}
