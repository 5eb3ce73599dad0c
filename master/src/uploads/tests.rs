//! Bodies that come whole, cut, twice and too long, and what a crash leaves between the bytes and
//! the database.

use bytes::Bytes;
use futures_util::stream;

use super::*;
use crate::clock::Time;
use crate::db::drafts::tests::draft;
use crate::db::tests::{TestDb, engines};
use crate::db::{blobs as blob_rows, drafts};
use crate::failpoints::POINTS;
use crate::ids::DraftId;

const CONTENT: &[u8] = b"every byte of an installer";

struct Bench {
    uploads: Uploads,
    blobs: Blobs,
    draft: DraftId,
    id: UploadId,
    clock: Clock,
    folder: tempfile::TempDir,
    test: TestDb,
}

async fn benches(sha256: Option<&str>) -> Vec<Bench> {
    let mut all = Vec::new();
    for test in engines() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        let clock = Clock::manual(Time(10));
        let uploads = Uploads::new(
            &test.db,
            clock.clone(),
            blobs.clone(),
            folder.path().join("uploads"),
        );
        let file = uploads_row(sha256);
        let work = move |conn: &mut Conn| {
            let draft = drafts::insert(conn, Time(1), &draft("1.0", None))?;
            Ok((draft, uploads::insert(conn, Time(1), draft, &file)?))
        };
        let (draft, id) = test.db.tx("test", work).await.unwrap();
        all.push(Bench {
            uploads,
            blobs,
            draft,
            id,
            clock,
            folder,
            test,
        });
    }
    all
}

fn uploads_row(sha256: Option<&str>) -> uploads::NewUpload {
    uploads::NewUpload {
        role: "installer".to_owned(),
        name: "editor.run".to_owned(),
        source_path: "editor.run".to_owned(),
        sha256: sha256.map(str::to_owned),
        size: CONTENT.len() as u64,
    }
}

impl Bench {
    async fn put(
        &self,
        first: u64,
        pieces: Vec<Result<&'static [u8], ()>>,
    ) -> (Body, uploads::Upload) {
        let incoming = Incoming {
            id: self.id,
            first,
            bytes_max: CONTENT.len() as u64 - first,
            expires_at: Time(5_000),
        };
        let pieces = pieces
            .into_iter()
            .map(|piece| piece.map(Bytes::from_static));
        let body = stream::iter(pieces);
        let place = self.uploads.place().unwrap();
        self.uploads.receive(incoming, body, place).await.unwrap()
    }

    fn parts(&self) -> usize {
        let listed = std::fs::read_dir(self.folder.path().join("uploads"));
        listed.map_or(0, Iterator::count)
    }
}

#[tokio::test]
async fn a_file_that_comes_in_cut_pieces_is_the_whole_file_in_the_store() {
    for bench in benches(None).await {
        let (ended, row) = bench.put(0, vec![Ok(&CONTENT[..10]), Err(())]).await;
        assert_eq!((ended, row.received), (Body::Cut, 10), "what came is kept");
        let (ended, row) = bench.put(3, vec![Ok(&CONTENT[3..])]).await;
        assert_eq!((ended, row.received), (Body::Elsewhere, 10));
        let again = Uploads::new(
            &bench.test.db,
            bench.clock.clone(),
            bench.blobs.clone(),
            bench.folder.path().join("uploads"),
        );
        let bench = Bench {
            uploads: again,
            ..bench
        };
        let (ended, row) = bench.put(10, vec![Ok(&CONTENT[10..])]).await;
        assert_eq!((ended, row.state), (Body::Whole, UploadState::Complete));
        let path = bench.blobs.path(&row.blob.unwrap()).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), CONTENT);
        assert_eq!(bench.parts(), 0);
    }
}

#[tokio::test]
async fn what_is_not_announced_is_refused_and_leaves_nothing() {
    let wrong = "0".repeat(64);
    for bench in benches(Some(&wrong)).await {
        let (_, row) = bench.put(0, vec![Ok(CONTENT)]).await;
        assert_eq!((row.state, row.received), (UploadState::Refused, 0));
        assert!(row.state_text.contains(&wrong), "{}", row.state_text);
        assert_eq!(bench.parts(), 0);
    }
    for bench in benches(None).await {
        let (ended, row) = bench.put(0, vec![Ok(CONTENT), Ok(b"more")]).await;
        assert_eq!((ended, row.state), (Body::TooLong, UploadState::Complete));
    }
}

#[tokio::test]
async fn what_a_crash_left_is_finished_by_the_sweep_or_begins_again() {
    for bench in benches(None).await {
        // All bytes are promised; the crash came before, or after, the move into the store.
        let mut hashes = Hashes::default();
        hashes.update(CONTENT);
        let (id, state) = (bench.id, hashes.save());
        let size = CONTENT.len() as u64;
        let note = move |conn: &mut Conn| uploads::grow(conn, Time(2), id, (0, size), &state);
        bench.test.db.tx("test", note).await.unwrap();
        let sweep = Sweep::new(bench.uploads.clone());
        sweep.round().await.unwrap();
        let row = bench.uploads.read(id).await.unwrap();
        assert_eq!((row.state, row.received), (UploadState::Open, 0), "lost");
        bench.put(0, vec![Ok(&CONTENT[..4])]).await;
        let state = hashes.save();
        let note = move |conn: &mut Conn| uploads::grow(conn, Time(2), id, (4, size), &state);
        bench.test.db.tx("test", note).await.unwrap();
        let blob = hashes.finish();
        let part = bench
            .folder
            .path()
            .join("uploads")
            .join(format!("{id}.part"));
        std::fs::write(&part, CONTENT).unwrap();
        let (blob, _) = bench.blobs.adopt(&part, blob).await.unwrap();
        sweep.round().await.unwrap();
        let row = bench.uploads.read(id).await.unwrap();
        assert_eq!(row.state, UploadState::Complete);
        assert_eq!(row.blob, Some(blob.sha256));
    }
}

#[tokio::test]
async fn an_expired_draft_is_given_up_with_its_bytes_and_others_are_not() {
    for bench in benches(None).await {
        bench.put(0, vec![Ok(&CONTENT[..4])]).await;
        let sweep = Sweep::new(bench.uploads.clone());
        sweep.round().await.unwrap();
        assert_eq!(bench.parts(), 1, "the bytes have put its end off");
        let stray = bench.folder.path().join("uploads/77.part");
        std::fs::write(&stray, b"of no upload").unwrap();
        bench.clock.advance(Duration::from_micros(5_000));
        sweep.round().await.unwrap();
        assert_eq!(bench.parts(), 0);
        let id = bench.draft;
        let read = move |conn: &mut Conn| drafts::find(conn, id);
        let ended = bench.test.db.read("test", read).await.unwrap();
        assert_eq!(ended.state, crate::model::DraftState::Abandoned);
    }
}

#[tokio::test]
async fn two_bodies_of_one_file_come_one_after_the_other() {
    for bench in benches(None).await {
        let halves = || vec![Ok(&CONTENT[..5]), Ok(&CONTENT[5..10]), Err(())];
        let (first, second) = tokio::join!(bench.put(0, halves()), bench.put(0, halves()));
        let ended = [first.0, second.0];
        assert!(
            ended.contains(&Body::Cut) && ended.contains(&Body::Elsewhere),
            "{ended:?}"
        );
        assert_eq!((first.1.received, second.1.received), (10, 10));
    }
}

#[tokio::test]
async fn a_condemned_content_that_comes_again_lives() {
    for bench in benches(None).await {
        let mut hashes = Hashes::default();
        hashes.update(CONTENT);
        let blob = hashes.finish();
        let put = move |conn: &mut Conn| {
            blob_rows::insert(conn, Time(1), &blob)?;
            crate::db::tests::sql(conn, "UPDATE blobs SET state = 'gone'")
        };
        bench.test.db.tx("test", put).await.unwrap();
        let (_, row) = bench.put(0, vec![Ok(CONTENT)]).await;
        let sha256 = row.blob.unwrap();
        let read = move |conn: &mut Conn| uploads::blob(conn, &sha256);
        assert!(bench.test.db.read("test", read).await.unwrap().is_some());
    }
}

#[test]
fn every_point_of_an_upload_is_in_the_list() {
    let ours = POINTS
        .iter()
        .filter(|point| point.starts_with("upload.") || point.starts_with("commit."));
    assert_eq!(ours.count(), 13);
}
