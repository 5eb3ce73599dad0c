//! Builds on both engines: claims, slots, folders, ends.

use super::*;
use crate::db::{Db, agents, builders, sync, tests::engines};

async fn filled(db: &Db) -> (BuilderId, AgentId) {
    let config = crate::config::sample::config();
    db.tx("test", move |conn| {
        sync::apply(conn, Time(1), &config)?;
        let builder = builders::id_by_name(conn, "package")?;
        Ok((builder, agents::by_name(conn, "linux-1")?.id))
    })
    .await
    .unwrap()
}

fn request(conn: &mut Conn, builder: BuilderId) -> DbResult<RequestId> {
    let new = requests::NewRequest {
        builder,
        schedule: None,
        reason: String::new(),
        requested_by: "test".to_owned(),
        priority: 0,
        properties: "{}".to_owned(),
        stamps: vec![],
        changes: vec![],
    };
    requests::insert(conn, Time(2), &new)
}

fn new_build(request: RequestId, builder: BuilderId, agent: AgentId) -> NewBuild {
    NewBuild {
        request,
        builder,
        builder_name: "package".to_owned(),
        agent,
        slots: 2,
        steps: vec![("source".to_owned(), "source"), ("run".to_owned(), "run")],
    }
}

#[tokio::test]
async fn a_claim_takes_the_next_number_and_the_lowest_free_folder() {
    for test in engines() {
        let (builder, agent) = filled(&test.db).await;
        test.db
            .tx("test", move |conn| {
                let requests = [
                    request(conn, builder)?,
                    request(conn, builder)?,
                    request(conn, builder)?,
                ];
                let first = claim(conn, Time(3), &new_build(requests[0], builder, agent))?;
                let second = claim(conn, Time(3), &new_build(requests[1], builder, agent))?;
                assert_eq!((first.number, second.number), (1, 2));
                assert_eq!(first.folder, "package/own-0");
                assert_eq!(second.folder, "package/own-1");
                assert_eq!(steps::of_build(conn, first.id)?.len(), 2);
                finish(conn, Time(4), &first, BuildResult::Failure, "1 failed")?;
                let again = finish(conn, Time(5), &first, BuildResult::Success, "");
                assert!(matches!(again, Err(DbError::Changed)));
                let third = claim(conn, Time(6), &new_build(requests[2], builder, agent))?;
                assert_eq!((third.number, third.folder.as_str()), (3, "package/own-0"));
                let before = previous_result(conn, builder, third.number)?;
                assert_eq!(before, Some(BuildResult::Failure));
                assert_eq!(previous_result(conn, builder, 1)?, None);
                Ok(())
            })
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_full_agent_and_a_taken_request_refuse_the_claim() {
    for test in engines() {
        let (builder, agent) = filled(&test.db).await;
        let waiting = test
            .db
            .tx("test", move |conn| {
                let taken = request(conn, builder)?;
                claim(conn, Time(3), &new_build(taken, builder, agent))?;
                let again = claim(conn, Time(3), &new_build(taken, builder, agent));
                assert!(matches!(again, Err(DbError::Changed)));
                let second = request(conn, builder)?;
                claim(conn, Time(3), &new_build(second, builder, agent))?;
                request(conn, builder)
            })
            .await
            .unwrap();
        let full = test
            .db
            .tx("test", move |conn| {
                claim(conn, Time(4), &new_build(waiting, builder, agent))
            })
            .await;
        assert!(matches!(full, Err(DbError::Changed)));
        let state = test
            .db
            .read("test", move |conn| requests::by_id(conn, waiting))
            .await
            .unwrap()
            .state;
        assert_eq!(
            state,
            RequestState::Pending,
            "the refused claim left nothing"
        );
    }
}

#[tokio::test]
async fn a_cancel_is_asked_once_and_properties_keep_their_last_value() {
    for test in engines() {
        let (builder, agent) = filled(&test.db).await;
        test.db
            .tx("test", move |conn| {
                let id = request(conn, builder)?;
                let build = claim(conn, Time(3), &new_build(id, builder, agent))?;
                ask_cancel(conn, Time(4), build.id, "ann")?;
                let again = ask_cancel(conn, Time(5), build.id, "bob");
                assert!(matches!(again, Err(DbError::Changed)));
                let seen = by_id(conn, build.id)?;
                assert_eq!(
                    (seen.cancel_at, seen.state),
                    (Some(Time(4)), BuildState::Stopping)
                );
                let property = |value: &str| Property {
                    name: "branch".to_owned(),
                    value: value.to_owned(),
                    source: "source".to_owned(),
                };
                set_properties(conn, build.id, &[property("\"a\""), property("\"b\"")])?;
                assert_eq!(properties(conn, build.id)?, vec![property("\"b\"")]);
                Ok(())
            })
            .await
            .unwrap();
    }
}
