//! Mails of the collector to those who look after the store, and to owners of holds that run out.
//! What a mail says is fixed in its event when it is queued.

use diesel::prelude::*;

use super::queue::message_id;
use crate::clock::Time;
use crate::db::events::{self, NewEvent};
use crate::db::schema::{events as event_rows, outbox};
use crate::db::{Conn, DbResult, settings};
use crate::ids::ProductId;
use crate::model::OutboxState;
use crate::notify::Notice;

/// Kinds of such mails and of their events.
pub const REPORT_KINDS: [&str; 6] = [
    "retention.applied",
    "retention.planned",
    "retention.stopped",
    "store.corrupt",
    "store.full",
    "hold.ending",
];

/// What such a mail says.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Report {
    /// The subject.
    pub subject: String,
    /// What it says, a paragraph each.
    pub lines: Vec<String>,
    /// Path of the page that tells more.
    pub path: String,
}

/// A report as a mail tells it.
#[derive(Debug, Clone)]
pub struct MailReport {
    /// The deployment's id, for thread and list headers.
    pub deployment: String,
    /// When it was put down.
    pub at: Time,
    /// What it says.
    pub report: Report,
}

/// Appends the event of `kind`, one of [`REPORT_KINDS`], and puts down a mail to each receiver;
/// returns the event's number. Call it late in the transaction of what it tells of.
pub fn queue_report(
    conn: &mut Conn,
    now: Time,
    kind: &'static str,
    product: Option<ProductId>,
    receivers: &[String],
    report: &Report,
) -> DbResult<i64> {
    let event = NewEvent {
        kind,
        product,
        detail: serde_json::json!(report).to_string(),
        ..NewEvent::default()
    };
    let seq = events::append(conn, now, &event)?;
    let deployment = settings::deployment(conn)?;
    for receiver in receivers {
        let notice = Notice {
            notify: "store".to_owned(),
            receiver: receiver.clone(),
        };
        diesel::insert_into(outbox::table)
            .values((
                outbox::event_seq.eq(seq),
                outbox::notify.eq(&notice.notify),
                outbox::kind.eq(kind),
                outbox::receiver.eq(receiver),
                outbox::message_id.eq(message_id(&deployment, seq, &notice)),
                outbox::state.eq(OutboxState::Waiting.as_str()),
                outbox::attempts.eq(0),
                outbox::next_at.eq(now.0),
                outbox::created_at.eq(now.0),
            ))
            .execute(conn)?;
    }
    Ok(seq)
}

/// When the last mail of `kind` with this subject was put down.
pub fn last_report(conn: &mut Conn, kind: &str, path: &str) -> DbResult<Option<Time>> {
    let at: Option<i64> = event_rows::table
        .filter(event_rows::kind.eq(kind))
        .filter(event_rows::detail.like(format!("%\"path\":\"{path}\"%")))
        .order(event_rows::seq.desc())
        .select(event_rows::at)
        .first(conn)
        .optional()?;
    Ok(at.map(Time))
}

/// What the event `seq` tells.
pub fn report(conn: &mut Conn, seq: i64) -> DbResult<MailReport> {
    let (at, detail): (i64, String) = event_rows::table
        .find(seq)
        .select((event_rows::at, event_rows::detail))
        .first(conn)?;
    Ok(MailReport {
        deployment: settings::deployment(conn)?,
        at: Time(at),
        report: serde_json::from_str(&detail).unwrap_or_default(),
    })
}
