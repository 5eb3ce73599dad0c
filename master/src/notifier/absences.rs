//! From what the database tells of absent agents to the letter for their owner.

use super::compose::moment;
use crate::config::resolved::Master;
use crate::db::outbox::{ABSENCE_KINDS, MailAbsences, OutboxMail};
use crate::mail::{AbsenceReport, AbsentAgent, Letter, plain_line};

/// The letter to the owner.
pub(super) fn letter(
    from: &str,
    mail: &OutboxMail,
    master: &Master,
    told: &MailAbsences,
) -> Result<Letter, askama::Error> {
    let agents = told.agents.iter().map(|agent| AbsentAgent {
        name: plain_line(&agent.name),
        url: format!("{}/agents/{}", master.url, agent.name),
        since: agent.since.map(moment).unwrap_or_default(),
        contact: agent.contact.as_deref().map(plain_line).unwrap_or_default(),
    });
    let report = AbsenceReport {
        site: plain_line(&master.title),
        url: format!("{}/agents", master.url),
        missing: mail.kind == ABSENCE_KINDS[0],
        at: moment(told.at),
        agents: agents.collect(),
    };
    let host = format!("{}.windlass", told.deployment);
    let thread = told.agents.first().map_or("", |agent| agent.name.as_str());
    Ok(Letter {
        from: from.to_owned(),
        to: mail.receiver.clone(),
        subject: report.subject(),
        text: report.text()?,
        html: report.html()?,
        message_id: mail.message_id.clone(),
        thread: format!("<agent.{thread}@{host}>"),
        list: format!("<agents.{host}>"),
        result: report.word().to_owned(),
        date: mail.created_at,
    })
}
