//! Requests as a stranger would write them from the text: pairs in any order, the digest made
//! here and not by the library that the agent may be built on.

use windlass_protocol::sha256::digest;
use windlass_protocol::{Boxed, CommandId, hex};

use crate::random::Random;
use crate::shell::Shell;

/// The keys that the digest leaves out.
const NOT_IN_DIGEST: [&str; 7] = [
    "op",
    "id",
    "generation",
    "digest",
    "lease_s",
    "from",
    "limit",
];

/// An `exec` that may be asked again.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) id: CommandId,
    pub(crate) generation: u64,
    pub(crate) lease_s: Option<u64>,
    pub(crate) pairs: Vec<(String, Vec<u8>)>,
}

impl Ask {
    /// A command of these pairs.
    pub(crate) fn new(random: &mut Random, pairs: &[(&str, &[u8])]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&random.block()[..16]);
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.to_vec()));
        Self {
            id: CommandId(id),
            generation: 1,
            lease_s: None,
            pairs: pairs.collect(),
        }
    }

    /// A script of these lines.
    pub(crate) fn script(random: &mut Random, shell: Shell, lines: &[String]) -> Self {
        let text = shell.script(lines);
        let shell = shell.name().as_bytes();
        Self::new(random, &[("script", text.as_bytes()), ("shell", shell)])
    }

    /// With one more pair.
    pub(crate) fn with(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.pairs.push((key.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// The digest of the arguments.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        for (key, value) in &self.pairs {
            if !key.starts_with("x-") && !NOT_IN_DIGEST.contains(&key.as_str()) {
                bytes.push(key.len() as u8);
                bytes.extend_from_slice(key.as_bytes());
                bytes.extend_from_slice(&(value.len() as u32).to_be_bytes());
                bytes.extend_from_slice(value);
            }
        }
        digest(&bytes)
    }

    /// The request.
    pub(crate) fn to_box(&self) -> Boxed {
        let mut pairs = request("exec", &[]);
        pairs.push("id", self.id.to_string());
        pairs.push_number("generation", self.generation);
        pairs.push("digest", hex::encode(&self.digest()));
        if let Some(lease_s) = self.lease_s {
            pairs.push_number("lease_s", lease_s);
        }
        self.pairs
            .iter()
            .for_each(|(key, value)| pairs.push(key, value));
        pairs
    }

    /// Another operation on this command: `attach`, `forget`, or `signal` with its pairs.
    pub(crate) fn about(&self, op: &str, pairs: &[(&str, &[u8])]) -> Boxed {
        let (id, generation) = (self.id.to_string(), self.generation.to_string());
        let mut all: Vec<(&str, &[u8])> =
            vec![("id", id.as_bytes()), ("generation", generation.as_bytes())];
        all.extend_from_slice(pairs);
        request(op, &all)
    }
}

/// A request of these pairs.
pub(crate) fn request(op: &str, pairs: &[(&str, &[u8])]) -> Boxed {
    let mut request = Boxed::new();
    request.push("op", op);
    pairs
        .iter()
        .for_each(|(key, value)| request.push(key, value));
    request
}
