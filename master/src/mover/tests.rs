//! A move while files are read.

use futures_util::TryStreamExt as _;

use super::*;
use crate::clock::Time;
use crate::db::blobs as rows;
use crate::db::tests::sqlite;

async fn read(blobs: &Blobs, sha256: &str, size: u64) -> Vec<u8> {
    let pieces: Vec<_> = blobs.read(sha256, 0..size).try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn every_file_goes_there_and_back_and_readers_notice_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::with_bucket_in_memory(folder.path()).unwrap();
    let test = sqlite();
    let mut files = Vec::new();
    for number in 0..20_u8 {
        let content = vec![number; usize::from(number) * 40_000];
        let mut writer = blobs.writer().unwrap();
        writer.write(&content).unwrap();
        let blob = writer.finish().await.unwrap();
        let row = blob.clone();
        let insert = move |conn: &mut Conn| rows::insert(conn, Time(1), &row);
        test.db.tx("test", insert).await.unwrap();
        files.push((blob.sha256, content));
    }
    blobs.trash(&files[3].0).await.unwrap();
    let mover = Mover::new(&test.db, Bells::default(), blobs.clone());
    for to in [BlobStore::S3, BlobStore::Local, BlobStore::S3] {
        let (sha256, content) = files[19].clone();
        let size = content.len() as u64;
        let mut reading = Box::pin(blobs.read(&sha256, 0..size));
        let mut seen = reading.try_next().await.unwrap().unwrap().to_vec();
        let set = move |conn: &mut Conn| stores::set_target(conn, Some(to));
        test.db.tx("test", set).await.unwrap();
        let (moved, ()) = tokio::join!(mover.round(), async {
            for (sha256, content) in &files {
                assert!(read(&blobs, sha256, content.len() as u64).await == *content);
            }
        });
        moved.unwrap();
        while let Some(piece) = reading.try_next().await.unwrap() {
            seen.extend_from_slice(&piece);
        }
        assert!(seen == content, "a reader of long breath");
        drop(reading);
        let contents = test.db.read("test", stores::contents).await.unwrap();
        for content in contents {
            let expected = if content.store == to { 20 } else { 0 };
            assert_eq!(content.files, expected, "{to}");
        }
        let target = test.db.read("test", stores::target).await.unwrap();
        assert_eq!(target, None, "the move is over");
        for (sha256, content) in &files {
            assert!(read(&blobs, sha256, content.len() as u64).await == *content);
        }
        let in_trash = blobs.list_trash(None, 100).await.unwrap();
        assert_eq!(in_trash.len(), 1, "what was in the trash is in the trash");
        assert_eq!(blobs.list(None, 100).await.unwrap().len(), 19);
        let is_here = |file: &&(String, Vec<u8>)| blobs.path(&file.0).unwrap().exists();
        let here = files.iter().filter(is_here).count();
        assert_eq!(here, if to == BlobStore::S3 { 0 } else { 19 });
    }
}

#[tokio::test]
async fn a_damaged_file_is_told_and_not_moved() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::with_bucket_in_memory(folder.path()).unwrap();
    let test = sqlite();
    let mut writer = blobs.writer().unwrap();
    writer.write(b"abc").unwrap();
    let blob = writer.finish().await.unwrap();
    let row = blob.clone();
    let insert = move |conn: &mut Conn| {
        rows::insert(conn, Time(1), &row)?;
        stores::set_target(conn, Some(BlobStore::S3))
    };
    test.db.tx("test", insert).await.unwrap();
    std::fs::write(blobs.path(&blob.sha256).unwrap(), b"abd").unwrap();
    let mover = Mover::new(&test.db, Bells::default(), blobs.clone());
    mover.round().await.unwrap();
    assert!(
        blobs.path(&blob.sha256).unwrap().exists(),
        "it stays for a look"
    );
    let contents = test.db.read("test", stores::contents).await.unwrap();
    assert!(contents.iter().all(|content| content.files == 0));
}
