//! Judging the products of one branch and target, from the newest to the oldest, in constant
//! memory.

use std::time::Duration;

use super::{Reasons, Terms};
use crate::clock::Time;
use crate::ids::ProductId;
use crate::model::ProductState;
use crate::updates::is_offerable;

/// Shortest time for which a product stays even when space is short: somebody may be fetching what
/// was built today.
const SHORT_OF_SPACE: Duration = Duration::from_secs(86_400);

/// Needs of system and runtime that are told apart in one walk: they change once a year. Who has
/// others behind that many is kept.
const NEEDS_MAX: usize = 256;

/// The branch of the products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Name of its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Time>,
}

impl Branch {
    /// Whether its products are kept as those of a branch that people work on.
    #[must_use]
    pub fn is_living(&self, terms: Option<&Terms>, now: Time) -> bool {
        let grace = terms.and_then(|terms| terms.deleted_branches);
        match (self.deleted_at, grace) {
            (Some(at), Some(grace)) => now.since(at) < grace,
            _ => true,
        }
    }
}

/// What the decision needs of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its id.
    pub id: ProductId,
    /// Its state.
    pub state: ProductState,
    /// When it was recorded.
    pub recorded_at: Time,
    /// When it came back from the trash.
    pub restored_at: Option<Time>,
    /// Whether the last verdict is `good`.
    pub is_good: bool,
    /// Since when it is `bad` with a bug named.
    pub bad_since: Option<Time>,
    /// When its last hold ended.
    pub unheld_at: Option<Time>,
    /// Whether all its files are in the store.
    pub is_complete: bool,
    /// What it needs of system and runtime, as one text.
    pub needs: String,
    /// Whether it has a map of blocks; only asked of the one before the newest.
    pub has_block_map: bool,
    /// What rows of other tables tell.
    pub references: Reasons,
}

impl Facts {
    /// Whether it is bad for so long that it counts no more.
    fn is_spent(&self, terms: &Terms, now: Time) -> bool {
        let since = self.bad_since.zip(terms.bad);
        since.is_some_and(|(since, days)| now.since(since) >= days)
    }
}

/// What becomes of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Why it stays; none when it may be collected.
    pub reasons: Reasons,
    /// The rule by which it may be collected; empty when it stays.
    pub rule: String,
}

/// A walk over the products of one branch and target, in descending order.
#[derive(Debug, Clone)]
pub struct Walk {
    terms: Option<Terms>,
    living: bool,
    now: Time,
    /// By how much the time that products stay is divided, because space is short; 1 if not.
    divisor: u32,
    newest: u32,
    good: u32,
    /// What the newer ones need of system and runtime, each once.
    needs: Vec<String>,
    /// What the branch offers before and after the collection.
    latest: (Option<ProductId>, Option<ProductId>),
}

impl Walk {
    /// Begins; `divisor` shortens the days where space is short, and is 1 otherwise.
    #[must_use]
    pub fn new(terms: Option<Terms>, branch: &Branch, now: Time, divisor: u32) -> Self {
        Self {
            living: branch.is_living(terms.as_ref(), now),
            terms,
            now,
            divisor: divisor.max(1),
            newest: 0,
            good: 0,
            needs: Vec::new(),
            latest: (None, None),
        }
    }

    /// Whether the next product is the one before the newest and its block map matters.
    #[must_use]
    pub fn asks_for_block_map(&self) -> bool {
        self.living
            && self.newest == 1
            && self
                .terms
                .as_ref()
                .is_some_and(|terms| terms.keep_newest < 2)
    }

    /// Judges the next product.
    pub fn judge(&mut self, facts: &Facts) -> Judged {
        let place = self.place(facts);
        let reasons = facts.references.and(place).and(self.age(facts));
        let reasons = match facts.state {
            ProductState::Released => reasons.and(Reasons::RELEASED),
            _ => reasons,
        };
        if is_offerable(facts.state) && facts.is_complete {
            self.latest.0.get_or_insert(facts.id);
            if !reasons.is_empty() {
                self.latest.1.get_or_insert(facts.id);
            }
        }
        let rule = match reasons.is_empty() {
            true => self.rule(facts),
            false => String::new(),
        };
        Judged { reasons, rule }
    }

    /// What the branch and target offer before and after everything that was judged to go is gone.
    #[must_use]
    pub fn latest(&self) -> (Option<ProductId>, Option<ProductId>) {
        self.latest
    }

    /// Whether the branch is one that people work on.
    #[must_use]
    pub fn is_living(&self) -> bool {
        self.living
    }

    /// The reasons of its place among the others.
    fn place(&mut self, facts: &Facts) -> Reasons {
        let Some(terms) = &self.terms else {
            return Reasons::NO_POLICY;
        };
        let mut reasons = Reasons::NONE;
        if !self.living {
            return reasons;
        }
        let is_first = self.latest.0.is_none();
        if is_first && is_offerable(facts.state) && facts.is_complete {
            reasons = reasons.and(Reasons::LATEST);
        }
        let is_offered = is_offerable(facts.state) && facts.is_complete;
        if is_offered && !self.needs.contains(&facts.needs) {
            if !is_first {
                reasons = reasons.and(Reasons::RUNS_ELSEWHERE);
            }
            if self.needs.len() < NEEDS_MAX {
                self.needs.push(facts.needs.clone());
            }
        }
        if facts.state == ProductState::Withdrawn || facts.is_spent(terms, self.now) {
            return reasons;
        }
        if self.newest < terms.keep_newest {
            reasons = reasons.and(Reasons::NEWEST);
        }
        if self.newest == 1 && facts.has_block_map {
            reasons = reasons.and(Reasons::BLOCK_MAP);
        }
        self.newest = self.newest.saturating_add(1);
        if facts.is_good {
            if self.good < terms.keep_newest_good {
                reasons = reasons.and(Reasons::NEWEST_GOOD);
            }
            self.good = self.good.saturating_add(1);
        }
        reasons
    }

    /// The reasons of its age.
    fn age(&self, facts: &Facts) -> Reasons {
        let Some(terms) = &self.terms else {
            return Reasons::NONE;
        };
        let since = |at: Option<Time>| at.map_or(Duration::MAX, |at| self.now.since(at));
        let mut reasons = Reasons::NONE;
        let ended = facts.unheld_at.filter(|at| *at <= self.now);
        if since(ended) < terms.grace || since(facts.restored_at) < terms.grace {
            reasons = reasons.and(Reasons::GRACE);
        }
        if !self.living || facts.is_spent(terms, self.now) {
            return reasons;
        }
        let keep = match self.divisor {
            1 => terms.keep,
            divisor => (terms.keep / divisor).max(SHORT_OF_SPACE.min(terms.keep)),
        };
        let begin = facts.recorded_at.max(facts.restored_at.unwrap_or(Time(0)));
        if self.now.since(begin) < keep {
            reasons = reasons.and(Reasons::YOUNG);
        }
        reasons
    }

    fn rule(&self, facts: &Facts) -> String {
        let Some(terms) = &self.terms else {
            return String::new();
        };
        let days = |span: Duration| span.as_secs() / 86_400;
        if facts.is_spent(terms, self.now) {
            let bad = terms.bad.map_or(0, days);
            return format!("bad, with a bug named, for {bad} days or more");
        }
        if !self.living {
            let gone = terms.deleted_branches.map_or(0, days);
            return format!("its branch was deleted {gone} days ago or more");
        }
        let (keep, newest) = (days(terms.keep), terms.keep_newest);
        match self.divisor {
            1 => format!("{keep} days old or more, and not among the {newest} newest"),
            _ => format!(
                "the quota is nearly used up: not among the {newest} newest, though not yet \
                 {keep} days old"
            ),
        }
    }
}
