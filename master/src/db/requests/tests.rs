//! Requests on both engines: merging, and the guarded step that makes a claim happen once.

use super::*;
use crate::db::{Db, changes, sync, tests::engines};
use crate::model::RequestState;

async fn filled(db: &Db) -> (BuilderId, RepositoryId) {
    let config = crate::config::sample::config();
    db.tx("test", move |conn| {
        sync::apply(conn, Time(1), &config)?;
        sync::apply(conn, Time(2), &config)?;
        let builder = crate::db::builders::id_by_name(conn, "package")?;
        let repository = crate::db::repositories::id_by_name(conn, "editor")?;
        Ok((builder, repository))
    })
    .await
    .unwrap()
}

fn new_request(builder: BuilderId, repository: RepositoryId) -> NewRequest {
    NewRequest {
        builder,
        schedule: Some("push".to_owned()),
        reason: "change of main".to_owned(),
        requested_by: "push".to_owned(),
        priority: 0,
        properties: "{}".to_owned(),
        stamps: vec![Stamp {
            codebase: "editor".to_owned(),
            repository,
            branch: "main".to_owned(),
            revision: "a".repeat(40),
            position: 1,
        }],
        changes: vec![],
    }
}

#[tokio::test]
async fn a_newer_source_joins_the_waiting_request_of_its_branch() {
    for test in engines() {
        let (builder, repository) = filled(&test.db).await;
        test.db
            .tx("test", move |conn| {
                let new = new_request(builder, repository);
                let id = insert(conn, Time(3), &new)?;
                let change = changes::NewChange {
                    branch: "main".to_owned(),
                    revision: "b".repeat(40),
                    position: 2,
                    author: "A".to_owned(),
                    author_email: None,
                    message: "m\0n".to_owned(),
                    files: vec!["f".to_owned()],
                    files_total: 1,
                    committed_at: Time(2),
                };
                let change_id = changes::insert(conn, Time(3), repository, &change)?.unwrap();
                assert_eq!(changes::insert(conn, Time(3), repository, &change)?, None);
                let other = mergeable(conn, "push", builder, repository, "other")?;
                assert_eq!(other, None);
                let into = mergeable(conn, "push", builder, repository, "main")?;
                assert_eq!(into, Some(id));
                let mut stamp = new.stamps[0].clone();
                stamp.revision = "b".repeat(40);
                stamp.position = 2;
                merge(conn, id, &stamp, "2 changes", &[change_id, change_id])?;
                assert_eq!(stamps(conn, id)?, vec![stamp.clone()]);
                assert_eq!(changes::of_request(conn, id)?.len(), 1);
                let (from, to) = (RequestState::Pending, RequestState::Claimed);
                advance(conn, Time(4), id, from, to)?;
                let late = merge(conn, id, &stamp, "late", &[]);
                assert!(matches!(late, Err(DbError::Changed)));
                assert_eq!(mergeable(conn, "push", builder, repository, "main")?, None);
                Ok(())
            })
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_request_is_claimed_or_cancelled_once() {
    for test in engines() {
        let (builder, repository) = filled(&test.db).await;
        test.db
            .tx("test", move |conn| {
                let id = insert(conn, Time(3), &new_request(builder, repository))?;
                let (pending, claimed) = (RequestState::Pending, RequestState::Claimed);
                advance(conn, Time(4), id, pending, claimed)?;
                let again = advance(conn, Time(5), id, pending, claimed);
                assert!(matches!(again, Err(DbError::Changed)));
                let cancel = advance(conn, Time(5), id, pending, RequestState::Cancelled);
                assert!(matches!(cancel, Err(DbError::Changed)));
                assert!(super::pending(conn)?.is_empty());
                Ok(())
            })
            .await
            .unwrap();
    }
}
