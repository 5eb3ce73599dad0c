//! Promises of the store of bytes.

use std::io::Read as _;

use super::*;

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
