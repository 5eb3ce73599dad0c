//! Every attack of `protocol-spec/TRUST.md` has a test that makes it.

use super::sources::{files, rust_sources};

/// Attacks in the table.
const POINTS: usize = 24;

#[test]
fn every_attack_has_a_test_that_exists() {
    let table = files(&["protocol-spec"], |path| path.ends_with("TRUST.md"));
    let table = &table.first().expect("the table is there").text;
    let sources = rust_sources();
    let is_test = |name: &str| {
        let head = format!("fn {name}()");
        sources
            .iter()
            .filter(|source| source.is_test())
            .any(|source| {
                let lines: Vec<&str> = source.text.lines().collect();
                lines.iter().enumerate().any(|(at, line)| {
                    line.contains(&head)
                        && lines[at.saturating_sub(3)..at].iter().any(|above| {
                            above.trim_start().starts_with("#[test]")
                                || above.trim_start().starts_with("#[tokio::test")
                        })
                })
            })
    };
    let mut numbers = Vec::new();
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Ok(number) = cells[1].parse::<usize>() else {
            continue;
        };
        numbers.push(number);
        let tests: Vec<&str> = cells[4].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "attack {number} has no test");
        let gone: Vec<_> = tests.into_iter().filter(|name| !is_test(name)).collect();
        assert!(gone.is_empty(), "attack {number}: no such test: {gone:?}");
    }
    assert_eq!(numbers, (1..=POINTS).collect::<Vec<_>>());
}
