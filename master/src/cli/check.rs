//! `windlass check`: every mistake of the configuration, or what it holds.

use std::path::Path;
use std::process::ExitCode;

use super::{FAILED, output};
use crate::config::resolved::{Database, MailTransport};
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
    let mut line = |nouns: [&str; 2], names: Vec<&String>| {
        let shown: Vec<&str> = names.iter().take(8).map(|name| name.as_str()).collect();
        let more = if names.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        let (count, shown) = (names.len(), shown.join(", "));
        let noun = nouns[usize::from(count != 1)];
        let line = format!("  {count:>4} {noun:<12}  {shown}{more}");
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(["project", "projects"], config.projects.keys().collect());
    line(
        ["repository", "repositories"],
        config.repositories.keys().collect(),
    );
    line(["agent", "agents"], config.agents.keys().collect());
    line(["builder", "builders"], config.builders.keys().collect());
    line(["schedule", "schedules"], config.schedules.keys().collect());
    line(["notify", "notifies"], config.notifies.keys().collect());
    line(
        ["retention", "retentions"],
        config.retention.keys().collect(),
    );
    if config.mail.is_none() && !config.notifies.is_empty() {
        text.push_str("note: without [mail] nobody is told anything\n");
    }
    if config.agents.is_empty() {
        text.push_str("note: without an [agent.NAME] nothing is built\n");
    }
    for error in unreadable(config) {
        text.push_str(&format!("note: {error}\n"));
    }
    text
}

/// Secrets that cannot be read by whoever checks. Only a note: the master may run as somebody who
/// can.
fn unreadable(config: &Config) -> Vec<String> {
    let database = match &config.master.database {
        Some(Database::Secret(secret)) => Some(("database", secret)),
        _ => None,
    };
    let mail = match config.mail.as_ref().map(|mail| &mail.transport) {
        Some(MailTransport::Smtp { password, .. }) => password.as_ref(),
        _ => None,
    };
    let secrets = database.into_iter().chain(mail.map(|mail| ("mail", mail)));
    let tried = secrets.map(|(what, secret)| (what, secret.read()));
    tried
        .filter_map(|(what, read)| Some(format!("{what}: {}", read.err()?)))
        .collect()
}

#[cfg(test)]
mod tests;
