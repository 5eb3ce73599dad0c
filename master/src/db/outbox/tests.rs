//! The way of a mail through the outbox, on both engines.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;

use super::*;
use crate::config::resolved::{Notify, Occasion, Receiver};
use crate::db::events::{self, NewEvent};
use crate::db::schema::{
    agents, builders, builds, changes, projects, repositories, request_changes, requests,
    source_stamps, steps,
};
use crate::db::tests::engines;

const NOW: Time = Time(1_000_000_000);
const LEASE: Duration = Duration::from_secs(180);

/// A project with one builder, one agent, one repository with a hostile change; every id is 1.
pub(crate) fn ground(conn: &mut Conn) -> DbResult<()> {
    diesel::insert_into(projects::table)
        .values((
            projects::name.eq("editor"),
            projects::title.eq("Acme Editor"),
            projects::created_at.eq(0),
        ))
        .execute(conn)?;
    diesel::insert_into(builders::table)
        .values((
            builders::name.eq("package"),
            builders::project_id.eq(1),
            builders::tags.eq("[]"),
            builders::active.eq(true),
            builders::next_number.eq(1),
            builders::created_at.eq(0),
        ))
        .execute(conn)?;
    diesel::insert_into(agents::table)
        .values((
            agents::name.eq("linux-1"),
            agents::facts.eq("{}"),
            agents::active.eq(true),
            agents::paused.eq(false),
            agents::created_at.eq(0),
        ))
        .execute(conn)?;
    diesel::insert_into(repositories::table)
        .values((
            repositories::name.eq("editor"),
            repositories::project_id.eq(1),
            repositories::vcs.eq("git"),
            repositories::url.eq("u"),
        ))
        .execute(conn)?;
    diesel::insert_into(changes::table)
        .values((
            changes::repository_id.eq(1),
            changes::branch.eq("main"),
            changes::revision.eq("c0ffee1234567890"),
            changes::position.eq(7),
            changes::author.eq("Mara <script>alert(1)</script>\u{1b}[31m"),
            changes::author_email.eq("mara@acme.example"),
            changes::message.eq("Draw faster\r\nBcc: all@acme.example\n\nlong text"),
            changes::files.eq("[]"),
            changes::files_total.eq(0),
            changes::committed_at.eq(0),
            changes::seen_at.eq(0),
        ))
        .execute(conn)?;
    Ok(())
}

/// A finished build with the next number and its event; returns the event's number and the build.
pub(crate) fn finish(conn: &mut Conn, result: &str) -> DbResult<(i64, BuildId)> {
    let number: i64 = builds::table.count().get_result::<i64>(conn)? + 1;
    let request: i64 = diesel::insert_into(requests::table)
        .values((
            requests::builder_id.eq(1),
            requests::reason.eq("a change"),
            requests::requested_by.eq("push"),
            requests::priority.eq(0),
            requests::state.eq("done"),
            requests::wait_reason.eq(""),
            requests::properties.eq("{}"),
            requests::created_at.eq(0),
        ))
        .returning(requests::id)
        .get_result(conn)?;
    diesel::insert_into(request_changes::table)
        .values((
            request_changes::request_id.eq(request),
            request_changes::change_id.eq(1),
        ))
        .execute(conn)?;
    diesel::insert_into(source_stamps::table)
        .values((
            source_stamps::request_id.eq(request),
            source_stamps::codebase.eq("editor"),
            source_stamps::repository_id.eq(1),
            source_stamps::branch.eq("main"),
            source_stamps::revision.eq("c0ffee1234567890"),
            source_stamps::position.eq(7),
        ))
        .execute(conn)?;
    let build: i64 = diesel::insert_into(builds::table)
        .values((
            builds::builder_id.eq(1),
            builds::number.eq(number),
            builds::request_id.eq(request),
            builds::agent_id.eq(1),
            builds::state.eq("finished"),
            builds::result.eq(result),
            builds::state_text.eq("make check failed"),
            builds::folder.eq("package/own-0"),
            builds::created_at.eq(0),
            builds::started_at.eq(1_000_000),
            builds::finished_at.eq(62_000_000),
        ))
        .returning(builds::id)
        .get_result(conn)?;
    diesel::insert_into(steps::table)
        .values((
            steps::build_id.eq(build),
            steps::position.eq(0),
            steps::name.eq("make check"),
            steps::kind.eq("run"),
            steps::state.eq("finished"),
            steps::result.eq(result),
            steps::state_text.eq("exit status 2"),
            steps::started_at.eq(1_000_000),
            steps::finished_at.eq(61_000_000),
        ))
        .execute(conn)?;
    let event = NewEvent {
        kind: "build.finished",
        build: Some(BuildId(build)),
        ..NewEvent::default()
    };
    Ok((events::append(conn, NOW, &event)?, BuildId(build)))
}

/// Change mails to the authors and one fixed address.
pub(crate) fn team() -> BTreeMap<String, Notify> {
    let notify = Notify {
        builders: Vec::new(),
        when: vec![Occasion::Change],
        to: vec![
            Receiver::Address("qa@acme.example".to_owned()),
            Receiver::Authors,
        ],
    };
    BTreeMap::from([("team".to_owned(), notify)])
}

#[tokio::test]
async fn a_change_of_result_is_queued_once_with_fixed_message_ids() {
    for test in engines() {
        let queued = test
            .db
            .tx("queue", |conn| {
                ground(conn)?;
                let mut queued = Vec::new();
                for result in ["success", "success", "cancelled", "failure", "success"] {
                    let (seq, build) = finish(conn, result)?;
                    queued.push(queue_build_mails(conn, NOW, &team(), seq, build)?);
                }
                Ok(queued)
            })
            .await
            .unwrap();
        assert_eq!(queued, [2, 0, 0, 2, 2]);
        let mails = test
            .db
            .read("all", |conn| newest(conn, None))
            .await
            .unwrap();
        let mut ids: Vec<_> = mails.iter().map(|mail| mail.message_id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 6, "{ids:?}");
        assert!(ids.iter().all(|id| id.ends_with(".windlass>")), "{ids:?}");
        assert!(
            mails
                .iter()
                .any(|mail| mail.receiver == "mara@acme.example")
        );
    }
}

#[tokio::test]
async fn a_mail_that_was_being_sent_when_the_master_stopped_is_due_again() {
    for test in engines() {
        let first = test
            .db
            .tx("queue", |conn| {
                ground(conn)?;
                let (seq, build) = finish(conn, "failure")?;
                queue_build_mails(conn, NOW, &team(), seq, build)?;
                claim(conn, NOW, LEASE, 10)
            })
            .await
            .unwrap();
        assert_eq!(first.len(), 2);
        let (during, after, due) = test
            .db
            .tx("again", |conn| {
                let due = next_due(conn)?;
                let during = claim(conn, NOW.after(LEASE / 2), LEASE, 10)?;
                Ok((during, claim(conn, NOW.after(LEASE), LEASE, 10)?, due))
            })
            .await
            .unwrap();
        assert_eq!(due, Some(NOW.after(LEASE)));
        assert!(during.is_empty(), "claimed twice: {during:?}");
        let ids = |mails: &[OutboxMail]| -> Vec<_> {
            mails.iter().map(|mail| mail.message_id.clone()).collect()
        };
        assert_eq!(ids(&first), ids(&after));
        assert!(after.iter().all(|mail| mail.attempts == 2));
    }
}

#[tokio::test]
async fn sent_and_failed_mails_are_not_due_and_keep_their_reason() {
    for test in engines() {
        let mails = test
            .db
            .tx("marks", |conn| {
                ground(conn)?;
                let (seq, build) = finish(conn, "failure")?;
                queue_build_mails(conn, NOW, &team(), seq, build)?;
                let claimed = claim(conn, NOW, LEASE, 10)?;
                mark_sent(conn, NOW, claimed[0].id)?;
                mark_retry(conn, claimed[1].id, NOW.after(LEASE), "421 not now")?;
                assert_eq!(next_due(conn)?, Some(NOW.after(LEASE)));
                mark_failed(conn, claimed[1].id, "550 no such\0 user")?;
                assert_eq!(next_due(conn)?, None);
                assert!(matches!(
                    mark_sent(conn, NOW, OutboxId(999)),
                    Err(DbError::NotFound)
                ));
                of_build(conn, build)
            })
            .await
            .unwrap();
        let states: Vec<_> = mails.iter().map(|mail| mail.state).collect();
        assert_eq!(states, [OutboxState::Sent, OutboxState::Failed]);
        assert_eq!(mails[0].sent_at, Some(NOW));
        assert_eq!(
            mails[1].last_error.as_deref(),
            Some("550 no such\u{fffd} user")
        );
    }
}

#[tokio::test]
async fn the_content_names_everything_a_mail_tells() {
    for test in engines() {
        let told = test
            .db
            .tx("content", |conn| {
                ground(conn)?;
                let (_, build) = finish(conn, "failure")?;
                content(conn, build)
            })
            .await
            .unwrap();
        assert_eq!((told.builder.as_str(), told.number), ("package", 1));
        assert_eq!(told.project_title, "Acme Editor");
        assert_eq!(told.stamps[0].branch, "main");
        assert_eq!(told.changes[0].subject, "Draw faster");
        assert_eq!(told.changes_total, 1);
        assert_eq!(told.steps[0].state_text, "exit status 2");
    }
}
