//! Unfinished files over restarts, and on their way into the store.

use super::*;
use crate::storage::Blobs;

#[tokio::test]
async fn what_was_not_promised_is_cut_off_before_a_file_grows_again() {
    let folder = tempfile::tempdir().unwrap();
    let partials = Partials::at(folder.path().join("uploads"));
    let id = UploadId(7);
    let mut file = partials.open(id, None).unwrap();
    file.write(b"kept").unwrap();
    let state = file.save().unwrap();
    file.write(b" lost in a crash").unwrap();
    drop(file);
    let mut file = partials.open(id, Some(&state)).unwrap();
    assert_eq!(file.size(), 4);
    file.write(b" and more").unwrap();
    let state = file.save().unwrap();
    assert_eq!(fs::read(partials.path(id)).unwrap(), b"kept and more");
    let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
    let blob = Hashes::restore(&state).unwrap().finish();
    let (blob, lease) = blobs.adopt(&partials.path(id), blob).await.unwrap();
    assert!(blobs.in_use(&blob.sha256), "until a row names it");
    drop(lease);
    assert_eq!(
        fs::read(blobs.path(&blob.sha256).unwrap()).unwrap(),
        b"kept and more"
    );
    assert!(partials.list().unwrap().is_empty());
}

#[test]
fn a_part_that_is_shorter_than_promised_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let partials = Partials::at(folder.path());
    let mut file = partials.open(UploadId(1), None).unwrap();
    file.write(b"all of it").unwrap();
    let state = file.save().unwrap();
    fs::write(partials.path(UploadId(1)), b"all").unwrap();
    let error = partials.open(UploadId(1), Some(&state)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(partials.list().unwrap(), [UploadId(1)]);
    partials.remove(UploadId(1)).unwrap();
    partials.remove(UploadId(1)).unwrap();
    assert!(partials.list().unwrap().is_empty());
    assert!(partials.room().unwrap() > 0);
}
