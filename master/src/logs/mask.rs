//! Hiding secrets in a stream of bytes: each byte of one becomes `*`, so that offsets stay what
//! they were. Not here: which bytes are secrets.

/// What takes the place of each byte of a secret.
const COVER: u8 = b'*';

/// A stream in which secrets are hidden. What may be the beginning of one is held back until more
/// bytes tell.
pub(super) struct Mask {
    secrets: Vec<Vec<u8>>,
    /// Bytes that came and are not given out yet, and which of them belong to a secret already.
    held: Vec<u8>,
    covered: Vec<bool>,
}

impl Mask {
    /// A mask for these secrets; an empty one is none.
    pub(super) fn new(mut secrets: Vec<Vec<u8>>) -> Self {
        secrets.retain(|secret| !secret.is_empty());
        Self {
            secrets,
            held: Vec::new(),
            covered: Vec::new(),
        }
    }

    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes the next bytes of the stream and gives those of which it is decided what they are.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let before = self.held.len();
        self.held.extend_from_slice(bytes);
        self.covered.resize(self.held.len(), false);
        for secret in &self.secrets {
            // One that ends within what was held was found before.
            let mut from = (before + 1).saturating_sub(secret.len());
            while let Some(at) = find(&self.held, secret, from) {
                self.covered[at..at + secret.len()].fill(true);
                from = at + 1;
            }
        }
        self.give(self.held.len() - self.beginning())
    }

    /// Gives what is held: nothing follows, so it is no beginning of a secret.
    pub(super) fn settle(&mut self) -> Vec<u8> {
        self.give(self.held.len())
    }

    /// Gives what is held as if it were a secret.
    pub(super) fn cover(&mut self) -> Vec<u8> {
        self.covered.fill(true);
        self.settle()
    }

    /// Forgets what is held: it will come again.
    pub(super) fn forget(&mut self) {
        self.held.clear();
        self.covered.clear();
    }

    /// Length of the longest end of what is held that a secret may begin with.
    fn beginning(&self) -> usize {
        let of = |secret: &Vec<u8>| {
            (1..secret.len().min(self.held.len() + 1))
                .rev()
                .find(|length| self.held.ends_with(&secret[..*length]))
                .unwrap_or(0)
        };
        self.secrets.iter().map(of).max().unwrap_or(0)
    }

    fn give(&mut self, count: usize) -> Vec<u8> {
        let given = self.held.drain(..count).zip(self.covered.drain(..count));
        given
            .map(|(byte, covered)| if covered { COVER } else { byte })
            .collect()
    }
}

/// Where `wanted`, which is not empty, begins in `bytes` at or after `from`.
fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let last = bytes.len().checked_sub(wanted.len())?;
    let mut at = from;
    while at <= last {
        at += bytes[at..=last]
            .iter()
            .position(|byte| *byte == wanted[0])?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests;
