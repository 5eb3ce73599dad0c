//! Unknown keys added to what we send, so that receivers stay tolerant of keys to come. Derived
//! from the nonce: they need not be secret, only different each time.

use crate::boxes::Boxed;
use crate::hex;
use crate::sha256::digest;

/// Makes a new key for each box.
#[derive(Debug)]
pub(super) struct Grease {
    /// The hash the next key is taken from.
    state: [u8; 32],
}

impl Grease {
    /// From the nonce of the connection.
    pub(super) fn new(nonce: &[u8; 32]) -> Self {
        Self {
            state: digest(nonce),
        }
    }

    /// Appends `x-` and eight random digits with 0 to 7 random bytes. Keys that begin with `x-`
    /// never mean anything.
    pub(super) fn add(&mut self, pairs: &mut Boxed) {
        self.state = digest(&self.state);
        let key = format!("x-{}", hex::encode(&self.state[..4]));
        let length = usize::from(self.state[4] & 7);
        pairs.push(&key, &self.state[8..8 + length]);
    }
}
