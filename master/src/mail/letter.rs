//! One mail with its headers. Building it fails for a bad address only.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::MailError;
use crate::clock::Time;

/// A mail ready to go; texts are plain, addresses as configured or as version control has them.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Sender, `name@host` or `Name <name@host>`.
    pub from: String,
    /// Receiver.
    pub to: String,
    /// Subject, one line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// Message-ID with its angle brackets; the same whenever this mail is tried.
    pub message_id: String,
    /// Message-ID-like name of the thread, with angle brackets.
    pub thread: String,
    /// List-Id, so that receivers can sort by builder.
    pub list: String,
    /// Result of the build, for `X-Windlass-Result`.
    pub result: String,
    /// When it was queued; the same whenever this mail is tried.
    pub date: Time,
}

impl Letter {
    /// The message for lettre.
    pub(super) fn message(&self) -> Result<lettre::Message, MailError> {
        let mailbox = |text: &str, whose: &str| {
            text.parse::<Mailbox>().map_err(|error| {
                MailError::Never(format!("{whose} `{text}` is no mail address: {error}"))
            })
        };
        let micros = u64::try_from(self.date.0).unwrap_or(0);
        lettre::Message::builder()
            .from(mailbox(&self.from, "the sender")?)
            .to(mailbox(&self.to, "the receiver")?)
            .subject(self.subject.replace(['\r', '\n'], " "))
            .date(UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(self.message_id.clone()))
            .in_reply_to(self.thread.clone())
            .references(self.thread.clone())
            .raw_header(header("List-Id", &self.list))
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Auto-Response-Suppress", "All"))
            .raw_header(header("X-Windlass-Result", &self.result))
            .multipart(MultiPart::alternative_plain_html(
                self.text.clone(),
                self.html.clone(),
            ))
            .map_err(|error| MailError::Never(format!("the mail cannot be built: {error}")))
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(
        HeaderName::new_from_ascii_str(name),
        value.replace(['\r', '\n'], " "),
    )
}

#[cfg(test)]
pub(crate) mod tests;
