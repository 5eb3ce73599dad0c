//! Drafts and their files on both engines: keys, ends, the place in the order, and two that bring
//! the same product.

use super::*;
use crate::db::products::record;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::{engines, sql};
use crate::db::uploads as files;
use crate::db::{Db, blobs, projects};
use crate::ids::UploadId;
use crate::model::Blob;

/// A draft of project `editor`, branch `main`, owned by `emil`.
pub(crate) fn draft(version: &str, key: Option<&str>) -> NewDraft {
    NewDraft {
        record: "{}".to_owned(),
        owner: "emil".to_owned(),
        key: key.map(str::to_owned),
        project: "editor".to_owned(),
        branch: "main".to_owned(),
        target: "x86_64-linux".to_owned(),
        version: version.to_owned(),
        revision: String::new(),
        seq_position: 1,
        build_number: 1,
        expires_at: Time(100),
    }
}

fn file(name: &str, sha256: Option<String>) -> files::NewUpload {
    files::NewUpload {
        role: "installer".to_owned(),
        name: name.to_owned(),
        source_path: name.to_owned(),
        sha256,
        size: 3,
    }
}

fn blob(digit: char) -> Blob {
    Blob {
        sha256: digit.to_string().repeat(64),
        sha1: digit.to_string().repeat(40),
        sha512: digit.to_string().repeat(128),
        size: 3,
        store: crate::model::BlobStore::Local,
    }
}

async fn made(db: &Db, new: NewDraft, uploads: Vec<files::NewUpload>) -> (DraftId, Vec<UploadId>) {
    let work = move |conn: &mut Conn| {
        let id = insert(conn, Time(1), &new)?;
        let files: DbResult<Vec<UploadId>> = uploads
            .iter()
            .map(|one| files::insert(conn, Time(1), id, one))
            .collect();
        Ok((id, files?))
    };
    db.tx("test", work).await.unwrap()
}

#[tokio::test]
async fn a_key_stands_for_one_draft_of_its_owner_until_that_is_given_up() {
    for test in engines() {
        let (id, _) = made(&test.db, draft("1.0", Some("k")), Vec::new()).await;
        let again = |conn: &mut Conn| insert(conn, Time(1), &draft("1.0", Some("k")));
        let error = test.db.tx("test", again).await.unwrap_err();
        assert!(matches!(error, DbError::Taken(_)), "{error}");
        let find = |conn: &mut Conn| by_key(conn, "emil", "k");
        let known = test.db.read("test", find).await.unwrap().unwrap();
        assert_eq!(known.id, id);
        let other = |conn: &mut Conn| by_key(conn, "ada", "k");
        assert_eq!(test.db.read("test", other).await.unwrap(), None);
        let give_up = move |conn: &mut Conn| abandon(conn, Time(2), id, "given up");
        test.db.tx("test", give_up).await.unwrap();
        assert_eq!(test.db.read("test", find).await.unwrap(), None);
        test.db.tx("test", again).await.unwrap();
        let error = test.db.tx("test", give_up).await.unwrap_err();
        assert!(matches!(error, DbError::Changed));
    }
}

#[tokio::test]
async fn bytes_are_promised_in_order_and_none_after_the_end() {
    for test in engines() {
        let (id, uploads) = made(&test.db, draft("1.0", None), vec![file("a", None)]).await;
        let upload = uploads[0];
        let promised = |conn: &mut Conn| files::promised(conn);
        assert_eq!(test.db.read("test", promised).await.unwrap(), 3);
        let grow = move |from: u64, to: u64| {
            move |conn: &mut Conn| files::grow(conn, Time(2), upload, (from, to), "state")
        };
        test.db.tx("test", grow(0, 2)).await.unwrap();
        let error = test.db.tx("test", grow(0, 2)).await.unwrap_err();
        assert!(matches!(error, DbError::Changed), "twice the same bytes");
        assert_eq!(test.db.read("test", promised).await.unwrap(), 1);
        test.db.tx("test", grow(2, 3)).await.unwrap();
        let left = |conn: &mut Conn| files::unfinished(conn);
        assert_eq!(test.db.read("test", left).await.unwrap(), [upload]);
        let done = move |conn: &mut Conn| files::complete(conn, Time(3), upload, &blob('d'));
        test.db.tx("test", done).await.unwrap();
        assert!(test.db.read("test", left).await.unwrap().is_empty());
        let wanted = move |conn: &mut Conn| files::wanted(conn, &[upload, UploadId(99)]);
        assert!(test.db.read("test", wanted).await.unwrap().is_empty());
        let give_up = move |conn: &mut Conn| abandon(conn, Time(4), id, "given up");
        test.db.tx("test", give_up).await.unwrap();
        let read = move |conn: &mut Conn| files::find(conn, upload);
        let ended = test.db.read("test", read).await.unwrap();
        assert_eq!(ended.state, UploadState::Refused);
        assert_eq!((ended.received, ended.blob), (0, None), "a root no longer");
        let error = test.db.tx("test", done).await.unwrap_err();
        assert!(matches!(error, DbError::Changed), "after the end");
    }
}

#[tokio::test]
async fn what_the_store_has_need_not_come_again_unless_it_is_going() {
    for test in engines() {
        let put = |conn: &mut Conn| blobs::insert(conn, Time(1), &blob('d'));
        test.db.tx("test", put).await.unwrap();
        let known = Some(blob('d').sha256);
        let (_, first) = made(&test.db, draft("1", None), vec![file("a", known.clone())]).await;
        let read = move |id: UploadId| move |conn: &mut Conn| files::find(conn, id);
        let there = test.db.read("test", read(first[0])).await.unwrap();
        assert_eq!((there.state, there.received), (UploadState::Complete, 3));
        let condemn = |conn: &mut Conn| sql(conn, "UPDATE blobs SET state = 'condemned'");
        test.db.tx("test", condemn).await.unwrap();
        let (_, second) = made(&test.db, draft("2", None), vec![file("a", known)]).await;
        let going = test.db.read("test", read(second[0])).await.unwrap();
        assert_eq!((going.state, going.received), (UploadState::Open, 0));
    }
}

#[tokio::test]
async fn drafts_expire_by_their_time_which_every_byte_puts_off_and_are_forgotten() {
    for test in engines() {
        let (id, _) = made(&test.db, draft("1.0", None), vec![file("a", None)]).await;
        let due = |at: i64| move |conn: &mut Conn| expired(conn, Time(at));
        assert!(test.db.read("test", due(99)).await.unwrap().is_empty());
        assert_eq!(test.db.read("test", due(100)).await.unwrap(), [id]);
        let later = move |conn: &mut Conn| prolong(conn, id, Time(200));
        test.db.tx("test", later).await.unwrap();
        assert!(test.db.read("test", due(199)).await.unwrap().is_empty());
        let forget_all = |conn: &mut Conn| forget(conn, Time(1_000));
        assert_eq!(test.db.tx("test", forget_all).await.unwrap(), 0, "open");
        let give_up = move |conn: &mut Conn| abandon(conn, Time(300), id, "expired");
        test.db.tx("test", give_up).await.unwrap();
        assert_eq!(test.db.tx("test", forget_all).await.unwrap(), 1);
        let gone = move |conn: &mut Conn| find(conn, id);
        let error = test.db.read("test", gone).await.unwrap_err();
        assert!(matches!(error, DbError::NotFound));
    }
}

#[tokio::test]
async fn the_place_follows_the_revision_and_what_nobody_knows_is_the_newest() {
    for test in engines() {
        recorded(&test.db, vec![sample(5, 8, "1.0"), sample(7, 9, "1.1")]).await;
        let at = |revision: &'static str, position, number| {
            move |conn: &mut Conn| {
                let what = place::Announced {
                    project: "editor",
                    branch: "main",
                    target: "x86_64-linux",
                    revision,
                    position,
                    number,
                };
                place::of(conn, &what)
            }
        };
        let of = async |revision, position, number| {
            test.db
                .read("test", at(revision, position, number))
                .await
                .unwrap()
        };
        // The samples are all of one revision.
        assert_eq!(of("0123abc", None, None).await, (7, 10));
        assert_eq!(of("fff", None, None).await, (8, 1));
        assert_eq!(of("", None, Some(3)).await, (8, 3));
        assert_eq!(of("", Some(5), None).await, (5, 9));
        let new = NewDraft {
            revision: "fff".to_owned(),
            seq_position: 8,
            ..draft("2.0", None)
        };
        made(&test.db, new, Vec::new()).await;
        assert_eq!(of("fff", None, None).await, (8, 2), "after an open draft");
        assert_eq!(of("", None, None).await, (9, 1));
    }
}

#[tokio::test]
async fn a_twin_is_known_by_its_files() {
    for test in engines() {
        let product = recorded(&test.db, vec![sample(1, 1, "1.0")]).await[0];
        let content = sample(1, 1, "1.0").files.remove(0);
        let content = vec![(content.name, content.blob.sha256)];
        let ask = |files: Vec<(String, String)>, number| {
            move |conn: &mut Conn| {
                let project = projects::id_by_name(conn, "editor")?;
                let branch = crate::db::branches::ensure(conn, Time(1), project, "main")?;
                let same = Same {
                    target: "x86_64-linux",
                    version: "1.0",
                    revision: "0123abc",
                    builder: "package",
                    number,
                };
                twin(conn, branch, &same, &files)
            }
        };
        let of = async |files, number| test.db.tx("test", ask(files, number)).await.unwrap();
        let found = of(content.clone(), None).await.unwrap();
        assert_eq!((found.id, found.same_files), (product, true));
        let other = of(vec![("x".to_owned(), "y".to_owned())], None)
            .await
            .unwrap();
        assert!(!other.same_files);
        assert_eq!(of(content.clone(), Some(2)).await, None, "another build");
        let delete = |conn: &mut Conn| sql(conn, "UPDATE products SET state = 'deleted'");
        test.db.tx("test", delete).await.unwrap();
        assert_eq!(of(content, None).await, None);
    }
}

/// Two requests commit drafts of the same product at once: the branch lets one in after the other,
/// so the second sees what the first has recorded.
#[tokio::test]
async fn of_two_that_bring_the_same_product_at_once_one_records_it() {
    for test in engines() {
        recorded(&test.db, vec![sample(1, 1, "0.9")]).await;
        for round in 0..8 {
            let version = format!("1.{round}");
            let commits = (0..4).map(|_| {
                let (db, version) = (test.db.clone(), version.clone());
                let work = move |conn: &mut Conn| {
                    let project = projects::id_by_name(conn, "editor")?;
                    let branch = crate::db::branches::ensure(conn, Time(1), project, "main")?;
                    lock_branch(conn, branch)?;
                    let new = sample(2, 2, &version);
                    let same = Same {
                        target: &new.target,
                        version: &new.version,
                        revision: &new.revision,
                        builder: &new.builder,
                        number: None,
                    };
                    match twin(conn, branch, &same, &[])? {
                        Some(twin) => Ok((twin.id, false)),
                        None => Ok((record(conn, Time(3), &new)?, true)),
                    }
                };
                async move { db.tx("test", work).await.unwrap() }
            });
            let all = futures_util::future::join_all(commits).await;
            assert_eq!(all.iter().filter(|(_, new)| *new).count(), 1, "{all:?}");
            assert!(all.iter().all(|(id, _)| *id == all[0].0), "{all:?}");
        }
    }
}
