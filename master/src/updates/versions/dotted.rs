//! Version texts of numbers and words between dots, dashes and underscores, as people write them.
//!
//! A text becomes a list of tokens, and lists compare token by token as if each went on with
//! [`Token::End`] for ever. Tokens are in one order, so texts are too.

use std::cmp::Ordering;

use super::{VERSION_BYTES_MAX, described};

/// Words for what comes after a release; all others come before it.
const AFTER: [&str; 7] = ["post", "p", "pl", "patch", "sp", "hotfix", "dirty"];
/// Words that say nothing.
const NOTHING: [&str; 3] = ["final", "ga", "release"];

/// One step of a version, in their order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    /// `~`: before everything.
    Tilde,
    /// A word of what comes before a release, by its rank, then by its letters.
    Before(u8, String),
    /// The end, which is also what zeros at the end are: `1.0` is `1`.
    End,
    /// `+`: what follows tells builds of one version apart.
    Plus,
    /// A word of what comes after a release.
    After(String),
    /// Commits since the tag, as `git describe` counts them.
    Commits(Number<'a>),
    /// A number of any length.
    Number(Number<'a>),
}

/// Digits without zeros in front: the longer is the higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Number<'a> {
    length: usize,
    digits: &'a str,
}

impl<'a> Number<'a> {
    fn of(digits: &'a str) -> Self {
        let digits = digits.trim_start_matches('0');
        Self {
            length: digits.len(),
            digits,
        }
    }
}

/// A version taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dotted<'a>(Vec<Token<'a>>);

impl<'a> Dotted<'a> {
    /// Takes a text apart that begins with a digit, or with `v` and one.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let is_possible = |b: u8| b.is_ascii_alphanumeric() || b"._-+~".contains(&b);
        let fits = text.len() <= VERSION_BYTES_MAX
            && bare.starts_with(|c: char| c.is_ascii_digit())
            && bare.bytes().all(is_possible);
        if !fits {
            return None;
        }
        let (clean, is_dirty) = match bare.strip_suffix("-dirty") {
            Some(clean) => (clean, true),
            None => (bare, false),
        };
        let (base, commits) = match described(clean) {
            Some((base, _)) => (base, clean.get(base.len() + 1..)),
            None => (clean, None),
        };
        let mut version = Self(Vec::new());
        version.read(base);
        if let Some(commits) = commits {
            let digits = commits.split('-').next().unwrap_or_default();
            version.push(Token::Commits(Number::of(digits)));
        }
        if is_dirty {
            version.push(Token::After("dirty".to_owned()));
        }
        version.drop_zeros();
        Some(version)
    }

    fn read(&mut self, base: &'a str) {
        let mut rest = base;
        while let Some(first) = rest.bytes().next() {
            let same = |c: char| match first {
                b'0'..=b'9' => c.is_ascii_digit(),
                b if b.is_ascii_alphabetic() => c.is_ascii_alphabetic(),
                _ => false,
            };
            let end = rest.find(|c: char| !same(c)).unwrap_or(rest.len()).max(1);
            let (run, after) = rest.split_at(end);
            match first {
                b'0'..=b'9' => self.0.push(Token::Number(Number::of(run))),
                b'~' => self.push(Token::Tilde),
                b'+' => self.push(Token::Plus),
                b if b.is_ascii_alphabetic() => {
                    let before = &base[..base.len() - rest.len()];
                    let follows_digit = before.ends_with(|c: char| c.is_ascii_digit());
                    let is_letter = run.len() == 1 && after.is_empty() && follows_digit;
                    self.word(run.to_ascii_lowercase(), is_letter);
                }
                _ => {}
            }
            rest = after;
        }
    }

    /// A word; a single letter right behind the last digit is a later one, as in `1.1.1a`.
    fn word(&mut self, word: String, is_letter: bool) {
        if NOTHING.contains(&word.as_str()) {
            return;
        }
        if is_letter || AFTER.contains(&word.as_str()) {
            return self.push(Token::After(word));
        }
        let (rank, word) = match word.as_str() {
            "dev" | "snapshot" | "nightly" => (0, word),
            "a" | "alpha" => (2, "alpha".to_owned()),
            "b" | "beta" => (3, "beta".to_owned()),
            "c" | "rc" | "cr" | "pre" | "preview" => (4, "rc".to_owned()),
            _ => (1, word),
        };
        self.push(Token::Before(rank, word));
    }

    fn push(&mut self, token: Token<'a>) {
        self.drop_zeros();
        self.0.push(token);
    }

    /// Zeros at the end of a row of numbers say nothing.
    fn drop_zeros(&mut self) {
        while matches!(self.0.last(), Some(Token::Number(number)) if number.length == 0) {
            self.0.pop();
        }
    }
}

impl Ord for Dotted<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let longest = self.0.len().max(other.0.len());
        let at = |list: &[Token<'_>], n: usize, with: &dyn Fn(&Token<'_>) -> Ordering| {
            with(list.get(n).unwrap_or(&Token::End))
        };
        (0..longest)
            .map(|n| {
                at(&self.0, n, &|left| {
                    at(&other.0, n, &|right| left.cmp(right))
                })
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Dotted<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
