//! Orders as tables of what others got wrong, and as laws on random texts.

use std::cmp::Ordering::{Equal, Greater, Less};

use super::VersionScheme::{Deb, Dotted, Pep440, Semver, Seq};
use super::*;

#[test]
fn known_traps_are_ordered_as_each_scheme_says() {
    let table = [
        (Dotted, "1.10", "1.9", Greater),
        (Dotted, "1.2.3.4", "1.2.3.10", Less),
        (Dotted, "1.2.0", "1.2.0-rc.1", Greater),
        (Dotted, "1.0~rc1", "1.0", Less),
        (Dotted, "1.0rc1", "1.0", Less),
        (Dotted, "1.0.dev3", "1.0", Less),
        (Dotted, "1.0.dev3", "1.0a1", Less),
        (Dotted, "1.0a9", "1.0b1", Less),
        (Dotted, "v1.2-14-g24abcde", "v1.2-9-gffabcde", Greater),
        (Dotted, "v1.2-14-g24abcde", "1.2", Greater),
        (Dotted, "v1.2-14-g24abcde-dirty", "1.2.0.1", Less),
        (Dotted, "1.2.0+5", "1.2.0+4", Greater),
        (Dotted, "1.2.0+5", "1.2.0.1", Less),
        (Dotted, "1.0", "1.0.0", Equal),
        (Dotted, "1.0-rc.1", "1.0.0-rc.1", Equal),
        (Dotted, "1.0-final", "1.0", Equal),
        (Dotted, "1.0-p1", "1.0", Greater),
        (Dotted, "1.1.1a", "1.1.1", Greater),
        (Dotted, "20260102120000", "20251231235959", Greater),
        (
            Dotted,
            "99999999999999999999999",
            "99999999999999999999998",
            Greater,
        ),
        (Dotted, "1.2.0-feature-x.10", "1.2.0-feature-x.9", Greater),
        (Dotted, "2024.01.03", "2024.1.3", Equal),
        (Semver, "1.10.0", "1.9.0", Greater),
        (Semver, "1.2.0", "1.2.0-rc.1", Greater),
        (Semver, "1.2.0+5", "1.2.0+4", Equal),
        (Semver, "v1.2.0", "1.2.0", Equal),
        (Semver, "1.2.0-feature-x.10", "1.2.0-feature-x.9", Greater),
        (Deb, "1.10", "1.9", Greater),
        (Deb, "1.0~rc1", "1.0", Less),
        (Deb, "1.0~~", "1.0~", Less),
        (Deb, "1.0-1", "1.0-1.1", Less),
        (Deb, "1.0", "1.0-0", Equal),
        (Deb, "1:0.9", "2.0", Greater),
        (Deb, "0:1.0", "1.0", Equal),
        (Deb, "1.0+b", "1.0a", Greater),
        (Deb, "1.0.", "1.0a", Greater),
        (Deb, "1.2.0-rc.1", "1.2.0", Greater),
        (Deb, "1.007", "1.7", Equal),
        (Pep440, "1.0.dev3", "1.0a1", Less),
        (Pep440, "1.0rc1", "1.0", Less),
        (Pep440, "1.0.post1", "1.0", Greater),
        (Pep440, "1.0", "1.0.0", Equal),
        (Pep440, "1!0.1", "9.0", Greater),
        (Pep440, "1.2.0+5", "1.2.0+4", Greater),
    ];
    for (scheme, left, right, order) in table {
        let found = compare_by(scheme, left, right);
        assert_eq!(found, Some(order), "{scheme}: {left} and {right}");
        let back = compare_by(scheme, right, left);
        assert_eq!(back, Some(order.reverse()), "{scheme}: {right} and {left}");
    }
}

#[test]
fn what_is_no_version_is_refused_with_what_would_be_right() {
    let table = [
        (Semver, "1.2.3.4", "write one such as `1.4.0-rc.1`"),
        (Semver, "v1.0.0-3-gabc1234", ""),
        (Semver, "1.2", "`1.2.0` would be right for it"),
        (Dotted, "nightly", "such as `1.4.0.12`"),
        (Dotted, "1.0 beta", "such as `1.4.0.12`"),
        (Deb, "1.0-", "such as `1:1.4.0~rc1-2`"),
        (Deb, "x:1.0", "such as `1:1.4.0~rc1-2`"),
        (Pep440, "1.2.0-feature-x.9", "such as `1.4.0rc1`"),
        (Seq, "whatever it is", ""),
    ];
    for (scheme, text, help) in table {
        match check_version(scheme, text) {
            Ok(()) => assert_eq!(help, "", "{scheme}: {text}"),
            Err(error) => {
                assert!(!help.is_empty() && error.contains(help), "{error}");
                assert!(
                    error.contains(text) && error.contains(scheme.as_str()),
                    "{error}"
                );
                assert_eq!(compare_by(scheme, text, text), None, "{scheme}: {text}");
            }
        }
    }
}

/// A small generator with a fixed seed (xorshift64), so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % most
    }

    /// Pieces of versions in any order: few different ones, so that texts come near each other.
    fn text(&mut self) -> String {
        const PIECES: [&str; 30] = [
            "0",
            "1",
            "1",
            "2",
            "10",
            "00",
            "9",
            ".",
            ".",
            ".",
            ".",
            "-",
            "_",
            "+",
            "~",
            "rc",
            "a",
            "b",
            "dev",
            "post",
            "x",
            "v",
            ":",
            "!",
            "final",
            "-3-gabc1234",
            "-dirty",
            "alpha",
            ".0",
            "Z",
        ];
        let digits = ["1", "2", "0", "1.0", "1.2.0", "1:1"];
        let mut text = digits[self.below(digits.len())].to_owned();
        for _ in 0..self.below(6) {
            text.push_str(PIECES[self.below(PIECES.len())]);
        }
        text
    }
}

#[test]
fn every_scheme_is_a_total_order_of_its_versions() {
    const TEXTS: usize = 45;
    const ROUNDS: u64 = 25;
    for scheme in [Semver, Dotted, Deb, Pep440] {
        let mut compared = 0;
        for round in 1..=ROUNDS {
            let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ round);
            let mut texts = Vec::new();
            while texts.len() < TEXTS {
                let text = random.text();
                if check_version(scheme, &text).is_ok() {
                    texts.push(text);
                }
            }
            let orders: Vec<Vec<Ordering>> = texts
                .iter()
                .map(|left| {
                    let order = |right: &String| compare_by(scheme, left, right);
                    let total = "every two versions compare";
                    texts
                        .iter()
                        .map(|right| order(right).expect(total))
                        .collect()
                })
                .collect();
            for (a, from) in orders.iter().enumerate() {
                assert_eq!(from[a], Equal, "{scheme}: {}", texts[a]);
                for (b, order) in from.iter().enumerate() {
                    let back = orders[b][a];
                    assert_eq!(
                        *order,
                        back.reverse(),
                        "{scheme}: {} {}",
                        texts[a],
                        texts[b]
                    );
                    compared += usize::from(order.is_ne());
                    for c in 0..TEXTS {
                        let (first, second, all) = (*order, orders[b][c], from[c]);
                        let follows = match (first, second) {
                            (Less | Equal, Less) | (Less, Equal) => all == Less,
                            (Greater | Equal, Greater) | (Greater, Equal) => all == Greater,
                            (Equal, Equal) => all == Equal,
                            _ => true,
                        };
                        let three = (&texts[a], &texts[b], &texts[c]);
                        assert!(
                            follows,
                            "{scheme}: {three:?} are {first:?} {second:?} {all:?}"
                        );
                    }
                }
            }
        }
        assert!(compared > 10_000, "{scheme}: too few of the texts differ");
    }
}

#[test]
fn no_text_at_all_breaks_a_comparison() {
    let mut random = Random(42);
    for _ in 0..5_000 {
        let odd = |random: &mut Random| -> String {
            let letters: Vec<char> = "0~1.-+:é\0 g日_v".chars().collect();
            (0..random.below(12))
                .map(|_| letters[random.below(letters.len())])
                .collect()
        };
        let (left, right) = (odd(&mut random), odd(&mut random));
        for scheme in [Seq, Semver, Dotted, Deb, Pep440] {
            let order = compare_by(scheme, &left, &right);
            let back = compare_by(scheme, &right, &left);
            assert_eq!(
                order.map(Ordering::reverse),
                back,
                "{scheme}: {left:?} {right:?}"
            );
        }
    }
}
