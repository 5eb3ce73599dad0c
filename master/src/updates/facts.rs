//! What an answer is decided from, as it was loaded: nothing here decides.

use super::{Candidate, Rollout};
use crate::ids::{BranchId, ProductId, ReleaseId};
use crate::model::VersionScheme;

/// Most branches that a redirect leads through: a branch merged into one that was merged, and so
/// on; a longer chain is a mistake.
pub const HOPS_MAX: usize = 8;

/// A branch on the way of a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The branch.
    pub id: BranchId,
    /// Its name.
    pub name: String,
    /// The branch that it follows, if any.
    pub follows: Option<BranchId>,
}

/// The way from the branch that was asked to the one that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    hops: Vec<Hop>,
}

impl Trail {
    /// Begins at the branch that was asked.
    #[must_use]
    pub fn begin(asked: Hop) -> Self {
        Self { hops: vec![asked] }
    }

    /// The branch to look at next; `None` where the way ends: nothing is followed, the way came
    /// back to where it was, or it is too long.
    #[must_use]
    pub fn next(&self) -> Option<BranchId> {
        let next = self.hops.last()?.follows?;
        let is_loop = self.hops.iter().any(|hop| hop.id == next);
        (!is_loop && self.hops.len() < HOPS_MAX).then_some(next)
    }

    /// Goes on to the branch that [`Trail::next`] named.
    pub fn go(&mut self, hop: Hop) {
        self.hops.push(hop);
    }

    /// The branches, the asked one first.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// The branch that answers; the asked one where the way ends nowhere.
    #[must_use]
    pub fn end(&self) -> Option<&Hop> {
        let is_broken = self.hops.last().is_some_and(|hop| hop.follows.is_some());
        if is_broken {
            self.hops.first()
        } else {
            self.hops.last()
        }
    }

    /// Whether the way ends nowhere: a loop, or longer than [`HOPS_MAX`].
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.hops.last().is_some_and(|hop| hop.follows.is_some())
    }
}

/// Updates that were stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutOff {
    /// The branch; all branches of the project when absent.
    pub branch: Option<BranchId>,
    /// Why.
    pub reason: String,
}

/// Under which terms a release is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The release.
    pub release: ReleaseId,
    /// How many of a hundred get it.
    pub percent: i64,
    /// What ids are hashed with.
    pub salt: String,
    /// Nobody new gets it.
    pub is_paused: bool,
    /// Applications should insist.
    pub is_critical: bool,
}

/// A product that may be the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The product.
    pub candidate: Candidate,
    /// Its release; `None` on branches without releases, and for a fallback.
    pub terms: Option<Terms>,
    /// What it is, for the explanation: `release 7`, `the fallback of release 7`, `a build`.
    pub what: String,
}

/// Everything that an answer is decided from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The way to the branch that answers.
    pub trail: Trail,
    /// What is shut off of the project and of the branches on the way.
    pub shut_offs: Vec<ShutOff>,
    /// Whether the branch offers releases alone.
    pub is_released: bool,
    /// What may be offered, the most wanted first.
    pub choices: Vec<Choice>,
    /// Products that nobody may leap over.
    pub watersheds: Vec<Candidate>,
    /// The products of the asker's version, in whatever state, in any order.
    pub own: Vec<Candidate>,
    /// Those of `own` whose release was rolled back: who has them may be moved down.
    pub rolled_back: Vec<ProductId>,
    /// How version texts of the project are compared.
    pub scheme: VersionScheme,
}

impl Facts {
    /// The rollouts under way: all that the id of an asker can make a difference by.
    #[must_use]
    pub fn rollouts(&self) -> Vec<Rollout> {
        let terms = self
            .choices
            .iter()
            .filter_map(|choice| choice.terms.as_ref());
        let under_way = terms.filter(|terms| !terms.is_paused && (1..100).contains(&terms.percent));
        let rollout = |terms: &Terms| Rollout {
            salt: terms.salt.clone(),
            percent: terms.percent,
        };
        under_way.map(rollout).collect()
    }
}
