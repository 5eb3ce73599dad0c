//! Counts of answers as a chart of the last days, and as tables by version and outcome.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::clock::Time;
use crate::model::UpdateCount;

/// Days of the chart.
const DAYS: i64 = 30;
/// Height of the highest column, in units of the drawing.
const HEIGHT: i64 = 60;
/// Rows of the tables: what is asked more rarely is not worth a line.
const ROWS_MAX: usize = 20;

/// What a branch's page shows of its counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chart {
    /// One column per day, as SVG; empty when nobody asked.
    pub(super) svg: String,
    /// All askers of these days.
    pub(super) total: i64,
    /// What is to be said in words: each day with its number, the newest first.
    pub(super) days: Vec<(String, i64)>,
    /// By version, the most first.
    pub(super) versions: Vec<(String, i64)>,
    /// By outcome, the most first.
    pub(super) outcomes: Vec<(String, i64)>,
    /// By format, the most first.
    pub(super) formats: Vec<(String, i64)>,
}

/// The chart of `counts` up to the day `today`.
pub(super) fn chart(counts: &[UpdateCount], today: i64) -> Chart {
    let sums = |of: fn(&UpdateCount) -> String| {
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for count in counts {
            *sums.entry(of(count)).or_default() += count.asked;
        }
        let mut sums: Vec<(String, i64)> = sums.into_iter().collect();
        sums.sort_by_key(|(_, asked)| std::cmp::Reverse(*asked));
        sums.truncate(ROWS_MAX);
        sums
    };
    let mut by_day: BTreeMap<i64, i64> = BTreeMap::new();
    for count in counts {
        *by_day.entry(count.day).or_default() += count.asked;
    }
    let total = by_day.values().sum();
    let shown = by_day.iter().rev().filter(|(day, _)| **day <= today);
    Chart {
        svg: if total > 0 {
            svg(&by_day, today)
        } else {
            String::new()
        },
        total,
        days: shown.map(|(day, asked)| (day_text(*day), *asked)).collect(),
        versions: sums(|count| match count.from_version.as_str() {
            "" => "not told".to_owned(),
            version => version.to_owned(),
        }),
        outcomes: sums(|count| count.outcome.clone()),
        formats: sums(|count| count.format.clone()),
    }
}

fn day_text(day: i64) -> String {
    let text = Time::from_unix_seconds(day.saturating_mul(86_400)).to_string();
    text.chars().take(10).collect()
}

fn svg(by_day: &BTreeMap<i64, i64>, today: i64) -> String {
    let highest = by_day.values().copied().max().unwrap_or(1).max(1);
    let mut svg = format!(
        "<svg class=\"bars chart s-running\" viewBox=\"0 0 {} {HEIGHT}\" \
         preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        DAYS * 10
    );
    for at in 0..DAYS {
        let day = today - DAYS + 1 + at;
        let asked = by_day.get(&day).copied().unwrap_or(0);
        if asked == 0 {
            continue;
        }
        let height = (asked.saturating_mul(HEIGHT) / highest).max(1);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"8\" height=\"{height}\"><title>{}: {asked}</title></rect>",
            at * 10 + 1,
            HEIGHT - height,
            day_text(day)
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    //! Counts as columns and sums.

    use super::*;

    fn count(day: i64, version: &str, outcome: &str, asked: i64) -> UpdateCount {
        UpdateCount {
            day,
            target: "linux".to_owned(),
            format: "v1".to_owned(),
            from_version: version.to_owned(),
            outcome: outcome.to_owned(),
            asked,
        }
    }

    #[test]
    fn every_day_is_a_column_and_sums_are_by_what_was_asked() {
        let counts = [
            count(20_000, "1.0", "offer", 30),
            count(20_000, "", "up-to-date", 10),
            count(19_999, "1.0", "offer", 20),
        ];
        let chart = chart(&counts, 20_000);
        assert_eq!(chart.total, 60);
        assert_eq!(chart.svg.matches("<rect").count(), 2);
        assert!(chart.svg.contains("height=\"60\""), "{}", chart.svg);
        assert!(chart.svg.contains("height=\"30\""), "{}", chart.svg);
        assert_eq!(chart.versions[0], ("1.0".to_owned(), 50));
        assert_eq!(chart.versions[1], ("not told".to_owned(), 10));
        assert_eq!(chart.days[0], ("2024-10-04".to_owned(), 40));
        assert_eq!(super::chart(&[], 20_000), Chart::default());
    }
}
