//! From what the database tells of a build to the letter: outside text made plain, links, times.

use std::time::Duration;

use crate::clock::Time;
use crate::config::resolved::Master;
use crate::db::outbox::{MailBuild, MailStep, OutboxMail};
use crate::ids::LogId;
use crate::mail::{Change, Excerpt, Letter, Product, Report, Stamp, Step, plain_line, plain_lines};

/// Lines of the log in the mail of a failed build, and of one that went well.
const LINES_FAILED: usize = 40;
const LINES_WELL: usize = 10;

/// Digits of a revision that people read; no repository in reach of a mail needs more.
const REVISION_CHARS: usize = 10;

/// The log to quote and how many of its last lines: of the first failed step, else of the last
/// command.
pub(super) fn telling_log(told: &MailBuild) -> Option<(LogId, usize)> {
    let failed = told.steps.iter().find(|step| is_bad(step));
    match failed {
        Some(step) => step.log.map(|log| (log, LINES_FAILED)),
        None => {
            let last = told.steps.iter().rev().find(|step| step.kind == "run");
            last.and_then(|step| step.log).map(|log| (log, LINES_WELL))
        }
    }
}

/// The report, with the end of the log that [`telling_log`] named.
pub(super) fn report(master: &Master, told: &MailBuild, tail: Option<&[u8]>) -> Report {
    Report {
        site: plain_line(&master.title),
        project: plain_line(&told.project_title),
        builder: plain_line(&told.builder),
        number: told.number,
        result: told.result.clone(),
        state_text: plain_line(&told.state_text),
        reason: plain_line(&told.reason),
        agent: plain_line(&told.agent),
        finished_at: told.finished_at.map(moment).unwrap_or_default(),
        duration: between(Some(told.started_at), told.finished_at),
        url: build_url(master, told),
        stamps: stamps(told),
        changes: changes(told),
        changes_more: told.changes_total - i64::try_from(told.changes.len()).unwrap_or(0),
        steps: told.steps.iter().map(step).collect(),
        excerpt: tail.and_then(|bytes| excerpt(told, bytes)),
        products: products(master, told),
    }
}

/// The letter of `report` to the receiver of `mail`.
pub(super) fn letter(
    from: &str,
    mail: &OutboxMail,
    told: &MailBuild,
    report: &Report,
) -> Result<Letter, askama::Error> {
    let host = format!("{}.windlass", told.deployment);
    Ok(Letter {
        from: from.to_owned(),
        to: mail.receiver.clone(),
        subject: report.subject()?,
        text: report.text()?,
        html: report.html()?,
        message_id: mail.message_id.clone(),
        // Mails of one builder are one thread.
        thread: format!("<builder.{}@{host}>", told.builder),
        list: format!("<{}.{}.{host}>", told.builder, told.project),
        result: told.result.clone(),
        date: mail.created_at,
    })
}

fn build_url(master: &Master, told: &MailBuild) -> String {
    format!("{}/builds/{}", master.url, told.id)
}

fn stamps(told: &MailBuild) -> Vec<Stamp> {
    let stamps = told.stamps.iter().map(|stamp| Stamp {
        repository: plain_line(&stamp.repository),
        branch: plain_line(&stamp.branch),
        revision: short(&stamp.revision),
    });
    stamps.collect()
}

fn changes(told: &MailBuild) -> Vec<Change> {
    let changes = told.changes.iter().map(|change| Change {
        revision: short(&change.revision),
        author: plain_line(&change.author),
        subject: plain_line(&change.subject),
    });
    changes.collect()
}

fn step(step: &MailStep) -> Step {
    Step {
        name: plain_line(&step.name),
        result: step.result.clone(),
        state_text: plain_line(&step.state_text),
        duration: between(step.started_at, step.finished_at),
    }
}

fn products(master: &Master, told: &MailBuild) -> Vec<Product> {
    let products = told.products.iter().map(|product| Product {
        version: plain_line(&product.version),
        target: plain_line(&product.target),
        url: format!("{}/products/{}", master.url, product.id),
        files: product
            .files
            .iter()
            .map(|(name, bytes)| format!("{} ({})", plain_line(name), size(*bytes)))
            .collect(),
    });
    products.collect()
}

fn excerpt(told: &MailBuild, tail: &[u8]) -> Option<Excerpt> {
    let lines = plain_lines(tail);
    if lines.is_empty() {
        return None;
    }
    let failed = told.steps.iter().find(|step| is_bad(step));
    let step = failed.or_else(|| told.steps.iter().rev().find(|step| step.kind == "run"))?;
    Some(Excerpt {
        heading: match failed {
            Some(step) => format!("First problem: the end of {}", plain_line(&step.name)),
            None => format!("The end of {}", plain_line(&step.name)),
        },
        lines,
    })
}

fn is_bad(step: &MailStep) -> bool {
    matches!(step.result.as_str(), "failure" | "error")
}

fn short(revision: &str) -> String {
    plain_line(&revision.chars().take(REVISION_CHARS).collect::<String>())
}

pub(super) fn moment(at: Time) -> String {
    at.to_string().replace('T', " ").replace('Z', " UTC")
}

fn between(from: Option<Time>, to: Option<Time>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => span(to.since(from)),
        _ => String::new(),
    }
}

/// `850 ms`, `12.3 s`, `4 min 5 s`, `2 h 7 min`.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..60 => format!("{:.1} s", span.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `512 B`, `1.5 kB`, `12.0 MB`: powers of 1,000 as file managers show them.
fn size(bytes: i64) -> String {
    let mut value = bytes;
    let mut tenths = 0;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 1000 {
            break;
        }
        tenths = value % 1000 / 100;
        value /= 1000;
        unit = next;
    }
    if unit == "B" {
        format!("{value} B")
    } else {
        format!("{value}.{tenths} {unit}")
    }
}

#[cfg(test)]
mod tests;
