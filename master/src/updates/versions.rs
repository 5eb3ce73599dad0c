//! How two version texts compare, where they do: semantic versions, dotted numbers, and what
//! `git describe` makes of either. Used to flag versions that go backwards, never to pick a latest.

use std::cmp::Ordering;

mod deb;
mod dotted;
mod schemes;

pub use schemes::{check_version, compare_by};

/// Longest text that is looked at; longer ones do not compare.
const VERSION_BYTES_MAX: usize = 128;

/// A text taken apart.
struct Version<'a> {
    /// Without `v` in front and without what `git describe` adds.
    base: &'a str,
    /// Commits since the tag.
    commits: u64,
}

/// The order of two version texts; `None` where it cannot be told.
#[must_use]
pub fn compare_versions(left: &str, right: &str) -> Option<Ordering> {
    if left == right {
        return Some(Ordering::Equal);
    }
    let (left, right) = (Version::parse(left)?, Version::parse(right)?);
    let bases = match (lenient(left.base), lenient(right.base)) {
        (Some(left), Some(right)) => left.cmp_precedence(&right),
        _ => numbers(left.base)?.cmp(&numbers(right.base)?),
    };
    Some(bases.then(left.commits.cmp(&right.commits)))
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > VERSION_BYTES_MAX {
            return None;
        }
        let text = text.strip_suffix("-dirty").unwrap_or(text);
        let text = text
            .strip_prefix(['v', 'V'])
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(text);
        let (base, commits) = described(text).unwrap_or((text, 0));
        Some(Self { base, commits })
    }
}

/// `TAG-COMMITS-gHASH` taken apart.
fn described(text: &str) -> Option<(&str, u64)> {
    let (front, hash) = text.rsplit_once("-g")?;
    let is_hash = (4..=64).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let (tag, commits) = front.rsplit_once('-')?;
    let commits = commits.parse().ok()?;
    is_hash.then_some((tag, commits))
}

/// A semantic version, with `1` and `1.2` read as `1.0.0` and `1.2.0`.
fn lenient(text: &str) -> Option<semver::Version> {
    let core_end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(core_end);
    let zeros = match core.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => "",
    };
    semver::Version::parse(&format!("{core}{zeros}{rest}")).ok()
}

/// The dotted numbers at the front, without zeros at the end: `2024.01.3.7-x` is `[2024, 1, 3, 7]`.
fn numbers(text: &str) -> Option<Vec<u64>> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let mut numbers = Vec::new();
    for part in text[..end].trim_end_matches('.').split('.') {
        numbers.push(part.parse().ok()?);
    }
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}
