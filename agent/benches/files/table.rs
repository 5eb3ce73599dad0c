//! The printed table.

use std::time::Duration;

/// One measured figure.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) figure: String,
    pub(crate) yardstick: String,
    pub(crate) ratio: Option<f64>,
    pub(crate) wanted: &'static str,
}

impl Row {
    pub(crate) fn print(&self) {
        let ratio = self.ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
        println!(
            "| {:24} | {:12} | {:28} | {ratio:5} | {:12} |",
            self.name, self.figure, self.yardstick, self.wanted
        );
    }
}

/// The middle one.
pub(crate) fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}
