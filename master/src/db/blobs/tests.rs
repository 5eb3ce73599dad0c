//! Rows of stored files, on both engines.

use super::*;
use crate::db::tests::engines;

#[tokio::test]
async fn a_file_stored_again_is_live_again_one_generation_later() {
    for test in engines() {
        let blob = Blob {
            sha256: "a".repeat(64),
            sha1: "b".repeat(40),
            sha512: "c".repeat(128),
            size: 3,
            store: crate::model::BlobStore::Local,
        };
        let again = move |conn: &mut Conn| {
            insert(conn, Time(1), &blob)?;
            insert(conn, Time(2), &blob)?;
            mark_corrupt(conn, &blob.sha256)?;
            insert(conn, Time(3), &blob)?;
            let row = blobs::table.find(&blob.sha256);
            let columns = (blobs::state, blobs::generation, blobs::created_at);
            Ok(row.select(columns).first::<(String, i64, i64)>(conn)?)
        };
        let row = test.db.tx("test", again).await.unwrap();
        assert_eq!(row, ("live".to_owned(), 2, 1));
    }
}
