//! Tables of answers, and what holds for any facts whatever.

use std::cmp::Ordering;

use super::*;
use crate::ids::{BranchId, ReleaseId};
use crate::model::VersionScheme;

mod promises;
mod rules;

pub(super) fn product(id: i64, position: i64, build: i64, version: &str) -> Candidate {
    Candidate {
        id: ProductId(id),
        seq: (position, build, id),
        version: version.to_owned(),
        feed_version: None,
        build_number: build,
        state: ProductState::Recorded,
        runtime: None,
        min_os: None,
        max_os: None,
        is_complete: true,
    }
}

fn asks(version: &str, build: Option<i64>) -> Asker {
    Asker {
        version: Some(version.to_owned()),
        build,
        ..Asker::default()
    }
}

fn choice(candidate: Candidate) -> Choice {
    Choice {
        what: format!("build {}", candidate.build_number),
        candidate,
        terms: None,
    }
}

/// A branch without releases; every product is one of the asker's version, should it say so.
fn nightly(products: &[Candidate]) -> Facts {
    let mut choices: Vec<Choice> = products.iter().cloned().map(choice).collect();
    choices.sort_by_key(|choice| std::cmp::Reverse(choice.candidate.seq));
    Facts {
        trail: Trail::begin(hop(1, None)),
        shut_offs: Vec::new(),
        is_released: false,
        choices,
        watersheds: Vec::new(),
        own: products.to_vec(),
        rolled_back: Vec::new(),
        scheme: VersionScheme::Dotted,
    }
}

fn hop(id: i64, follows: Option<i64>) -> Hop {
    Hop {
        id: BranchId(id),
        name: format!("b{id}"),
        follows: follows.map(BranchId),
    }
}

/// A branch whose release offers `head` to so many of a hundred.
fn released(head: &Candidate, percent: i64, fallback: Option<&Candidate>) -> Facts {
    let terms = Terms {
        release: ReleaseId(7),
        percent,
        salt: "salt".to_owned(),
        is_paused: false,
        is_critical: false,
    };
    let mut facts = nightly(&[]);
    facts.is_released = true;
    facts.choices = vec![Choice {
        candidate: head.clone(),
        terms: Some(terms),
        what: "release 7".to_owned(),
    }];
    facts.choices.extend(fallback.cloned().map(choice));
    facts.own = facts.choices.iter().map(|c| c.candidate.clone()).collect();
    facts
}

fn told(facts: &Facts, asker: &Asker) -> Answer {
    answer(facts, asker, Wish::Update).answer
}

fn offer(id: i64) -> Answer {
    Answer::Offer {
        product: ProductId(id),
        is_critical: false,
    }
}

#[test]
fn versions_compare_as_people_mean_them() {
    use Ordering::{Equal, Greater, Less};
    for (left, right, order) in [
        ("1.0", "1.0", Some(Equal)),
        ("1.9", "1.10", Some(Less)),
        ("v1.2.3", "1.2.3", Some(Equal)),
        ("1.2.0-rc.1", "1.2.0", Some(Less)),
        ("1.2.0-rc.2", "1.2.0-rc.10", Some(Less)),
        ("v1.2.0-5-gabcdef0", "v1.2.0", Some(Greater)),
        ("v1.2.0-5-gabcdef0", "v1.2.0-12-g0123456", Some(Less)),
        ("v1.2.0-5-gabcdef0-dirty", "v1.3.0", Some(Less)),
        ("2024.01.3.7", "2024.01.3.10", Some(Less)),
        ("2024.01", "2024.1.0.0", Some(Equal)),
        ("abc", "1.0", None),
        ("1.0", "", None),
        ("99999999999999999999999999.1", "1.0", None),
    ] {
        assert_eq!(compare_versions(left, right), order, "{left} {right}");
        let back = order.map(Ordering::reverse);
        assert_eq!(compare_versions(right, left), back, "{right} {left}");
    }
}
