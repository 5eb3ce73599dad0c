//! The printed table.

use std::time::Duration;

/// One measured figure.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) figure: String,
    pub(crate) yardstick: String,
    pub(crate) ratio: Option<f64>,
    pub(crate) wanted: String,
    pub(crate) is_met: bool,
}

impl Row {
    /// The names of the columns.
    pub(crate) fn print_head() {
        let (figure, yardstick) = ("figure", "yardstick, same run");
        println!(
            "| {:27} | {figure:>10} | {yardstick:26} | ratio | wanted    | met |",
            "what"
        );
        println!(
            "|{:-<29}|{:->12}|{:-<28}|------:|-----------|-----|",
            "", ":", ""
        );
    }

    pub(crate) fn print(&self) {
        let ratio = self.ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
        println!(
            "| {:27} | {:>10} | {:26} | {ratio:>5} | {:9} | {:3} |",
            self.name,
            self.figure,
            self.yardstick,
            self.wanted,
            if self.is_met { "yes" } else { "NO" }
        );
    }

    /// Medians of both; nothing is wanted yet.
    pub(crate) fn of_time(
        name: &str,
        times: &[Duration],
        yardstick: &str,
        its_times: &[Duration],
    ) -> Row {
        let (own, other) = (median(times), median(its_times));
        Row {
            name: name.into(),
            figure: text(own),
            yardstick: format!("{yardstick}: {}", text(other)),
            ratio: Some(own.as_secs_f64() / other.as_secs_f64()),
            wanted: "-".into(),
            is_met: true,
        }
    }
}

fn text(time: Duration) -> String {
    match time.as_millis() {
        0..100 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// The middle one.
pub(crate) fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}
