//! Since when what update feeds answer may be otherwise, branch by branch, so that a new build of
//! one branch leaves the kept answers of all others good.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ids::BranchId;

/// Places of branches: with more branches some share a place, and lose an answer too many.
const PLACES: usize = 8_192;
/// Branches of one commit that are told apart; with more all answers are made anew.
const TOUCHED_MAX: usize = 500;

/// After every commit after which feeds may answer otherwise a number rises, and stands at the
/// branches concerned, before the one who asked for the commit hears of it.
#[derive(Debug)]
pub(super) struct FeedEpochs {
    newest: AtomicU64,
    /// The last commit that concerned every branch.
    all: AtomicU64,
    places: Box<[AtomicU64]>,
}

/// What was touched by the transactions that a thread runs.
#[derive(Debug, Default)]
pub(super) struct Touched {
    is_all: bool,
    branches: BTreeSet<i64>,
}

impl Touched {
    /// A branch, or all of them.
    pub(super) fn add(&mut self, branch: Option<i64>) {
        match branch {
            Some(branch) if self.branches.len() < TOUCHED_MAX => {
                self.branches.insert(branch);
            }
            _ => self.is_all = true,
        }
    }
}

impl Default for FeedEpochs {
    fn default() -> Self {
        Self {
            newest: AtomicU64::new(0),
            all: AtomicU64::new(0),
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl FeedEpochs {
    /// The number of the last commit that counts: what is read from now on has seen it.
    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::SeqCst)
    }

    /// Notes a commit.
    pub(super) fn raise(&self, touched: &Touched) {
        if !touched.is_all && touched.branches.is_empty() {
            return;
        }
        let number = self.newest.fetch_add(1, Ordering::SeqCst) + 1;
        if touched.is_all {
            self.all.fetch_max(number, Ordering::SeqCst);
        }
        for branch in &touched.branches {
            self.place(*branch).fetch_max(number, Ordering::SeqCst);
        }
    }

    /// Notes a commit that concerns every branch.
    pub(super) fn raise_all(&self) {
        let mut touched = Touched::default();
        touched.add(None);
        self.raise(&touched);
    }

    /// Whether what was read after the commit `since`, and follows from rows of these branches
    /// alone, is still so; without branches, whether nothing at all has changed.
    pub(super) fn is_good(&self, since: u64, branches: &[BranchId]) -> bool {
        if branches.is_empty() {
            return since == self.newest();
        }
        let is_before = |last: &AtomicU64| last.load(Ordering::SeqCst) <= since;
        is_before(&self.all)
            && branches
                .iter()
                .all(|branch| is_before(self.place(branch.0)))
    }

    fn place(&self, branch: i64) -> &AtomicU64 {
        let at = usize::try_from(branch.rem_euclid(PLACES as i64)).unwrap_or(0);
        &self.places[at]
    }
}

#[cfg(test)]
mod tests {
    //! What is good until when.

    use super::*;

    fn touched(branches: &[Option<i64>]) -> Touched {
        let mut touched = Touched::default();
        branches.iter().for_each(|branch| touched.add(*branch));
        touched
    }

    #[test]
    fn a_commit_ends_what_follows_from_its_branches_and_nothing_else() {
        let epochs = FeedEpochs::default();
        let begin = epochs.newest();
        epochs.raise(&touched(&[]));
        assert!(epochs.is_good(begin, &[]), "nothing was touched");
        epochs.raise(&touched(&[Some(3), Some(4)]));
        for (branches, is_good) in [
            (&[BranchId(3)][..], false),
            (&[BranchId(5), BranchId(4)], false),
            (&[BranchId(5)], true),
            (&[], false),
        ] {
            assert_eq!(epochs.is_good(begin, branches), is_good, "{branches:?}");
        }
        assert!(
            epochs.is_good(epochs.newest(), &[BranchId(3)]),
            "read after it"
        );
        let before = epochs.newest();
        epochs.raise(&touched(&[Some(5), None]));
        assert!(!epochs.is_good(before, &[BranchId(9)]), "all");
    }

    #[test]
    fn a_commit_of_very_many_branches_concerns_all() {
        let epochs = FeedEpochs::default();
        let mut touched = Touched::default();
        for branch in 0..1_000 {
            touched.add(Some(branch));
        }
        epochs.raise(&touched);
        assert!(!epochs.is_good(0, &[BranchId(7_000)]));
    }
}
