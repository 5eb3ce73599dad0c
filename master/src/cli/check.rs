//! `windlass check`: every mistake of the configuration, or what it holds.

use std::path::Path;
use std::process::ExitCode;

use super::{FAILED, output};
use crate::config::{self, Config};

/// Checks `file`: 0 when it is good, 1 when it has mistakes.
pub(super) fn run(file: &Path) -> ExitCode {
    match config::load(file) {
        Ok(config) => {
            print!("{}", summary(&config));
            ExitCode::SUCCESS
        }
        Err(errors) => {
            output::tell_mistakes(&errors);
            ExitCode::from(FAILED)
        }
    }
}

/// One line per noun with its names.
pub(super) fn summary(config: &Config) -> String {
    let mut text = format!("{} is good\n", config.file.display());
    let mut line = |noun: &str, names: Vec<&String>| {
        let shown: Vec<&str> = names.iter().take(8).map(|name| name.as_str()).collect();
        let more = if names.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        let colon = if names.is_empty() { "" } else { "  " };
        let (count, shown) = (names.len(), shown.join(", "));
        let line = format!("  {count:>4} {noun}{colon}{shown}{more}");
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line("projects    ", config.projects.keys().collect());
    line("repositories", config.repositories.keys().collect());
    line("agents      ", config.agents.keys().collect());
    line("builders    ", config.builders.keys().collect());
    line("schedules   ", config.schedules.keys().collect());
    line("notifies    ", config.notifies.keys().collect());
    if config.mail.is_none() && !config.notifies.is_empty() {
        text.push_str("note: without [mail] nobody is told anything\n");
    }
    text
}
