//! The key of an agent, the token it is had with, the transcript of the handshake, the two proofs and the keys of the
//! session. The order of messages is the business of `connection`.

mod token;

pub use token::Token;

use crate::header::PREAMBLE;
use crate::hex;
use crate::hmac::{self, Hmac};
use crate::limits::KEYS_MAX;
use crate::sha256::digest;
use std::fmt;

/// What an agent's key looks like as text.
const KEY_PREFIX: &str = "wlk1_";
/// Label of the agent's proof; each label ends in a NUL so that none is the beginning of another.
const AGENT_PROOF: &[u8] = b"WNDLS/1 agent proof\0";
/// Label of the master's proof.
const MASTER_PROOF: &[u8] = b"WNDLS/1 master proof\0";
/// Label of the key that an agent gets by enrolment.
const ENROLLED_KEY: &[u8] = b"WNDLS/1 enrolled key\0";
/// Label of the key for frames from the agent.
const AGENT_FRAMES: &[u8] = b"WNDLS/1 agent frames\0";
/// Label of the key for frames from the master.
const MASTER_FRAMES: &[u8] = b"WNDLS/1 master frames\0";

/// The random 32-byte key that one agent shares with its master. Never printed by `Debug`.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of bytes drawn from the operating system.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads `wlk1_` and 64 lower-case hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode_array(text.strip_prefix(KEY_PREFIX)?.as_bytes()).map(Self)
    }

    /// `wlk1_` and 64 lower-case hex digits: what a person pastes on the machine.
    pub fn to_text(&self) -> String {
        format!("{KEY_PREFIX}{}", hex::encode(&self.0))
    }
}

/// Compares in constant time.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        hmac::equal(&self.0, &other.0)
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

/// A hash of every byte of the handshake so far, both ways, in the fixed order of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Transcript([u8; 32]);

impl Transcript {
    /// T1: preamble and HELLO frame of the agent, then those of the master.
    pub(crate) fn of_hellos(agent_frame: &[u8], master_frame: &[u8]) -> Self {
        Self(digest(
            &[PREAMBLE, agent_frame, PREAMBLE, master_frame].concat(),
        ))
    }

    /// T2 and T3: the transcript so far and one AUTH frame, header included.
    pub(crate) fn then(self, frame: &[u8]) -> Self {
        Self(digest(&[&self.0, frame].concat()))
    }

    /// The hash itself, for the vectors.
    #[cfg(test)]
    pub(crate) fn as_bytes(&self) -> [u8; 32] {
        self.0
    }

    /// The agent's proof over T1.
    pub(crate) fn agent_proof(&self, key: &Key) -> [u8; 32] {
        Hmac::new(&key.0).sign(&[AGENT_PROOF, &self.0])
    }

    /// The master's proof over T2.
    pub(crate) fn master_proof(&self, key: &Key) -> [u8; 32] {
        Hmac::new(&key.0).sign(&[MASTER_PROOF, &self.0])
    }

    /// The agent's key over T3, when K is the secret of a token.
    pub(crate) fn enrolled_key(&self, secret: &Key) -> Key {
        Key(Hmac::new(&secret.0).sign(&[ENROLLED_KEY, &self.0]))
    }

    /// The keys of the session over T3.
    pub(crate) fn session_keys(&self, key: &Key) -> SessionKeys {
        let derive = Hmac::new(&key.0);
        SessionKeys {
            agent: Hmac::new(&derive.sign(&[AGENT_FRAMES, &self.0])),
            master: Hmac::new(&derive.sign(&[MASTER_FRAMES, &self.0])),
        }
    }
}

/// One key for each direction.
pub(crate) struct SessionKeys {
    /// Signs frames that the agent sends.
    pub(crate) agent: Hmac,
    /// Signs frames that the master sends.
    pub(crate) master: Hmac,
}

/// Which of the keys made one of the proofs. Every key is compared with every proof, and there
/// are always `KEYS_MAX` keys to work with, so that the time does not tell how many keys there are
/// or which one fits.
pub(crate) fn matching_key(
    keys: &[Key],
    proofs: &[&[u8]],
    prove: impl Fn(&Key) -> [u8; 32],
) -> Option<usize> {
    // Never accepted, only worked with: its value does not matter.
    let dummy = Key([0; 32]);
    let mut found = None;
    for slot in 0..KEYS_MAX {
        let key = keys.get(slot);
        let expected = prove(key.unwrap_or(&dummy));
        for proof in proofs {
            let same = hmac::equal(&expected, proof);
            found = if same & key.is_some() {
                Some(slot)
            } else {
                found
            };
        }
    }
    found
}

#[cfg(test)]
mod tests;
