//! From recorded changes to requests.

use super::*;
use crate::config::resolved::Trigger;
use crate::db::changes::NewChange;
use crate::db::heads::Head;
use crate::db::tests::engines;
use crate::db::{Conn, changes, heads, repositories, requests, sync};

fn record(conn: &mut Conn, now: Time, branch: &str, n: i64) -> DbResult<()> {
    let id = repositories::id_by_name(conn, "editor")?;
    let revision = format!("{n:040x}");
    let change = NewChange {
        branch: branch.to_owned(),
        revision: revision.clone(),
        position: n,
        author: "Ann".to_owned(),
        author_email: None,
        message: "m".to_owned(),
        files: vec![],
        files_total: 0,
        committed_at: now,
    };
    changes::insert(conn, now, id, &change)?;
    let head = Head {
        branch: branch.to_owned(),
        revision,
        position: n,
        gone: false,
    };
    heads::put(conn, now, id, &head)
}

#[tokio::test]
async fn a_quiet_branch_gets_one_request_with_all_its_changes() {
    for test in engines() {
        let clock = Clock::manual(Time::from_unix_seconds(1_000));
        let mut config = crate::config::sample::config();
        for schedule in config.schedules.values_mut() {
            if let Trigger::Change {
                quiet, branches, ..
            } = &mut schedule.trigger
            {
                *quiet = Duration::from_secs(30);
                *branches = vec!["main".to_owned(), "release/*".to_owned()];
            }
        }
        let (synced, now) = (config.clone(), clock.now());
        test.db
            .tx("test", move |conn| {
                sync::apply(conn, now, &synced)?;
                record(conn, now, "main", 7)?;
                record(conn, now, "other", 8)
            })
            .await
            .unwrap();
        let (_sender, config) = watch::channel(Arc::new(config));
        let schedules = Schedules::new(&test.db, clock.clone(), Bells::default(), config);
        let next = schedules.round().await.unwrap();
        assert_eq!(next, Some(Time::from_unix_seconds(1_030)), "not quiet yet");
        clock.advance(Duration::from_secs(31));
        let pending = || test.db.read("test", requests::pending);
        assert_eq!(schedules.round().await.unwrap(), None);
        schedules.round().await.unwrap();
        let first = pending().await.unwrap();
        assert_eq!(
            first.len(),
            1,
            "once, and not for the branch that no glob names"
        );
        assert_eq!(first[0].reason, "change 000000000000 by Ann on main");

        let now = clock.now();
        test.db
            .tx("test", move |conn| {
                record(conn, now, "main", 9)?;
                record(conn, now, "main", 10)
            })
            .await
            .unwrap();
        clock.advance(Duration::from_secs(31));
        schedules.round().await.unwrap();
        let merged = pending().await.unwrap();
        assert_eq!(
            merged.len(),
            1,
            "the waiting request takes the newer source"
        );
        assert_eq!(merged[0].reason, "3 changes up to 000000000000 on main");
        let id = merged[0].id;
        let read = move |conn: &mut Conn| {
            Ok((requests::stamps(conn, id)?, changes::of_request(conn, id)?))
        };
        let (stamps, changes) = test.db.read("test", read).await.unwrap();
        assert_eq!((stamps.len(), stamps[0].position), (1, 10));
        assert_eq!(changes.len(), 3);
    }
}
