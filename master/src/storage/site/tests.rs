//! What a site keeps and under which names.

use super::*;

async fn stored(blobs: &Blobs, bytes: &[u8]) -> String {
    let mut writer = blobs.writer().unwrap();
    writer.write(bytes).unwrap();
    writer.finish().await.unwrap().sha256
}

#[tokio::test]
async fn files_stand_under_their_plain_names_and_go_with_their_folders() {
    let home = tempfile::tempdir().unwrap();
    let public = home.path().join("public");
    let site = Site::folder(&public).unwrap();
    let path = "update/electron/my app/Editor Setup 100%.exe";
    site.put(path, Bytes::from_static(b"one")).await.unwrap();
    assert_eq!(std::fs::read(public.join(path)).unwrap(), b"one");
    site.put(path, Bytes::from_static(b"other")).await.unwrap();
    assert_eq!(site.size(path).await.unwrap(), Some(5));
    site.remove(path).await.unwrap();
    site.remove(path).await.unwrap();
    assert_eq!(site.size(path).await.unwrap(), None);
    assert!(!public.join("update").exists());
}

#[tokio::test]
async fn stored_files_are_copied_whole_whatever_their_size() {
    let home = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(home.path().join("blobs")).unwrap();
    let public = home.path().join("public");
    let site = Site::folder(&public).unwrap();
    let part = usize::try_from(PART_BYTES).unwrap();
    for size in [0, 1, part, part + 1, 2 * part + 7] {
        let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        let sha256 = stored(&blobs, &bytes).await;
        let put = site.put_stored("files/a", &blobs, &sha256, size as u64);
        put.await.unwrap();
        assert!(
            std::fs::read(public.join("files/a")).unwrap() == bytes,
            "{size}"
        );
    }
}

#[tokio::test]
async fn a_path_that_leaves_the_site_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let site = Site::folder(&home.path().join("public")).unwrap();
    for path in ["../a", "a/../../b", "a//b"] {
        let put = site.put(path, Bytes::from_static(b"x")).await;
        assert!(put.is_err(), "{path}");
    }
}
