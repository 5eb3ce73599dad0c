//! Promises of the store of bytes.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use futures_util::TryStreamExt as _;

use super::local::TEMPORARY;
use super::*;
use crate::model::Blob;

/// SHA-256, SHA-1 and SHA-512 of `abc`, from FIPS 180-2.
const ABC: [&str; 3] = [
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "a9993e364706816aba3e25717850c26c9cd0d89d",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feeb\
     bd454d4423643ce80e2a9ac94fa54ca49f",
];

async fn put(blobs: &Blobs, pieces: &[&[u8]]) -> Blob {
    let mut writer = blobs.writer().unwrap();
    for piece in pieces {
        writer.write(piece).unwrap();
    }
    writer.finish().await.unwrap()
}

fn files_below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => files_below(&entry.path()),
            false => 1,
        })
        .sum()
}

#[tokio::test]
async fn a_file_is_named_by_its_content_and_has_all_three_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let blob = put(&blobs, &[b"a", b"", b"bc"]).await;
    assert_eq!([&blob.sha256, &blob.sha1, &blob.sha512], ABC);
    assert_eq!(blob.size, 3);
    let mut text = String::new();
    let mut file = blobs.open_file(&blob.sha256).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "abc");
}

#[tokio::test]
async fn the_same_content_twice_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    assert_eq!(put(&blobs, &[b"same"]).await, put(&blobs, &[b"same"]).await);
    assert_eq!(files_below(folder.path()), 1);
}

#[tokio::test]
async fn writers_of_the_same_content_at_once_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let blobs = blobs.clone();
            tokio::spawn(async move { put(&blobs, &[b"one ", b"content"]).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().size, 11);
    }
    assert_eq!(files_below(folder.path()), 1);
}

#[tokio::test]
async fn what_was_not_finished_leaves_nothing_even_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut writer = blobs.writer().unwrap();
    writer.write(b"half").unwrap();
    drop(writer);
    assert_eq!(files_below(folder.path()), 0);
    fs::write(folder.path().join(TEMPORARY).join("left-over"), b"half").unwrap();
    Blobs::open(folder.path()).unwrap();
    assert_eq!(files_below(folder.path()), 0);
}

#[test]
fn no_text_but_a_hash_opens_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
    fs::write(folder.path().join("secret"), b"x").unwrap();
    for name in [
        "",
        "..",
        "../secret",
        "/etc/passwd",
        &"A".repeat(64),
        &"ä".repeat(32),
    ] {
        let error = blobs.open_file(name).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{name}");
    }
}

async fn bytes(blobs: &Blobs, sha256: &str, range: std::ops::Range<u64>) -> io::Result<Vec<u8>> {
    let pieces: Vec<bytes::Bytes> = blobs.read(sha256, range).try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn any_range_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let content: Vec<u8> = (0..60_000_u32).flat_map(u32::to_be_bytes).collect();
    let blob = put(&blobs, &[&content]).await;
    for range in [
        0..240_000,
        0..0,
        1..2,
        65_535..65_537,
        65_536..131_072,
        239_999..240_000,
    ] {
        let part = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        assert!(bytes(&blobs, &blob.sha256, range).await.unwrap() == content[part]);
    }
    let error = bytes(&blobs, &blob.sha256, 239_999..240_001)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error = bytes(&blobs, &"0".repeat(64), 0..1).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[tokio::test]
async fn what_is_in_the_trash_can_be_read_comes_back_or_goes_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let sha256 = put(&blobs, &[b"abc"]).await.sha256;
    for _ in 0..2 {
        blobs.trash(&sha256).await.unwrap();
    }
    assert!(blobs.list(None, 10).await.unwrap().is_empty());
    assert_eq!(blobs.list_trash(None, 10).await.unwrap().len(), 1);
    assert_eq!(bytes(&blobs, &sha256, 0..3).await.unwrap(), b"abc");
    for _ in 0..2 {
        blobs.untrash(&sha256).await.unwrap();
    }
    assert!(blobs.list_trash(None, 10).await.unwrap().is_empty());
    // Not out of the trash: nothing happens.
    blobs.unlink(&sha256).await.unwrap();
    assert_eq!(blobs.size(&sha256).await.unwrap(), 3);
    blobs.trash(&sha256).await.unwrap();
    for _ in 0..2 {
        blobs.unlink(&sha256).await.unwrap();
    }
    for outcome in [blobs.trash(&sha256).await, blobs.untrash(&sha256).await] {
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
    assert_eq!(files_below(folder.path()), 0);
}

#[tokio::test]
async fn content_stored_again_outlives_the_trash() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let sha256 = put(&blobs, &[b"abc"]).await.sha256;
    blobs.trash(&sha256).await.unwrap();
    put(&blobs, &[b"abc"]).await;
    blobs.unlink(&sha256).await.unwrap();
    assert_eq!(bytes(&blobs, &sha256, 0..3).await.unwrap(), b"abc");
    blobs.trash(&sha256).await.unwrap();
    put(&blobs, &[b"abc"]).await;
    blobs.untrash(&sha256).await.unwrap();
    assert_eq!(files_below(folder.path()), 1);
}

#[tokio::test]
async fn content_that_is_read_or_was_just_written_is_not_collected() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut writer = blobs.writer().unwrap();
    writer.write(b"abc").unwrap();
    let (blob, lease) = writer.finish_leased().await.unwrap();
    let refused = async |blobs: &Blobs| {
        assert!(blobs.in_use(&blob.sha256));
        for outcome in [
            blobs.trash(&blob.sha256).await,
            blobs.unlink(&blob.sha256).await,
        ] {
            assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        }
    };
    refused(&blobs).await;
    let second = lease.clone();
    drop(lease);
    refused(&blobs).await;
    drop(second);
    let reading = blobs.read(&blob.sha256, 0..3);
    refused(&blobs).await;
    drop(reading);
    assert!(!blobs.in_use(&blob.sha256));
    blobs.trash(&blob.sha256).await.unwrap();
}

#[tokio::test]
async fn the_list_goes_through_all_names_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut names = Vec::new();
    for number in 0..40_u8 {
        names.push(put(&blobs, &[&[number]]).await.sha256);
    }
    names.sort();
    fs::write(folder.path().join(&names[0][..2]).join("stray"), b"x").unwrap();
    let (mut seen, mut after) = (Vec::<Listed>::new(), None::<String>);
    loop {
        let page = blobs.list(after.as_deref(), 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.sha256.clone());
        seen.extend(page);
    }
    let found: Vec<_> = seen.iter().map(|listed| &listed.sha256).collect();
    assert_eq!(found, names.iter().collect::<Vec<_>>());
    assert!(
        seen.iter()
            .all(|listed| listed.size == 1 && listed.modified > Time(0))
    );
}

#[tokio::test]
async fn verifying_finds_what_is_cut_turned_or_missing() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let sha256 = put(&blobs, &[b"abc"]).await.sha256;
    assert_eq!(blobs.verify(&sha256).await.unwrap(), Verified::Ok);
    for damaged in [&b"abd"[..], b"ab", b"", b"abcd"] {
        fs::write(blobs.path(&sha256).unwrap(), damaged).unwrap();
        assert_eq!(blobs.verify(&sha256).await.unwrap(), Verified::Wrong);
    }
    fs::remove_file(blobs.path(&sha256).unwrap()).unwrap();
    assert_eq!(blobs.verify(&sha256).await.unwrap(), Verified::Missing);
}

/// Both kinds of store: a folder alone, and a bucket that takes new files.
fn both(folder: &Path) -> [Blobs; 2] {
    let local = Local::open(folder.join("two")).unwrap();
    [
        Blobs::open(folder.join("one")).unwrap(),
        Blobs::over(local, Some(Remote::in_memory()), true),
    ]
}

#[tokio::test]
async fn a_bucket_keeps_every_promise_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for blobs in both(folder.path()) {
        let large: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_be_bytes).collect();
        let blob = put(&blobs, &[&large]).await;
        assert_eq!(put(&blobs, &[&large]).await, blob);
        assert_eq!(blobs.size(&blob.sha256).await.unwrap(), 20_000_000);
        let part = bytes(&blobs, &blob.sha256, 8_388_600..8_388_620)
            .await
            .unwrap();
        assert!(part == large[8_388_600..8_388_620]);
        assert_eq!(blobs.verify(&blob.sha256).await.unwrap(), Verified::Ok);
        let small = put(&blobs, &[b"abc"]).await.sha256;
        let empty = put(&blobs, &[]).await.sha256;
        assert_eq!(blobs.verify(&empty).await.unwrap(), Verified::Ok);
        let mut names = [blob.sha256.clone(), small.clone(), empty];
        names.sort();
        for (at, name) in names.iter().enumerate() {
            let after = at.checked_sub(1).map(|before| names[before].as_str());
            assert_eq!(blobs.list(after, 1).await.unwrap()[0].sha256, *name);
        }
        for _ in 0..2 {
            blobs.trash(&small).await.unwrap();
        }
        assert_eq!(blobs.list(None, 10).await.unwrap().len(), 2);
        assert_eq!(blobs.list_trash(None, 10).await.unwrap()[0].size, 3);
        assert_eq!(bytes(&blobs, &small, 0..3).await.unwrap(), b"abc");
        blobs.untrash(&small).await.unwrap();
        blobs.unlink(&small).await.unwrap();
        assert_eq!(blobs.size(&small).await.unwrap(), 3);
        blobs.trash(&small).await.unwrap();
        put(&blobs, &[b"abc"]).await;
        blobs.unlink(&small).await.unwrap();
        assert_eq!(
            blobs.size(&small).await.unwrap(),
            3,
            "stored again meanwhile"
        );
        blobs.trash(&small).await.unwrap();
        for _ in 0..2 {
            blobs.unlink(&small).await.unwrap();
        }
        let missing = blobs.size(&small).await.unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert_eq!(blobs.verify(&small).await.unwrap(), Verified::Missing);
    }
}

#[tokio::test]
async fn what_is_appended_is_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut writer = blobs.writer().unwrap();
    for piece in [&b"a"[..], b"", b"bc"] {
        writer
            .append(bytes::Bytes::from_static(piece))
            .await
            .unwrap();
    }
    assert_eq!(writer.len(), 3);
    assert_eq!(writer.finish().await.unwrap().sha256, ABC[0]);
}
