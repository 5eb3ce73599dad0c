//! Queueing: reads what the decision needs, asks `notify`, and puts the mails down.

use std::collections::BTreeMap;

use diesel::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::clock::Time;
use crate::config::resolved::Notify;
use crate::db::schema::{builders, builds, changes, outbox, request_changes};
use crate::db::{Conn, DbResult, settings};
use crate::ids::BuildId;
use crate::model::{BuildResult, OutboxState};
use crate::notify::{Finished, Notice, decide};

/// Most authors read of one build; the decision bounds the mails further.
const AUTHORS_MAX: i64 = 200;

/// Puts down the mails of a build that has just been finished, and returns how many. Call it in
/// the transaction that finished the build, after its result was written and its event, number
/// `event_seq`, was appended; ring `bells.notifier` after the commit.
pub fn queue_build_mails(
    conn: &mut Conn,
    now: Time,
    notifies: &BTreeMap<String, Notify>,
    event_seq: i64,
    build: BuildId,
) -> DbResult<usize> {
    if notifies.is_empty() {
        return Ok(0);
    }
    let (builder_id, builder, number, result): (i64, String, i64, Option<String>) = builds::table
        .inner_join(builders::table)
        .filter(builds::id.eq(build.0))
        .select((builders::id, builders::name, builds::number, builds::result))
        .first(conn)?;
    let Some(result) = result.and_then(|text| text.parse().ok()) else {
        return Ok(0);
    };
    let previous = previous_result(conn, builder_id, number)?;
    let authors = authors(conn, build)?;
    let finished = Finished {
        builder: &builder,
        result,
        previous,
        authors: &authors,
    };
    let notices = decide(notifies, &finished);
    let deployment = settings::deployment(conn)?;
    for notice in &notices {
        insert(conn, now, event_seq, build, &deployment, notice)?;
    }
    Ok(notices.len())
}

/// How the builder's last build before `number` ended that was not cancelled.
fn previous_result(conn: &mut Conn, builder: i64, number: i64) -> DbResult<Option<BuildResult>> {
    let text: Option<Option<String>> = builds::table
        .filter(builds::builder_id.eq(builder))
        .filter(builds::number.lt(number))
        .filter(builds::result.is_not_null())
        .filter(builds::result.ne(BuildResult::Cancelled.as_str()))
        .order(builds::number.desc())
        .select(builds::result)
        .first(conn)
        .optional()?;
    Ok(text.flatten().and_then(|text| text.parse().ok()))
}

/// Addresses of the authors of the build's changes, each once.
fn authors(conn: &mut Conn, build: BuildId) -> DbResult<Vec<String>> {
    let addresses: Vec<Option<String>> = request_changes::table
        .inner_join(changes::table)
        .filter(
            request_changes::request_id.eq_any(
                builds::table
                    .filter(builds::id.eq(build.0))
                    .select(builds::request_id),
            ),
        )
        .filter(changes::author_email.is_not_null())
        .select(changes::author_email)
        .distinct()
        .order(changes::author_email)
        .limit(AUTHORS_MAX)
        .load(conn)?;
    Ok(addresses.into_iter().flatten().collect())
}

fn insert(
    conn: &mut Conn,
    now: Time,
    event_seq: i64,
    build: BuildId,
    deployment: &str,
    notice: &Notice,
) -> DbResult<()> {
    diesel::insert_into(outbox::table)
        .values((
            outbox::event_seq.eq(event_seq),
            outbox::notify.eq(&notice.notify),
            outbox::kind.eq("build.finished"),
            outbox::build_id.eq(build.0),
            outbox::receiver.eq(&notice.receiver),
            outbox::message_id.eq(message_id(deployment, event_seq, notice)),
            outbox::state.eq(OutboxState::Waiting.as_str()),
            outbox::attempts.eq(0),
            outbox::next_at.eq(now.0),
            outbox::created_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// The same for the same mail whenever it is sent, so that a doubled one collapses at the
/// receiver; never the same for two mails or two deployments.
pub(super) fn message_id(deployment: &str, event_seq: i64, notice: &Notice) -> String {
    let mut hash = Sha256::new();
    hash.update(notice.notify.as_bytes());
    hash.update([0]);
    hash.update(notice.receiver.as_bytes());
    let digest = hash.finalize();
    let short: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("<event-{event_seq}.{short}@{deployment}.windlass>")
}
