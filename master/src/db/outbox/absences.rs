//! Mails to owners of agents that are missing, or back. What a mail says is fixed in its event when
//! it is queued.

use diesel::prelude::*;

use super::queue::message_id;
use crate::clock::Time;
use crate::db::events::{self, NewEvent};
use crate::db::schema::{events as event_rows, outbox};
use crate::db::{Conn, DbResult, settings};
use crate::model::OutboxState;
use crate::notify::Notice;

/// Kinds of such mails and of their events: missing, and back.
pub const ABSENCE_KINDS: [&str; 2] = ["agent.missing", "agent.recovered"];

/// An agent that is missing, or was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Absence {
    /// Its name.
    pub name: String,
    /// When it was last connected.
    pub since: Option<Time>,
    /// How it or its owner is reached otherwise.
    pub contact: Option<String>,
}

/// What a mail tells of absences.
#[derive(Debug, Clone)]
pub struct MailAbsences {
    /// The deployment's id, for thread and list headers.
    pub deployment: String,
    /// When it was found.
    pub at: Time,
    /// The agents, by name.
    pub agents: Vec<Absence>,
}

/// Appends the event and puts down one mail to `owner`; returns the event's number. Call it in the
/// transaction that remembers the absences, late.
pub fn queue_absences(
    conn: &mut Conn,
    now: Time,
    kind: &'static str,
    owner: Option<&str>,
    agents: &[Absence],
) -> DbResult<i64> {
    let event = NewEvent {
        kind,
        detail: serde_json::json!(agents).to_string(),
        ..NewEvent::default()
    };
    let seq = events::append(conn, now, &event)?;
    let Some(owner) = owner else {
        return Ok(seq);
    };
    let notice = Notice {
        notify: "owner".to_owned(),
        receiver: owner.to_owned(),
    };
    let deployment = settings::deployment(conn)?;
    diesel::insert_into(outbox::table)
        .values((
            outbox::event_seq.eq(seq),
            outbox::notify.eq(&notice.notify),
            outbox::kind.eq(kind),
            outbox::receiver.eq(owner),
            outbox::message_id.eq(message_id(&deployment, seq, &notice)),
            outbox::state.eq(OutboxState::Waiting.as_str()),
            outbox::attempts.eq(0),
            outbox::next_at.eq(now.0),
            outbox::created_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(seq)
}

/// What the event `seq` tells of absences.
pub fn absences(conn: &mut Conn, seq: i64) -> DbResult<MailAbsences> {
    let (at, detail): (i64, String) = event_rows::table
        .find(seq)
        .select((event_rows::at, event_rows::detail))
        .first(conn)?;
    Ok(MailAbsences {
        deployment: settings::deployment(conn)?,
        at: Time(at),
        agents: serde_json::from_str(&detail).unwrap_or_default(),
    })
}
