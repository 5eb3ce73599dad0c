//! Another process writes: kept answers end and pages hear of it.

use super::*;
use crate::app::tests::START;
use crate::db::tests::engines;

#[tokio::test]
async fn what_another_process_writes_ends_kept_answers_and_is_told_to_pages() {
    for test in engines() {
        let bells = Bells::default();
        let inbox = Inbox::new(&test.db, bells.clone());
        let begin = inbox.round(None).await.unwrap();
        let epoch = test.db.feed_epoch();
        assert_eq!(inbox.round(Some(begin)).await.unwrap(), begin);
        assert_eq!(test.db.feed_epoch(), epoch, "nothing came");
        let other = test.another();
        let write = |kind: &'static str| {
            let other = other.clone();
            async move {
                let event = events::NewEvent {
                    kind,
                    ..events::NewEvent::default()
                };
                let add = move |conn: &mut Conn| events::append(conn, START, &event);
                other.tx("test", add).await.unwrap()
            }
        };
        let quiet = write("build.finished").await;
        assert_eq!(inbox.round(Some(begin)).await.unwrap(), quiet);
        assert_eq!(test.db.feed_epoch(), epoch, "feeds do not know builds");
        let loud = write("updates.shut-off").await;
        assert_eq!(inbox.round(Some(quiet)).await.unwrap(), loud);
        assert!(test.db.feed_epoch() > epoch);
        assert_eq!(*bells.events.borrow(), loud);
    }
}
