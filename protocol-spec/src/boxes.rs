//! The box: the payload of every control frame. `u8 key length | key | u32 value length | value`
//! repeated; a repeated key is a list, an unknown key is ignored, a key that starts with `!`
//! must be understood.

use crate::limits;
use std::fmt;

/// Pairs of key and value in the order they are sent.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Boxed {
    pairs: Vec<(String, Vec<u8>)>,
}

/// Why a box cannot be read, or a value of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BoxError {
    /// The bytes end inside a pair.
    Truncated,
    /// More than `BOX_PAIRS_MAX` pairs.
    TooManyPairs,
    /// A key is empty, longer than `BOX_KEY_MAX` or has a byte outside `a-z 0-9 _ . - !`.
    BadKey,
    /// A required key is missing.
    Missing(&'static str),
    /// The value of this key is malformed; the second text says what would be right.
    BadValue(&'static str, &'static str),
    /// A key marked `!` is not known here.
    NotUnderstood(String),
}

impl fmt::Display for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the box ends inside a pair"),
            Self::TooManyPairs => f.write_str("the box has too many pairs"),
            Self::BadKey => f.write_str("a key of the box is malformed"),
            Self::Missing(key) => write!(f, "`{key}` is missing"),
            Self::BadValue(key, right) => write!(f, "`{key}` must be {right}"),
            Self::NotUnderstood(key) => write!(f, "`{key}` must be understood and is not known"),
        }
    }
}

impl std::error::Error for BoxError {}

impl Boxed {
    /// An empty box.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a pair. The key must be well-formed (see `BoxError::BadKey`); the value is bytes.
    pub fn push(&mut self, key: &str, value: impl AsRef<[u8]>) {
        debug_assert!(key_is_valid(key.as_bytes()), "bad box key {key:?}");
        self.pairs.push((key.to_owned(), value.as_ref().to_vec()));
    }

    /// Appends an integer as ASCII decimal.
    pub fn push_number(&mut self, key: &str, value: u64) {
        self.push(key, value.to_string());
    }

    /// Appends `1` if the flag is set, nothing otherwise: an absent flag is 0.
    pub fn push_flag(&mut self, key: &str, value: bool) {
        if value {
            self.push(key, "1");
        }
    }

    /// The first value of a key.
    pub fn first(&self, key: &str) -> Option<&[u8]> {
        self.pairs
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_slice())
    }

    /// All values of a key, in order.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.pairs
            .iter()
            .filter(move |(k, _)| k == key)
            .map(|(_, v)| v.as_slice())
    }

    /// Every pair in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.pairs.iter().map(|(k, v)| (k.as_str(), v.as_slice()))
    }

    /// The first value as UTF-8 text, if the key is there.
    pub fn text(&self, key: &'static str) -> Result<Option<&str>, BoxError> {
        let Some(value) = self.first(key) else {
            return Ok(None);
        };
        std::str::from_utf8(value)
            .map(Some)
            .map_err(|_| BoxError::BadValue(key, "UTF-8 text"))
    }

    /// The first value as a number: ASCII decimal, no sign, no leading zero.
    pub fn number(&self, key: &'static str) -> Result<Option<u64>, BoxError> {
        let Some(value) = self.first(key) else {
            return Ok(None);
        };
        parse_number(value)
            .map(Some)
            .ok_or(BoxError::BadValue(key, "a decimal number"))
    }

    /// The first value as a flag: `0` or `1`, absent is 0.
    pub fn flag(&self, key: &'static str) -> Result<bool, BoxError> {
        match self.first(key) {
            None | Some(b"0") => Ok(false),
            Some(b"1") => Ok(true),
            Some(_) => Err(BoxError::BadValue(key, "0 or 1")),
        }
    }

    /// The first value of a key that must be there.
    pub fn require(&self, key: &'static str) -> Result<&[u8], BoxError> {
        self.first(key).ok_or(BoxError::Missing(key))
    }

    /// The text of a key that must be there.
    pub fn require_text(&self, key: &'static str) -> Result<&str, BoxError> {
        self.text(key)?.ok_or(BoxError::Missing(key))
    }

    /// The number of a key that must be there.
    pub fn require_number(&self, key: &'static str) -> Result<u64, BoxError> {
        self.number(key)?.ok_or(BoxError::Missing(key))
    }

    /// Fails if a key marked `!` is not among `known` (written without the mark's meaning: the
    /// whole key, `!` included).
    pub fn check_understood(&self, known: &[&str]) -> Result<(), BoxError> {
        match self
            .pairs
            .iter()
            .find(|(k, _)| k.starts_with('!') && !known.contains(&k.as_str()))
        {
            Some((key, _)) => Err(BoxError::NotUnderstood(key.clone())),
            None => Ok(()),
        }
    }

    /// Appends every pair of another box.
    pub fn append(&mut self, other: Boxed) {
        self.pairs.extend(other.pairs);
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Bytes that `encode` gives.
    pub fn encoded_len(&self) -> usize {
        self.pairs.iter().map(|(k, v)| 5 + k.len() + v.len()).sum()
    }

    /// The bytes of the box.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        for (key, value) in &self.pairs {
            encode_pair(&mut bytes, key, value);
        }
        bytes
    }

    /// Reads a whole payload.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, BoxError> {
        let mut pairs = Vec::new();
        while let Some((&key_len, rest)) = bytes.split_first() {
            if pairs.len() == limits::BOX_PAIRS_MAX {
                return Err(BoxError::TooManyPairs);
            }
            let (key, rest) = rest
                .split_at_checked(key_len.into())
                .ok_or(BoxError::Truncated)?;
            if !key_is_valid(key) {
                return Err(BoxError::BadKey);
            }
            let (len, rest) = rest.split_first_chunk::<4>().ok_or(BoxError::Truncated)?;
            let len = u32::from_be_bytes(*len) as usize;
            let (value, rest) = rest.split_at_checked(len).ok_or(BoxError::Truncated)?;
            pairs.push((String::from_utf8_lossy(key).into_owned(), value.to_vec()));
            bytes = rest;
        }
        Ok(Self { pairs })
    }
}

/// Appends one encoded pair.
pub(crate) fn encode_pair(bytes: &mut Vec<u8>, key: &str, value: &[u8]) {
    bytes.push(key.len() as u8);
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(&(value.len() as u32).to_be_bytes());
    bytes.extend_from_slice(value);
}

/// ASCII decimal without sign and without leading zeros.
pub(crate) fn parse_number(value: &[u8]) -> Option<u64> {
    let canonical = value == b"0" || value.first().is_some_and(|b| (b'1'..=b'9').contains(b));
    if !canonical || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn key_is_valid(key: &[u8]) -> bool {
    let name = key.strip_prefix(b"!").unwrap_or(key);
    !name.is_empty()
        && key.len() <= limits::BOX_KEY_MAX
        && name
            .iter()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests;
