//! What a demo prints: one line per thing done, on standard error, so that standard output holds
//! nothing but the result.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use super::outcome::Outcome;
use crate::model::{BuildResult, StepSummary};

/// Width of the first column.
const LABEL_WIDTH: usize = 12;

/// Prints; in colour on a terminal unless `NO_COLOR` is set.
pub(super) struct Screen {
    colour: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colour }
    }

    /// The first line.
    pub(super) fn title(&self, dir: &Path) {
        eprintln!(
            "{} in {}\n",
            self.paint("1", "Windlass demo"),
            dir.display()
        );
    }

    /// Something is done.
    pub(super) fn done(&self, label: &str, text: &str) {
        eprintln!("  {} {label:LABEL_WIDTH$} {text}", self.paint("32", "✓"));
    }

    /// Something begins.
    pub(super) fn begins(&self, label: &str, text: &str) {
        eprintln!("  {} {label:LABEL_WIDTH$} {text}", self.paint("36", "▸"));
    }

    /// A step of the build has ended.
    pub(super) fn step(&self, step: &StepSummary) {
        let (code, mark) = mark(step.result);
        let span = match (step.started_at, step.finished_at) {
            (Some(from), Some(to)) => span(to.since(from)),
            _ => String::new(),
        };
        let text = plain(&step.state_text);
        let name = plain(&step.name);
        eprintln!(
            "      {} {name:24} {span:>9}  {text}",
            self.paint(code, mark)
        );
    }

    /// The build has ended.
    pub(super) fn build(&self, result: BuildResult, text: &str) {
        let (code, mark) = mark(Some(result));
        eprintln!(
            "  {} {:LABEL_WIDTH$} {}",
            self.paint(code, mark),
            result.as_str(),
            plain(text)
        );
    }

    /// The demo cannot go on.
    pub(super) fn problem(&self, text: &str) {
        eprintln!("  {} {text}", self.paint("31", "✗"));
    }

    /// Where everything is, on standard output.
    pub(super) fn addresses(&self, outcome: &Outcome, password: &str, branch: &str) {
        let (base, _) = outcome
            .page
            .split_once("/builds/")
            .unwrap_or((&outcome.page, ""));
        let mut rows = vec![
            ("Pages", format!("{base}/")),
            ("Log in", format!("demo, password {password}")),
            ("This build", outcome.page.clone()),
        ];
        if let Some(product) = &outcome.product {
            rows.push(("Product", product.page.clone()));
            rows.push(("Update URL", product.update_url.clone()));
        }
        if let Some(mail) = &outcome.mail {
            rows.push(("Mail", mail.display().to_string()));
        }
        let rows: String = rows
            .iter()
            .map(|(label, text)| format!("  {label:LABEL_WIDTH$}{text}\n"))
            .collect();
        let branch = plain(branch);
        let hint = format!("  A commit on {branch} starts the next build. Ctrl-C ends the demo.");
        // Whoever reads may have gone; the demo serves on.
        let _ = writeln!(std::io::stdout(), "\n{rows}\n{hint}");
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Colour and mark of a result.
fn mark(result: Option<BuildResult>) -> (&'static str, &'static str) {
    match result {
        Some(BuildResult::Success) => ("32", "✓"),
        Some(BuildResult::Warnings) => ("33", "!"),
        Some(BuildResult::Failure) => ("31", "✗"),
        Some(BuildResult::Error) => ("35", "■"),
        Some(BuildResult::Cancelled | BuildResult::Skipped) | None => ("90", "–"),
    }
}

/// `0.2 s`, `4 min 5 s`.
pub(super) fn span(span: Duration) -> String {
    match span.as_secs() {
        0..60 => format!("{:.1} s", span.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// Text from outside for a terminal: no control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
