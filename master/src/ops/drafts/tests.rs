//! A product from its announcement to its record, on both engines: what is refused, what is the
//! same again, and what nobody else sees.

use bytes::Bytes;
use futures_util::stream;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::auth::Identity;
use crate::db::tests::{TestDb, engines};
use crate::ids::UserId;
use crate::model::{ProductFilter, RecordFile, Role, UploadSpan};
use crate::ops;
use crate::storage::Blobs;
use crate::uploads::Uploads;

const CONTENT: &[u8] = b"an installer";

struct Bench {
    app: App,
    _folder: tempfile::TempDir,
    _test: TestDb,
}

async fn benches() -> Vec<Bench> {
    let mut all = Vec::new();
    for test in engines() {
        let folder = tempfile::tempdir().unwrap();
        let mut app = crate::app::tests::app(test.db.clone());
        app.blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        let parts = folder.path().join("uploads");
        app.uploads = Uploads::new(&test.db, app.clock.clone(), app.blobs.clone(), parts);
        let project = |conn: &mut Conn| {
            let editor = ("editor".to_owned(), "Editor".to_owned());
            projects::sync(conn, Time(1), &[editor])
        };
        test.db.tx("test", project).await.unwrap();
        all.push(Bench {
            app,
            _folder: folder,
            _test: test,
        });
    }
    all
}

fn person(id: i64, name: &str, role: Role) -> Identity {
    Identity::User {
        id: UserId(id),
        name: name.to_owned(),
        role,
    }
}

fn emil() -> Identity {
    person(1, "emil", Role::Engineer)
}

fn file(name: &str) -> RecordFile {
    RecordFile {
        role: "installer".to_owned(),
        name: name.to_owned(),
        size: CONTENT.len() as u64,
        sha256: None,
        delta_from: None,
        source_path: None,
        signatures: Vec::new(),
    }
}

fn wanted(version: &str) -> ProductRecord {
    ProductRecord {
        project: "editor".to_owned(),
        branch: "main".to_owned(),
        target: "x86_64-linux".to_owned(),
        version: version.to_owned(),
        files: vec![file("editor.run")],
        ..ProductRecord::default()
    }
}

impl Bench {
    async fn create(&self, record: ProductRecord) -> Result<Draft> {
        create(&self.app, &emil(), record, None).await
    }

    async fn put(&self, file: &Upload, first: u64, bytes: &'static [u8]) -> Result<Upload> {
        let span = UploadSpan {
            first,
            end: Some(first + bytes.len() as u64),
            total: Some(file.size),
        };
        let body = stream::iter([Ok::<_, ()>(Bytes::from_static(bytes))]);
        ops::uploads::receive(&self.app, &emil(), file.id, span, body).await
    }

    async fn all(&self) -> Vec<ProductId> {
        let (app, emil) = (&self.app, emil());
        let list = products::list(app, &emil, ProductFilter::default()).await;
        list.unwrap().items.iter().map(|one| one.id).collect()
    }
}

#[tokio::test]
async fn a_product_is_seen_when_all_of_it_is_here_and_not_before() {
    for bench in benches().await {
        let mut record = wanted("1.0");
        record.files.push(file("editor.zip"));
        record.runtime = Some("python >=3.9".to_owned());
        record.revision = "abc".to_owned();
        record
            .properties
            .insert("flavour".to_owned(), "release".into());
        let draft = bench.create(record).await.unwrap();
        assert_eq!(draft.uploads.len(), 2);
        bench.put(&draft.uploads[0], 0, CONTENT).await.unwrap();
        bench
            .put(&draft.uploads[1], 0, &CONTENT[..5])
            .await
            .unwrap();
        let early = commit(&bench.app, &emil(), draft.id).await.unwrap_err();
        assert!(
            matches!(&early, Error::Conflict(text) if text.contains("5 of 12")),
            "{early}"
        );
        assert!(bench.all().await.is_empty());
        bench
            .put(&draft.uploads[1], 5, &CONTENT[5..])
            .await
            .unwrap();
        let product = commit(&bench.app, &emil(), draft.id).await.unwrap();
        assert_eq!(product.files.len(), 2);
        assert_eq!(product.files[0].sha256, crate_hex(CONTENT));
        assert_eq!(product.product.feed_version.as_deref(), Some("1.0.0"));
        assert_eq!(product.product.recorded_by, "emil");
        assert_eq!(product.product.revision, "abc");
        assert_eq!(product.properties[0].value, "\"release\"");
        let again = commit(&bench.app, &emil(), draft.id).await.unwrap();
        assert_eq!(again, product, "the same answer again");
        let late = abandon(&bench.app, &emil(), draft.id).await.unwrap_err();
        assert!(matches!(late, Error::Conflict(_)));
        assert_eq!(bench.all().await, [product.product.id]);
    }
}

fn crate_hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn bytes_go_where_they_belong_or_the_right_place_is_told() {
    for bench in benches().await {
        let draft = bench.create(wanted("1.0")).await.unwrap();
        let file = &draft.uploads[0];
        bench.put(file, 0, &CONTENT[..4]).await.unwrap();
        for first in [0, 3, 5] {
            let error = bench.put(file, first, &CONTENT[4..6]).await.unwrap_err();
            assert!(
                matches!(error, Error::WrongOffset { received: 4 }),
                "{error}"
            );
        }
        let more = bench
            .put(file, 4, b"more than announced")
            .await
            .unwrap_err();
        assert!(matches!(more, Error::BadInput { .. }), "{more}");
        let span = UploadSpan {
            first: 4,
            end: Some(12),
            total: Some(12),
        };
        let body = stream::iter([Ok(Bytes::from_static(b"xy")), Err(())]);
        let cut = ops::uploads::receive(&bench.app, &emil(), file.id, span, body).await;
        let text = cut.unwrap_err().to_string();
        assert!(text.contains("6 of 12"), "{text}");
        let told = ops::uploads::show(&bench.app, &emil(), file.id)
            .await
            .unwrap();
        assert_eq!(told.received, 6);
    }
}

#[tokio::test]
async fn a_wrong_hash_is_refused_and_the_file_may_come_again() {
    for bench in benches().await {
        let mut record = wanted("1.0");
        record.files[0].sha256 = Some(crate_hex(CONTENT).to_uppercase());
        let draft = bench.create(record).await.unwrap();
        let file = &draft.uploads[0];
        let wrong = bench.put(file, 0, b"another file").await.unwrap_err();
        assert!(
            matches!(&wrong, Error::BadInput { field, .. } if field == "sha256"),
            "{wrong}"
        );
        let early = commit(&bench.app, &emil(), draft.id).await.unwrap_err();
        assert!(matches!(early, Error::Conflict(_)));
        let done = bench.put(file, 0, CONTENT).await.unwrap();
        assert_eq!(done.received, 12);
        commit(&bench.app, &emil(), draft.id).await.unwrap();
    }
}

#[tokio::test]
async fn of_two_uploads_of_one_product_the_second_is_it_or_is_told_what_is_in_the_way() {
    for bench in benches().await {
        let mut drafts = Vec::new();
        for _ in 0..3 {
            drafts.push(bench.create(wanted("1.0")).await.unwrap());
        }
        bench.put(&drafts[0].uploads[0], 0, CONTENT).await.unwrap();
        bench.put(&drafts[1].uploads[0], 0, CONTENT).await.unwrap();
        bench
            .put(&drafts[2].uploads[0], 0, b"another file")
            .await
            .unwrap();
        let first = commit(&bench.app, &emil(), drafts[0].id).await.unwrap();
        let second = commit(&bench.app, &emil(), drafts[1].id).await.unwrap();
        assert_eq!(first.product.id, second.product.id);
        let third = commit(&bench.app, &emil(), drafts[2].id).await.unwrap_err();
        let told = format!("product {}", first.product.id);
        assert!(
            matches!(&third, Error::Conflict(text) if text.contains(&told)),
            "{third}"
        );
        assert_eq!(bench.all().await.len(), 1);
        // Told before any byte where the contents are announced.
        let mut same = wanted("1.0");
        same.files[0].sha256 = Some(crate_hex(CONTENT));
        let known = bench.create(same.clone()).await.unwrap();
        assert_eq!(known.product, Some(first.product.id));
        same.files[0].sha256 = Some("0".repeat(64));
        let other = bench.create(same).await.unwrap_err();
        assert!(matches!(other, Error::Conflict(_)), "{other}");
    }
}

#[tokio::test]
async fn a_key_makes_one_draft_and_no_second_announcement() {
    for bench in benches().await {
        let key = || Some("run-812".to_owned());
        let first = create(&bench.app, &emil(), wanted("1.0"), key())
            .await
            .unwrap();
        let again = create(&bench.app, &emil(), wanted("1.0"), key())
            .await
            .unwrap();
        assert_eq!(first, again);
        let other = create(&bench.app, &emil(), wanted("1.1"), key())
            .await
            .unwrap_err();
        assert!(matches!(other, Error::Conflict(_)), "{other}");
        abandon(&bench.app, &emil(), first.id).await.unwrap();
        abandon(&bench.app, &emil(), first.id).await.unwrap();
        let gone = bench.put(&first.uploads[0], 0, CONTENT).await.unwrap_err();
        assert!(matches!(gone, Error::Gone(_)), "{gone}");
        let gone = commit(&bench.app, &emil(), first.id).await.unwrap_err();
        assert!(matches!(gone, Error::Gone(_)), "{gone}");
        let anew = create(&bench.app, &emil(), wanted("1.1"), key())
            .await
            .unwrap();
        assert_ne!(anew.id, first.id);
    }
}

#[tokio::test]
async fn others_neither_see_nor_touch_a_draft() {
    for bench in benches().await {
        let draft = bench.create(wanted("1.0")).await.unwrap();
        let erna = person(2, "erna", Role::Engineer);
        let hidden = [
            show(&bench.app, &erna, draft.id).await.map(|_| ()),
            commit(&bench.app, &erna, draft.id).await.map(|_| ()),
            abandon(&bench.app, &erna, draft.id).await,
        ];
        for answer in hidden {
            assert!(matches!(answer, Err(Error::NotFound(_))), "{answer:?}");
        }
        let list = list(&bench.app, &erna, None).await.unwrap();
        assert!(list.items.is_empty());
        let ada = person(3, "ada", Role::Admin);
        assert!(show(&bench.app, &ada, draft.id).await.is_ok());
        let quinn = person(4, "quinn", Role::Qa);
        let refused = create(&bench.app, &quinn, wanted("1.0"), None)
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::Forbidden(_)));
    }
}

#[tokio::test]
async fn what_cannot_be_a_product_is_refused_with_its_field() {
    type Spoil = fn(&mut ProductRecord);
    let spoiled: &[(&str, Spoil)] = &[
        ("project", |r| r.project = "nothing".to_owned()),
        ("branch", |r| r.branch = " ".to_owned()),
        ("version", |r| r.version = "1\n2".to_owned()),
        ("target", |r| r.target = String::new()),
        ("feed_version", |r| r.feed_version = Some("soon".to_owned())),
        ("build_number", |r| r.build_number = Some(-1)),
        ("build", |r| r.build = Some(crate::ids::BuildId(99))),
        ("files", |r| r.files.clear()),
        ("files", |r| r.files.push(file("editor.run"))),
        ("name", |r| r.files[0].name = "../editor".to_owned()),
        ("role", |r| r.files[0].role = "In Staller".to_owned()),
        ("size", |r| r.files[0].size = 0),
        ("size", |r| r.files[0].size = u64::MAX),
        ("sha256", |r| r.files[0].sha256 = Some("beef".to_owned())),
        ("delta_from", |r| {
            r.files[0].delta_from = Some(ProductId(99))
        }),
        ("notes", |r| r.notes = "x".repeat(100_000)),
    ];
    for bench in benches().await {
        for (wrong, spoil) in spoiled {
            let mut record = wanted("1.0");
            spoil(&mut record);
            let error = bench.create(record).await.unwrap_err();
            assert!(
                matches!(&error, Error::BadInput { field, .. } if field == wrong),
                "{wrong}: {error}"
            );
        }
        let mut huge = wanted("1.0");
        huge.files[0].size = 1024 * 1024 * 1024 * 1024;
        let error = bench.create(huge).await.unwrap_err();
        assert!(matches!(error, Error::NoRoom(_)), "{error}");
        let open = list(&bench.app, &emil(), None).await.unwrap();
        assert!(open.items.is_empty(), "nothing was begun");
    }
}
