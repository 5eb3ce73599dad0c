//! Promises of the events table, on both engines.

use super::*;
use crate::db::tests::engines;

#[tokio::test]
async fn events_are_numbered_without_gaps_and_read_in_order() {
    for test in engines() {
        for kind in ["build.started", "build.finished"] {
            test.db
                .tx("append", move |conn| {
                    let event = NewEvent {
                        kind,
                        build: Some(BuildId(7)),
                        ..NewEvent::default()
                    };
                    append(conn, Time(5), &event)
                })
                .await
                .unwrap();
        }
        let read = test.db.read("after", |conn| after(conn, 0)).await.unwrap();
        let seqs: Vec<i64> = read.iter().map(|event| event.seq).collect();
        assert_eq!(seqs, [1, 2]);
        assert_eq!(read[1].kind, "build.finished");
        assert_eq!(test.db.read("newest", newest).await.unwrap(), 2);
    }
}
