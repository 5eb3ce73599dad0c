//! The audit trail on both engines.

use super::*;
use crate::db::tests::engines;

#[tokio::test]
async fn an_audit_row_comes_back_as_it_was_written() {
    for test in engines() {
        let id = test
            .db
            .tx("test", |conn| {
                let refused = AuditOutcome::Refused;
                let what = ("user.add", "user", "bo\0b", "no role\u{1b}[31m");
                append(
                    conn,
                    Time(5),
                    "ann",
                    what.0,
                    what.1,
                    what.2,
                    refused,
                    what.3,
                )
            })
            .await
            .unwrap();
        let rows = test.db.read("test", |conn| newest(conn, None)).await;
        let row = rows.unwrap().remove(0);
        assert_eq!((row.id, row.at), (id, Time(5)));
        assert_eq!(
            (row.actor.as_str(), row.action.as_str()),
            ("ann", "user.add")
        );
        assert_eq!(row.object_id, "bo\u{fffd}b");
        assert_eq!(row.outcome, AuditOutcome::Refused);
        assert_eq!(row.detail, "no role\u{1b}[31m");
        let older = test
            .db
            .read("test", move |conn| newest(conn, Some(id)))
            .await;
        assert!(older.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_long_detail_is_cut_at_a_character() {
    for test in engines() {
        let long = "ä".repeat(DETAIL_BYTES_MAX);
        let write = move |conn: &mut Conn| {
            let done = AuditOutcome::Done;
            append(conn, Time(1), "ann", "a.b", "a", "1", done, &long)
        };
        test.db.tx("test", write).await.unwrap();
        let rows = test.db.read("test", |conn| newest(conn, None)).await;
        assert_eq!(rows.unwrap()[0].detail.len(), DETAIL_BYTES_MAX);
    }
}
