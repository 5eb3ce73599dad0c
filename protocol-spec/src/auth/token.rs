//! The one-time token that an agent enrols with: a public id, and a secret that stands in for
//! the key in one handshake. How long it is good, and for whom, is the master's business.

use super::Key;
use crate::hello::name_is_valid;
use crate::hex;
use std::fmt;

/// What a token looks like as text.
const TOKEN_PREFIX: &str = "wlt1_";

/// A token. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What the agent's HELLO names it by; characters as of a name.
    pub id: String,
    /// K of the handshake that it is used in.
    pub secret: Key,
}

impl Token {
    /// Reads `wlt1_`, the id, `_` and 64 lower-case hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(TOKEN_PREFIX)?.rsplit_once('_')?;
        if !name_is_valid(id) {
            return None;
        }
        let secret = hex::decode_array(secret.as_bytes()).map(Key::from_bytes)?;
        Some(Self {
            id: id.to_owned(),
            secret,
        })
    }

    /// `wlt1_`, the id, `_` and 64 lower-case hex digits: what a person pastes on the machine.
    pub fn to_text(&self) -> String {
        let secret = hex::encode(self.secret.as_bytes());
        format!("{TOKEN_PREFIX}{}_{secret}", self.id)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, secret)", self.id)
    }
}
