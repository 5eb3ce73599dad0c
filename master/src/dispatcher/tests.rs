//! From requests to claimed builds.

use super::*;
use crate::clock::Time;
use crate::db::agents::Presence;
use crate::db::requests::NewRequest;
use crate::db::tests::{TestDb, engines};
use crate::db::{steps, sync};

async fn bench(test: &TestDb) -> (Dispatcher, watch::Sender<Arc<Config>>) {
    let config = crate::config::sample::config();
    let synced = config.clone();
    let work = move |conn: &mut Conn| {
        sync::apply(conn, Time(1), &synced)?;
        for _ in 0..3 {
            let new = NewRequest {
                builder: builders::id_by_name(conn, "package")?,
                schedule: None,
                reason: String::new(),
                requested_by: "test".to_owned(),
                priority: 0,
                properties: "{}".to_owned(),
                stamps: vec![],
                changes: vec![],
            };
            requests::insert(conn, Time(2), &new)?;
        }
        Ok(())
    };
    test.db.tx("test", work).await.unwrap();
    let (sender, config) = watch::channel(Arc::new(config));
    let clock = Clock::manual(Time(10));
    (
        Dispatcher::new(&test.db, clock, Bells::default(), config),
        sender,
    )
}

async fn connect(test: &TestDb) {
    let work = |conn: &mut Conn| {
        let id = agents::by_name(conn, "linux-1")?.id;
        let presence = Presence {
            installation: "i".to_owned(),
            version: "1".to_owned(),
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            facts: "{}".to_owned(),
        };
        agents::connected(conn, Time(3), id, &presence)
    };
    test.db.tx("test", work).await.unwrap();
}

#[tokio::test]
async fn free_slots_are_filled_and_the_rest_is_told_why_it_waits() {
    for test in engines() {
        let (dispatcher, _config) = bench(&test).await;
        dispatcher.round().await.unwrap();
        let reasons = || async {
            let pending = test.db.read("test", requests::pending).await.unwrap();
            let texts = pending.into_iter().map(|request| request.wait_reason);
            texts.collect::<Vec<String>>()
        };
        assert_eq!(reasons().await, vec!["not connected: linux-1"; 3]);
        connect(&test).await;
        dispatcher.round().await.unwrap();
        dispatcher.round().await.unwrap();
        assert_eq!(reasons().await, vec!["every slot is taken: linux-1 2 of 2"]);
        let running = test.db.read("test", builds::unfinished).await.unwrap();
        assert_eq!(running.len(), 2);
        let id = running[0].id;
        let rows = test
            .db
            .read("test", move |conn| steps::of_build(conn, id))
            .await
            .unwrap();
        let kinds: Vec<&str> = rows.iter().map(|step| step.kind.as_str()).collect();
        assert_eq!(kinds, vec!["source", "run"]);
    }
}

#[tokio::test]
async fn two_dispatchers_never_claim_one_request_twice() {
    for test in engines() {
        let (first, config) = bench(&test).await;
        let second = Dispatcher::new(
            &test.db,
            Clock::manual(Time(10)),
            Bells::default(),
            config.subscribe(),
        );
        connect(&test).await;
        let (one, two) = tokio::join!(first.round(), second.round());
        one.unwrap();
        two.unwrap();
        let running = test.db.read("test", builds::unfinished).await.unwrap();
        let mut requests: Vec<RequestId> = running.iter().map(|build| build.request).collect();
        requests.dedup();
        assert_eq!((running.len(), requests.len()), (2, 2));
    }
}
