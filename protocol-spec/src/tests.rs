//! The vectors and the text against the code. Here: how a file of vectors is read.

mod text;
mod vectors;

use crate::hex;

/// One vector: its lines `name: value`, in order.
#[derive(Debug)]
pub(crate) struct Vector {
    lines: Vec<(String, String)>,
}

impl Vector {
    /// The values of all lines of a name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.lines.iter().filter(|(n, _)| n == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let value = self
            .first(name)
            .unwrap_or_else(|| panic!("no `{name}` in {self:?}"));
        hex::decode(value.as_bytes()).unwrap_or_else(|| panic!("bad hex in {self:?}"))
    }

    pub(crate) fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().unwrap()
    }
}

/// The vectors of a file: separated by empty lines, `#` begins a remark.
pub(crate) fn read(text: &str) -> Vec<Vector> {
    let vectors: Vec<Vector> = text
        .split("\n\n")
        .map(|block| {
            let lines = block
                .lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty());
            let split = |line: &str| {
                let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?}"));
                (name.to_owned(), value.trim_start().to_owned())
            };
            Vector {
                lines: lines.map(split).collect(),
            }
        })
        .filter(|vector| !vector.lines.is_empty())
        .collect();
    assert!(!vectors.is_empty());
    vectors
}
