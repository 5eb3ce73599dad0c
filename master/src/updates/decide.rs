//! The rules in their order: shut-off, redirect, complete files, operating system and runtime,
//! rollout with fallback, comparison, watershed. Each leaves a sentence of explanation.

use std::cmp::Ordering;

use super::facts::{Choice, Facts, Terms};
use super::{Asker, Candidate, compare_by, compare_versions, is_inside, is_offerable, unmet};
use crate::ids::{ProductId, ReleaseId};
use crate::model::{ProductState, VersionScheme};

/// Most sentences of one explanation: beyond it only builds follow that do not run there.
const EXPLAINED_MAX: usize = 60;

/// What the asker wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Whether there is something newer than what it has.
    Update,
    /// Which product it should have, also when it has it.
    Current,
}

/// What it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Take this product.
    Offer {
        /// The product.
        product: ProductId,
        /// Applications should insist.
        is_critical: bool,
    },
    /// There is nothing newer than what it has.
    UpToDate,
    /// There is a newer product, and it does not run there.
    Unsupported {
        /// What it lacks.
        reason: String,
        /// The version of the newer product.
        version: String,
    },
    /// Updates are stopped.
    ShutOff {
        /// Why.
        reason: String,
    },
    /// There is nothing to offer to anybody.
    Nothing,
}

/// An answer and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub answer: Answer,
    /// Whether another asker of the same version may be told something else: a rollout is under
    /// way.
    pub depends_on_id: bool,
    /// The release that was offered.
    pub release: Option<ReleaseId>,
    /// One sentence per rule.
    pub explained: Vec<String>,
}

/// Decides. `facts.choices` must hold what may be offered, the most wanted first, and `facts.own`
/// every product of the asker's version.
#[must_use]
pub fn answer(facts: &Facts, asker: &Asker, wish: Wish) -> Decision {
    let mut desk = Desk {
        facts,
        asker,
        wish,
        depends_on_id: false,
        release: None,
        explained: Vec::new(),
    };
    let answer = desk.decide();
    desk.say(match &answer {
        Answer::Offer { product, .. } => format!("the answer is product {product}"),
        Answer::UpToDate => "the answer is: nothing newer".to_owned(),
        Answer::Unsupported { .. } => "the answer is: not for this machine".to_owned(),
        Answer::ShutOff { .. } => "the answer is: updates are stopped".to_owned(),
        Answer::Nothing => "the answer is: nothing at all".to_owned(),
    });
    Decision {
        answer,
        depends_on_id: desk.depends_on_id,
        release: desk.release,
        explained: desk.explained,
    }
}

/// Where the asker stands: its own build where that is known, else the last build of its version.
#[must_use]
pub fn place<'a>(own: &'a [Candidate], asker: &Asker) -> Option<&'a Candidate> {
    let version = asker.version.as_deref()?;
    let same = || {
        own.iter().filter(|candidate| {
            candidate.version == version || candidate.feed_version.as_deref() == Some(version)
        })
    };
    let exact = asker.build.and_then(|number| {
        same()
            .filter(|candidate| candidate.build_number == number)
            .max_by_key(|candidate| candidate.seq)
    });
    exact.or_else(|| same().max_by_key(|candidate| candidate.seq))
}

struct Desk<'a> {
    facts: &'a Facts,
    asker: &'a Asker,
    wish: Wish,
    depends_on_id: bool,
    release: Option<ReleaseId>,
    explained: Vec<String>,
}

/// A product that is newer than what the asker has and does not run there.
struct Beyond {
    reason: String,
    version: String,
}

impl<'a> Desk<'a> {
    fn say(&mut self, text: impl Into<String>) {
        if self.explained.len() < EXPLAINED_MAX {
            self.explained.push(text.into());
        }
    }

    fn decide(&mut self) -> Answer {
        if let Some(off) = self.facts.shut_offs.first() {
            let whose = if off.branch.is_some() {
                "the branch"
            } else {
                "the project"
            };
            self.say(format!("updates of {whose} are shut off: {}", off.reason));
            return Answer::ShutOff {
                reason: off.reason.clone(),
            };
        }
        self.say("updates are not shut off");
        self.explain_trail();
        self.say(if self.facts.is_released {
            "the branch offers releases only"
        } else {
            "the branch has no release: its newest build is offered"
        });
        self.explain_place();
        let offered: Vec<&'a Choice> = self.offerable();
        if offered.is_empty() {
            self.say("there is nothing complete to offer");
            return Answer::Nothing;
        }
        let (chosen, beyond) = self.choose(&offered);
        match chosen {
            Some(choice) => self.compare(choice, beyond),
            None => match beyond {
                Some(beyond) => unsupported(beyond),
                None => self.no_change(),
            },
        }
    }

    fn explain_trail(&mut self) {
        let trail = &self.facts.trail;
        for pair in trail.hops().windows(2) {
            if let [from, to] = pair {
                let text = format!("branch {} follows branch {}", from.name, to.name);
                self.say(text);
            }
        }
        if trail.is_broken() {
            self.say("the redirect leads nowhere: the branch that was asked answers itself");
        }
    }

    fn explain_place(&mut self) {
        let text = match (&self.asker.version, self.own()) {
            (None, _) => "the asker does not say its version".to_owned(),
            (Some(version), Some(own)) => format!(
                "version {version} is product {}, position {}, build {}",
                own.id, own.seq.0, own.seq.1
            ),
            (Some(version), None) => format!(
                "version {version} was never recorded here: it is compared as {} says",
                self.facts.scheme
            ),
        };
        self.say(text);
    }

    fn own(&self) -> Option<&'a Candidate> {
        place(&self.facts.own, self.asker)
    }

    /// What is complete and in a state in which it may be offered.
    fn offerable(&mut self) -> Vec<&'a Choice> {
        let mut all = Vec::new();
        for choice in &self.facts.choices {
            let (what, product) = (&choice.what, &choice.candidate);
            // What somebody released by name is offered again where it is a fallback.
            let is_named = self.facts.is_released && product.state == ProductState::Superseded;
            if !is_offerable(product.state) && !is_named {
                self.say(format!("{what}, {}, is {}", product.version, product.state));
            } else if !product.is_complete {
                let version = &product.version;
                self.say(format!("{what}, {version}, has files that are not there"));
            } else {
                all.push(choice);
            }
        }
        all
    }

    /// The first choice that runs there and whose rollout has reached the asker; and the first
    /// that would be its own but does not run there.
    fn choose(&mut self, offered: &[&'a Choice]) -> (Option<&'a Choice>, Option<Beyond>) {
        let mut beyond = None;
        for choice in offered {
            let (what, product) = (&choice.what, &choice.candidate);
            let is_own = self.own().is_some_and(|own| own.id == product.id);
            if !is_own && !self.is_reached(choice) {
                continue;
            }
            if let Some(reason) = unmet(product, self.asker) {
                self.say(format!("{what}, {}, {reason}", product.version));
                let is_newer = self.order(product).is_none_or(Ordering::is_gt);
                if beyond.is_none() && is_newer {
                    let version = product.version.clone();
                    beyond = Some(Beyond { reason, version });
                }
                continue;
            }
            self.say(format!("{what}, {}, is for this asker", product.version));
            return (Some(choice), beyond);
        }
        (None, beyond)
    }

    /// Whether the rollout of a choice has reached the asker.
    fn is_reached(&mut self, choice: &Choice) -> bool {
        let Some(terms) = &choice.terms else {
            return true;
        };
        let (what, percent) = (&choice.what, terms.percent);
        if terms.is_paused {
            self.say(format!("{what} is paused: nobody new gets it"));
            return false;
        }
        if percent >= 100 {
            return true;
        }
        self.depends_on_id |= percent > 0;
        if self.asker.force && percent > 0 {
            self.say(format!(
                "{what} is at {percent} %, and a person asks for it"
            ));
            return true;
        }
        let id = self.asker.id.as_deref();
        let is_inside = is_inside(&terms.salt, id, percent);
        self.say(match (id, is_inside) {
            (None, _) => format!("{what} is at {percent} %, and the asker has no id: outside"),
            (Some(_), true) => format!("{what} is at {percent} %: the asker is inside"),
            (Some(_), false) => format!("{what} is at {percent} %: the asker is outside"),
        });
        is_inside
    }

    /// How `product` stands to what the asker has; `None` where that cannot be told.
    fn order(&self, product: &Candidate) -> Option<Ordering> {
        let version = self.asker.version.as_deref()?;
        match self.own() {
            Some(own) => Some(product.seq.cmp(&own.seq)),
            None => compared(self.facts.scheme, product, version),
        }
    }

    fn compare(&mut self, choice: &Choice, beyond: Option<Beyond>) -> Answer {
        let product = &choice.candidate;
        let order = self.order(product);
        if self.asker.version.is_some() {
            self.say(match order {
                Some(Ordering::Greater) => "it is newer than what the asker has",
                Some(Ordering::Equal) => "it is what the asker has",
                Some(Ordering::Less) => "it is lower than what the asker has",
                None => "versions do not compare: the newest is offered",
            });
        }
        if order.is_none_or(Ordering::is_gt) {
            return match self.watershed(product, order) {
                Ok(Some(step)) => self.offer(step, None),
                Ok(None) => self.offer(product, choice.terms.as_ref()),
                Err(answer) => answer,
            };
        }
        if order == Some(Ordering::Less) && self.is_moved_down(product) {
            return self.offer(product, choice.terms.as_ref());
        }
        if self.wish == Wish::Current {
            return self.offer(product, choice.terms.as_ref());
        }
        beyond.map_or(Answer::UpToDate, unsupported)
    }

    /// Whether the asker has a product whose release was rolled back, and `lower` is another
    /// version.
    fn is_moved_down(&mut self, lower: &Candidate) -> bool {
        let Some(own) = self.own() else {
            return false;
        };
        // Who names no build and got the lower build of the same version would get it for ever.
        let is_told_apart = self.asker.build.is_some() || lower.version != own.version;
        let is_moved = self.facts.rolled_back.contains(&own.id) && is_told_apart;
        if is_moved {
            self.say("the release of what the asker has was rolled back: it is moved down");
        }
        is_moved
    }

    /// The lowest watershed between the asker and `product`.
    fn watershed(
        &mut self,
        product: &Candidate,
        order: Option<Ordering>,
    ) -> Result<Option<&'a Candidate>, Answer> {
        if order.is_none() {
            return Ok(None);
        }
        let facts = self.facts;
        let between = facts.watersheds.iter().filter(|step| {
            matches!(
                step.state,
                ProductState::Released | ProductState::Superseded
            ) && step.seq < product.seq
                && self.order(step).is_some_and(Ordering::is_gt)
        });
        let Some(step) = between.min_by_key(|step| step.seq) else {
            return Ok(None);
        };
        let version = &step.version;
        self.say(format!("nobody may leap over the watershed {version}"));
        if let Some(reason) = unmet(step, self.asker) {
            self.say(format!("the watershed {version} {reason}"));
            let version = version.clone();
            return Err(unsupported(Beyond { reason, version }));
        }
        if !step.is_complete {
            self.say("the watershed has files that are not there");
            return Err(self.no_change());
        }
        Ok(Some(step))
    }

    /// The answer to who is offered nothing, though others are.
    fn no_change(&self) -> Answer {
        match (self.wish, &self.asker.version) {
            (Wish::Update, Some(_)) => Answer::UpToDate,
            (Wish::Update, None) | (Wish::Current, _) => Answer::Nothing,
        }
    }

    fn offer(&mut self, product: &Candidate, terms: Option<&Terms>) -> Answer {
        self.release = terms.map(|terms| terms.release);
        Answer::Offer {
            product: product.id,
            is_critical: terms.is_some_and(|terms| terms.is_critical),
        }
    }
}

fn unsupported(beyond: Beyond) -> Answer {
    Answer::Unsupported {
        reason: beyond.reason,
        version: beyond.version,
    }
}

/// How a product stands to a version that was never recorded.
fn compared(scheme: VersionScheme, product: &Candidate, version: &str) -> Option<Ordering> {
    // Texts of one kind are compared: who says a semantic version means the feed version where
    // the version text is none.
    let is_semantic = |text: &str| semver::Version::parse(text).is_ok();
    match &product.feed_version {
        Some(feed) if is_semantic(version) && !is_semantic(&product.version) => {
            compare_versions(feed, version)
        }
        _ => compare_by(scheme, &product.version, version),
    }
}
