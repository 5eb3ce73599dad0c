//! What the products are made of: few contents, so that products share them and a content comes
//! again while it is on its way out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// Bytes of each: two of them are read in more than one piece.
const SIZES: [usize; 4] = [66_000, 65_537, 11, 3];

/// The contents by name.
pub(super) struct Contents {
    all: Vec<(String, Bytes)>,
    by_name: BTreeMap<String, usize>,
    /// Those that somebody stored and then let lie.
    left_over: RefCell<BTreeSet<String>>,
}

impl Contents {
    pub(super) fn new() -> Self {
        let content = |(n, size): (usize, usize)| {
            let bytes: Vec<u8> = (0..size)
                .map(|at| (at * 31 + n * 7 + at / 251) as u8)
                .collect();
            let name: String = Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            (name, Bytes::from(bytes))
        };
        let all: Vec<(String, Bytes)> = SIZES.into_iter().enumerate().map(content).collect();
        let names = all
            .iter()
            .enumerate()
            .map(|(n, (name, _))| (name.clone(), n));
        Self {
            by_name: names.collect(),
            all,
            left_over: RefCell::default(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, n: usize) -> &(String, Bytes) {
        &self.all[n]
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(name, _)| name.as_str())
    }

    /// The content of this name.
    pub(super) fn of(&self, sha256: &str) -> &Bytes {
        let n = self.by_name.get(sha256);
        &self.all[*n.unwrap_or_else(|| panic!("nobody stored {sha256}"))].1
    }

    /// Somebody stored it and goes away without a word.
    pub(super) fn leave(&self, sha256: &str) {
        self.left_over.borrow_mut().insert(sha256.to_owned());
    }

    pub(super) fn is_left_over(&self, sha256: &str) -> bool {
        self.left_over.borrow().contains(sha256)
    }

    /// Nothing is left over any more.
    pub(super) fn forget(&self) {
        self.left_over.borrow_mut().clear();
    }
}
