//! The outbox: mails put down in the transaction of what they tell of, and their way out. What a
//! mail says is read in `content`; rendering and sending are not done here.

mod absences;
mod content;
mod queue;
mod reports;

use std::time::Duration;

use diesel::prelude::*;

pub use absences::{ABSENCE_KINDS, Absence, MailAbsences, absences, queue_absences};
pub use content::{MailBuild, MailChange, MailProduct, MailStamp, MailStep, content};
pub use queue::queue_build_mails;
pub use reports::{MailReport, REPORT_KINDS, Report, last_report, queue_report, report};

use super::schema::outbox;
use super::{Conn, DbError, DbResult};
use crate::clock::Time;
use crate::ids::{BuildId, OutboxId};
use crate::model::OutboxState;

/// A mail that waits or was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMail {
    /// Its id.
    pub id: OutboxId,
    /// The `[notify.NAME]` that asked for it.
    pub notify: String,
    /// What it tells of: the kind of its event.
    pub kind: String,
    /// Number of its event.
    pub event: i64,
    /// The build it tells of.
    pub build: Option<BuildId>,
    /// Address of the receiver.
    pub receiver: String,
    /// Its Message-ID, fixed when it was queued, with the angle brackets.
    pub message_id: String,
    /// Where it stands.
    pub state: OutboxState,
    /// Tries so far.
    pub attempts: i64,
    /// Next try, or end of the present one's lease.
    pub next_at: Time,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it was queued.
    pub created_at: Time,
    /// When the server took it.
    pub sent_at: Option<Time>,
}

type Row = (
    i64,
    String,
    Option<i64>,
    String,
    String,
    String,
    i64,
    i64,
    Option<String>,
    i64,
    Option<i64>,
    String,
    i64,
);

/// Columns of [`Row`] in order.
type Columns = (
    outbox::id,
    outbox::notify,
    outbox::build_id,
    outbox::receiver,
    outbox::message_id,
    outbox::state,
    outbox::attempts,
    outbox::next_at,
    outbox::last_error,
    outbox::created_at,
    outbox::sent_at,
    outbox::kind,
    outbox::event_seq,
);

const COLUMNS: Columns = (
    outbox::id,
    outbox::notify,
    outbox::build_id,
    outbox::receiver,
    outbox::message_id,
    outbox::state,
    outbox::attempts,
    outbox::next_at,
    outbox::last_error,
    outbox::created_at,
    outbox::sent_at,
    outbox::kind,
    outbox::event_seq,
);

/// Longest error text kept, bytes: a server's answer fits, a flood does not.
const ERROR_BYTES_MAX: usize = 1_000;

/// States in which a mail still has to go out.
fn open_states() -> [&'static str; 2] {
    [OutboxState::Waiting.as_str(), OutboxState::Sending.as_str()]
}

/// Takes up to `limit` mails that are due: each is `sending` until `now + lease`, then due again,
/// so a master that stops between sending and marking loses none. Call it in a transaction.
pub fn claim(conn: &mut Conn, now: Time, lease: Duration, limit: i64) -> DbResult<Vec<OutboxMail>> {
    let due: Vec<Row> = outbox::table
        .filter(outbox::state.eq_any(open_states()))
        .filter(outbox::next_at.le(now.0))
        .order((outbox::next_at, outbox::id))
        .limit(limit)
        .select(COLUMNS)
        .load(conn)?;
    let mut claimed = Vec::new();
    for mut mail in due.into_iter().map(mail) {
        let taken = diesel::update(outbox::table.find(mail.id.0))
            .filter(outbox::next_at.eq(mail.next_at.0))
            .filter(outbox::state.eq(mail.state.as_str()))
            .set((
                outbox::state.eq(OutboxState::Sending.as_str()),
                outbox::attempts.eq(mail.attempts + 1),
                outbox::next_at.eq(now.after(lease).0),
            ))
            .execute(conn)?;
        if taken == 1 {
            mail.attempts += 1;
            mail.state = OutboxState::Sending;
            mail.next_at = now.after(lease);
            claimed.push(mail);
        }
    }
    Ok(claimed)
}

/// When the next mail is due; none when nothing waits.
pub fn next_due(conn: &mut Conn) -> DbResult<Option<Time>> {
    let at: Option<i64> = outbox::table
        .filter(outbox::state.eq_any(open_states()))
        .select(diesel::dsl::min(outbox::next_at))
        .first(conn)?;
    Ok(at.map(Time))
}

/// The server took it.
pub fn mark_sent(conn: &mut Conn, now: Time, id: OutboxId) -> DbResult<()> {
    let changed = diesel::update(outbox::table.find(id.0))
        .set((
            outbox::state.eq(OutboxState::Sent.as_str()),
            outbox::sent_at.eq(now.0),
            outbox::last_error.eq(None::<String>),
        ))
        .execute(conn)?;
    one(changed)
}

/// It is tried again at `next`, for this reason.
pub fn mark_retry(conn: &mut Conn, id: OutboxId, next: Time, error: &str) -> DbResult<()> {
    let changed = diesel::update(outbox::table.find(id.0))
        .set((
            outbox::state.eq(OutboxState::Waiting.as_str()),
            outbox::next_at.eq(next.0),
            outbox::last_error.eq(storable(error)),
        ))
        .execute(conn)?;
    one(changed)
}

/// It is given up, for this reason.
pub fn mark_failed(conn: &mut Conn, id: OutboxId, error: &str) -> DbResult<()> {
    let changed = diesel::update(outbox::table.find(id.0))
        .set((
            outbox::state.eq(OutboxState::Failed.as_str()),
            outbox::last_error.eq(storable(error)),
        ))
        .execute(conn)?;
    one(changed)
}

/// The newest mails before `before` (all when absent), newest first, at most 100: a page of them.
pub fn newest(conn: &mut Conn, before: Option<OutboxId>) -> DbResult<Vec<OutboxMail>> {
    let rows: Vec<Row> = outbox::table
        .filter(outbox::id.lt(before.map_or(i64::MAX, |id| id.0)))
        .order(outbox::id.desc())
        .limit(100)
        .select(COLUMNS)
        .load(conn)?;
    Ok(rows.into_iter().map(mail).collect())
}

/// The mails of one build, in the order in which they were queued.
pub fn of_build(conn: &mut Conn, build: BuildId) -> DbResult<Vec<OutboxMail>> {
    let rows: Vec<Row> = outbox::table
        .filter(outbox::build_id.eq(build.0))
        .order(outbox::id)
        .select(COLUMNS)
        .load(conn)?;
    Ok(rows.into_iter().map(mail).collect())
}

fn one(changed: usize) -> DbResult<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(DbError::NotFound)
    }
}

/// Cut to the maximum; without NUL, which PostgreSQL does not store.
fn storable(text: &str) -> String {
    let end = text.floor_char_boundary(ERROR_BYTES_MAX);
    text[..end].replace('\0', "\u{fffd}")
}

fn mail(row: Row) -> OutboxMail {
    let (id, notify, build, receiver, message_id, state, attempts, next_at, ..) = row;
    OutboxMail {
        id: OutboxId(id),
        notify,
        build: build.map(BuildId),
        receiver,
        message_id,
        state: state.parse().unwrap_or(OutboxState::Failed),
        attempts,
        next_at: Time(next_at),
        last_error: row.8,
        created_at: Time(row.9),
        sent_at: row.10.map(Time),
        kind: row.11,
        event: row.12,
    }
}

#[cfg(test)]
pub(crate) mod tests;
