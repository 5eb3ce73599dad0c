//! From what the database tells of the collector's work to the letter about it.

use crate::config::resolved::Master;
use crate::db::outbox::{MailReport, OutboxMail};
use crate::mail::{Letter, StoreReport, plain_line};

/// The letter.
pub(super) fn letter(
    from: &str,
    mail: &OutboxMail,
    master: &Master,
    told: &MailReport,
) -> Result<Letter, askama::Error> {
    let report = StoreReport {
        site: plain_line(&master.title),
        subject: plain_line(&told.report.subject),
        lines: told
            .report
            .lines
            .iter()
            .map(|line| plain_line(line))
            .collect(),
        url: format!("{}{}", master.url, told.report.path),
    };
    let host = format!("{}.windlass", told.deployment);
    Ok(Letter {
        from: from.to_owned(),
        to: mail.receiver.clone(),
        subject: report.subject.clone(),
        text: report.text()?,
        html: report.html()?,
        message_id: mail.message_id.clone(),
        thread: format!("<{}@{host}>", mail.kind),
        list: format!("<store.{host}>"),
        result: mail.kind.clone(),
        date: mail.created_at,
    })
}
