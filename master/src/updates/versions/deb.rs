//! Version texts of Debian packages, `epoch:upstream-revision`, by the rules of the Debian policy.

use std::cmp::Ordering;

use super::VERSION_BYTES_MAX;

/// A version taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deb<'a> {
    epoch: u32,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Deb<'a> {
    /// Takes a text apart; `None` where it breaks the policy's rules.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > VERSION_BYTES_MAX {
            return None;
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => {
                (epoch.parse().ok()?, rest)
            }
            Some(_) => return None,
            None => (0, text),
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (rest, ""),
        };
        let fits = |part: &str, others: &[u8]| {
            let is_possible = |b: u8| b.is_ascii_alphanumeric() || others.contains(&b);
            part.bytes().all(is_possible)
        };
        let is_version = upstream.starts_with(|c: char| c.is_ascii_digit())
            && fits(upstream, b".+~-:")
            && fits(revision, b".+~");
        is_version.then_some(Self {
            epoch,
            upstream,
            revision,
        })
    }

    /// The order of two versions: epoch, then upstream, then revision.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| parts(self.upstream, other.upstream))
            .then_with(|| parts(self.revision, other.revision))
    }
}

/// Runs of other characters and runs of digits in turn.
fn parts(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    while !(left.is_empty() && right.is_empty()) {
        let (words, rest_left, rest_right) = {
            let (a, rest_a) = take(left, |c| !c.is_ascii_digit());
            let (b, rest_b) = take(right, |c| !c.is_ascii_digit());
            (words(a, b), rest_a, rest_b)
        };
        if words.is_ne() {
            return words;
        }
        let (a, rest_a) = take(rest_left, |c| c.is_ascii_digit());
        let (b, rest_b) = take(rest_right, |c| c.is_ascii_digit());
        let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
        let numbers = a.len().cmp(&b.len()).then_with(|| a.cmp(b));
        if numbers.is_ne() {
            return numbers;
        }
        (left, right) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn take(text: &str, while_it: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !while_it(c)).unwrap_or(text.len()))
}

/// `~` before the end, the end before letters, letters before all else.
fn words(left: &str, right: &str) -> Ordering {
    let weight = |byte: Option<u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(b),
        Some(b) => i32::from(b) + 256,
    };
    let longest = left.len().max(right.len());
    (0..longest)
        .map(|n| {
            let byte = |text: &str| weight(text.as_bytes().get(n).copied());
            byte(left).cmp(&byte(right))
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}
