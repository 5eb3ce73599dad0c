//! Tests of `logs`: what is committed is kept, what is not is cut, ranges are exact.

use super::*;
use crate::db::outbox::tests::{finish, ground};
use crate::db::tests::{TestDb, engines};

async fn over(database: &TestDb, data: &std::path::Path) -> Logs {
    database
        .db
        .tx("ground", |conn| {
            ground(conn)?;
            finish(conn, "success").map(drop)
        })
        .await
        .unwrap();
    Logs::new(&database.db, Clock::system(), data)
}

#[tokio::test]
async fn what_is_not_committed_is_cut_when_a_log_is_opened_again() {
    for database in engines() {
        let data = tempfile::tempdir().unwrap();
        let logs = over(&database, data.path()).await;
        let mut log = logs
            .create(StepId(1), "output".parse().unwrap())
            .await
            .unwrap();
        let id = log.id();
        log.append(b"kept\nand half").await.unwrap();
        log.commit().await.unwrap();
        log.append(&[b'x'; 600_000]).await.unwrap();
        drop(log);
        let mut log = logs.open(id).await.unwrap();
        log.append(b" a line\n").await.unwrap();
        log.close().await.unwrap();
        assert_eq!(
            logs.read(id, 0, 100).await.unwrap(),
            &b"kept\nand half a line\n"[..]
        );
        assert_eq!(logs.find(id).await.unwrap().lines, 2);
        assert!(matches!(logs.open(id).await, Err(LogError::Closed)));
    }
}

#[tokio::test]
async fn open_and_closed_logs_read_the_same() {
    for database in engines() {
        let data = tempfile::tempdir().unwrap();
        let logs = over(&database, data.path()).await;
        let mut log = logs
            .create(StepId(1), "output".parse().unwrap())
            .await
            .unwrap();
        let id = log.id();
        let mut text: String = (1..=400_000).map(|n| format!("{n}\n")).collect();
        text.push_str("without end");
        log.append(text.as_bytes()).await.unwrap();
        log.commit().await.unwrap();
        let mut log = Some(log);
        for is_open in [true, false] {
            if !is_open {
                log.take().unwrap().close().await.unwrap();
            }
            for (from, max) in [
                (0, 10),
                (1_048_570, 20),
                (2_000_000, 1_100_000),
                (2_688_890, 99),
            ] {
                let end = (from + max).min(text.len());
                let read = logs.read(id, from as u64, max).await.unwrap();
                assert!(read == text.as_bytes()[from..end], "{from} {max}");
            }
            assert!(
                logs.read(id, text.len() as u64, 9)
                    .await
                    .unwrap()
                    .is_empty()
            );
            assert!(logs.read(id, u64::MAX, 9).await.unwrap().is_empty());
            let tail = logs.tail(id, 2).await.unwrap();
            assert_eq!(tail, (400_000, b"400000\nwithout end".to_vec()));
            let lines = logs.lines(id, 250_000, 2).await.unwrap();
            assert_eq!(lines, b"250000\n250001\n");
        }
        let row = logs.find(id).await.unwrap();
        assert!(row.compressed && !data.path().join(&row.path).exists());
    }
}

#[tokio::test]
async fn followers_see_growth_and_the_end() {
    for database in engines() {
        let data = tempfile::tempdir().unwrap();
        let logs = over(&database, data.path()).await;
        let mut log = logs
            .create(StepId(1), "output".parse().unwrap())
            .await
            .unwrap();
        let id = log.id();
        let mut follower = logs.subscribe(id).await.unwrap();
        assert_eq!(*follower.borrow_and_update(), 0);
        log.append(b"one\n").await.unwrap();
        log.commit().await.unwrap();
        follower.changed().await.unwrap();
        assert_eq!(*follower.borrow_and_update(), 4);
        log.close().await.unwrap();
        while follower.changed().await.is_ok() {}
        let late = logs.subscribe(id).await.unwrap();
        assert_eq!(*late.borrow(), 4);
        assert!(late.has_changed().is_err());
        assert!(logs.grown().is_empty());
    }
}

#[tokio::test]
async fn an_empty_log_closes_and_reads_as_empty() {
    for database in engines() {
        let data = tempfile::tempdir().unwrap();
        let logs = over(&database, data.path()).await;
        let log = logs
            .create(StepId(1), "output".parse().unwrap())
            .await
            .unwrap();
        let id = log.id();
        log.close().await.unwrap();
        assert!(logs.read(id, 0, 9).await.unwrap().is_empty());
        assert_eq!(logs.tail(id, 9).await.unwrap(), (1, Vec::new()));
        assert!(matches!(
            logs.find(LogId(99)).await,
            Err(LogError::Db(DbError::NotFound))
        ));
    }
}
