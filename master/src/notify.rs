//! Who is told of a finished build: a pure decision. Queueing is `db::outbox`'s, sending
//! `notifier`'s.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::resolved::{Notify, Occasion, Receiver};
use crate::model::BuildResult;

/// Most mails of one build: a first poll may bring hundreds of authors, and a mail to all of them
/// would be an accident.
pub const MAILS_PER_BUILD_MAX: usize = 50;

/// A finished build as far as mail is concerned.
#[derive(Debug, Clone)]
pub struct Finished<'a> {
    /// The builder's name.
    pub builder: &'a str,
    /// How it ended.
    pub result: BuildResult,
    /// How the builder's last build before it ended that was not cancelled; none for its first.
    pub previous: Option<BuildResult>,
    /// Mail addresses of the authors of its changes, as version control has them: hostile text.
    pub authors: &'a [String],
}

/// One mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The `[notify.NAME]` that asked for it.
    pub notify: String,
    /// The receiver's address.
    pub receiver: String,
}

/// The mails of one finished build, at most one per receiver and [`MAILS_PER_BUILD_MAX`].
#[must_use]
pub fn decide(notifies: &BTreeMap<String, Notify>, finished: &Finished<'_>) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut told = BTreeSet::new();
    for (name, notify) in notifies {
        let concerned = notify.builders.is_empty()
            || notify
                .builders
                .iter()
                .any(|builder| builder == finished.builder);
        if !concerned || !notify.when.iter().any(|when| applies(*when, finished)) {
            continue;
        }
        for receiver in receivers(notify, finished) {
            if notices.len() < MAILS_PER_BUILD_MAX && told.insert(receiver.to_lowercase()) {
                notices.push(Notice {
                    notify: name.clone(),
                    receiver,
                });
            }
        }
    }
    notices
}

fn applies(when: Occasion, finished: &Finished<'_>) -> bool {
    let now = outcome(finished.result);
    let before = finished.previous.map(outcome);
    match when {
        Occasion::Always => true,
        Occasion::Success => now == Outcome::Good,
        Occasion::Failure => now == Outcome::Bad,
        Occasion::Failing => now == Outcome::Bad && before != Some(Outcome::Bad),
        Occasion::Recovered => now == Outcome::Good && before == Some(Outcome::Bad),
        Occasion::Change => now != Outcome::Stopped && finished.previous != Some(finished.result),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    Bad,
    /// Says nothing about the source.
    Stopped,
}

fn outcome(result: BuildResult) -> Outcome {
    match result {
        BuildResult::Success | BuildResult::Warnings => Outcome::Good,
        BuildResult::Failure | BuildResult::Error => Outcome::Bad,
        BuildResult::Cancelled | BuildResult::Skipped => Outcome::Stopped,
    }
}

fn receivers(notify: &Notify, finished: &Finished<'_>) -> Vec<String> {
    let mut addresses = Vec::new();
    for receiver in &notify.to {
        match receiver {
            Receiver::Address(address) => addresses.push(address.clone()),
            Receiver::Authors => {
                addresses.extend(
                    finished
                        .authors
                        .iter()
                        .filter(|text| is_address(text))
                        .cloned(),
                );
            }
        }
    }
    addresses
}

/// Whether an author's address can be one: what cannot is left out instead of failing later.
fn is_address(text: &str) -> bool {
    // 254 is the longest path that SMTP takes (RFC 5321, 4.5.3.1.3, without the brackets).
    let Some((user, domain)) = text.split_once('@').filter(|_| text.len() <= 254) else {
        return false;
    };
    let word = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    !user.is_empty()
        && user.chars().all(word)
        && !domain.is_empty()
        && domain
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.'))
        && !domain.starts_with(['-', '.'])
        && !domain.ends_with(['-', '.'])
}

#[cfg(test)]
mod tests;
