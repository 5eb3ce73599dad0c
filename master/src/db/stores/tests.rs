//! Where files lie, on both engines.

use super::*;
use crate::clock::Time;
use crate::db::blobs as rows;
use crate::db::tests::engines;
use crate::model::Blob;

fn blob(digit: &str, size: u64) -> Blob {
    Blob {
        sha256: digit.repeat(64),
        sha1: digit.repeat(40),
        sha512: digit.repeat(128),
        size,
        store: BlobStore::Local,
    }
}

#[tokio::test]
async fn a_move_goes_through_what_lies_elsewhere_and_is_over_when_nothing_does() {
    for test in engines() {
        let work = |conn: &mut Conn| {
            for (digit, size) in [("a", 5), ("b", 5), ("c", 7)] {
                rows::insert(conn, Time(1), &blob(digit, size))?;
            }
            rows::mark_corrupt(conn, &"c".repeat(64))?;
            assert_eq!(target(conn)?, None);
            set_target(conn, Some(BlobStore::S3))?;
            assert_eq!(target(conn)?, Some(BlobStore::S3));
            let first = elsewhere(conn, BlobStore::S3, "", 1)?;
            assert_eq!(first, [("a".repeat(64), 5)]);
            moved(conn, &first[0].0, BlobStore::S3)?;
            let second = elsewhere(conn, BlobStore::S3, &first[0].0, 10)?;
            assert_eq!(second, [("b".repeat(64), 5)]);
            let found: Vec<_> = contents(conn)?
                .iter()
                .map(|content| (content.store, content.files, content.bytes))
                .collect();
            assert_eq!(found, [(BlobStore::Local, 1, 5), (BlobStore::S3, 1, 5)]);
            set_target(conn, None)?;
            assert_eq!(target(conn)?, None);
            // Stored again in the folder: there it lies now.
            rows::insert(conn, Time(2), &blob("a", 5))?;
            assert_eq!(elsewhere(conn, BlobStore::S3, "", 10)?.len(), 2);
            Ok(())
        };
        test.db.tx("test", work).await.unwrap();
    }
}
