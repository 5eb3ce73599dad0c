//! Recording and reading products, on both engines; and the rows other tests begin with.

use super::*;
use crate::db::tests::{TestDb, engines};
use crate::model::{
    Blob, ProductFilter, Signature, SignatureScheme, SignatureState, Verdict, VersionScheme,
};
use crate::updates::{Answer, Asker, Wish, answer};

const RULES: feed::Rules = feed::Rules {
    scheme: VersionScheme::Dotted,
    only_released: false,
};

fn offered(product: ProductId) -> Answer {
    Answer::Offer {
        product,
        is_critical: false,
    }
}

/// A product of project `editor`, branch `main`, recorded as the build `number` of `position`.
pub(crate) fn sample(position: i64, number: i64, version: &str) -> NewProduct {
    NewProduct {
        project: "editor".to_owned(),
        branch: "main".to_owned(),
        target: "x86_64-linux".to_owned(),
        version: version.to_owned(),
        feed_version: None,
        seq_position: position,
        build: None,
        builder: "package".to_owned(),
        build_number: number,
        revision: "0123abc".to_owned(),
        revisions: vec![ProductRevision {
            codebase: "editor".to_owned(),
            repository: "editor".to_owned(),
            branch: "main".to_owned(),
            revision: "0123abc".to_owned(),
        }],
        runtime: Some(("python".to_owned(), ">=3.9,<3.13".to_owned())),
        min_os: Some("10.15".to_owned()),
        max_os: None,
        notes: "# New\n".to_owned(),
        scheme: VersionScheme::Seq,
        properties: vec![ProductProperty {
            name: "flavour".to_owned(),
            value: "\"release\"".to_owned(),
            source: "form".to_owned(),
        }],
        files: vec![NewProductFile {
            role: "installer".to_owned(),
            name: format!("editor-{version}.tar.gz"),
            blob: blob(&format!("{position}{number}")),
            source_path: "dist/editor.tar.gz".to_owned(),
            delta_from: None,
            signatures: Vec::new(),
        }],
        built_at: Time(1),
        recorded_by: "runner".to_owned(),
    }
}

fn blob(digits: &str) -> Blob {
    Blob {
        sha256: format!("{digits:a>64}"),
        sha1: format!("{digits:b>40}"),
        sha512: format!("{digits:c>128}"),
        size: 3,
        store: crate::model::BlobStore::Local,
    }
}

/// Makes project `editor` and records the products.
pub(crate) async fn recorded(db: &crate::db::Db, products: Vec<NewProduct>) -> Vec<ProductId> {
    let work = move |conn: &mut Conn| {
        let editor = ("editor".to_owned(), "Editor".to_owned());
        projects::sync(conn, Time(1), &[editor])?;
        let record = |product| record(conn, Time(2_000_000), product);
        products.iter().map(record).collect()
    };
    db.tx("test", work).await.unwrap()
}

async fn three(test: &TestDb) -> Vec<ProductId> {
    let products = vec![
        sample(1, 1, "1.0"),
        sample(2, 2, "1.1"),
        sample(1, 3, "1.0"),
    ];
    recorded(&test.db, products).await
}

#[tokio::test]
async fn a_product_comes_back_as_it_was_recorded() {
    for test in engines() {
        let id = three(&test).await[0];
        let all = move |conn: &mut Conn| {
            let product = view::find(conn, Time(1), id)?;
            let files = files::recorded(conn, id)?;
            let extra = (view::revisions(conn, id)?, view::properties(conn, id)?);
            Ok((product, files, extra))
        };
        let (product, files, (revisions, properties)) = test.db.read("test", all).await.unwrap();
        assert_eq!(product.project, "editor");
        assert_eq!(product.branch, "main");
        assert!(product.feed.starts_with("main-"), "{}", product.feed);
        assert_eq!(product.state, ProductState::Recorded);
        assert_eq!((product.files, product.size, product.held), (1, 3, false));
        assert_eq!(product.runtime.unwrap().1, ">=3.9,<3.13");
        assert_eq!(files[0].name, "editor-1.0.tar.gz");
        assert_eq!(revisions, sample(1, 1, "1.0").revisions);
        assert_eq!(properties, sample(1, 1, "1.0").properties);
        let recorded = test.db.read("test", |conn| events::after(conn, 0)).await;
        let recorded = recorded.unwrap();
        assert_eq!(recorded[0].kind, "product.recorded");
        assert_eq!(recorded[0].product, Some(id));
    }
}

#[tokio::test]
async fn a_version_below_the_one_before_it_in_the_order_is_flagged() {
    for test in engines() {
        let products = vec![
            sample(5, 1, "1.5"),
            sample(6, 2, "1.4"),
            sample(4, 3, "1.3"),
            sample(7, 4, "1.10"),
        ];
        let ids = recorded(&test.db, products).await;
        for (id, flagged) in ids.into_iter().zip([false, true, false, false]) {
            let read = move |conn: &mut Conn| view::find(conn, Time(1), id);
            let product = test.db.read("test", read).await.unwrap();
            assert_eq!(product.went_backwards, flagged, "{}", product.version);
        }
    }
}

#[tokio::test]
async fn every_filter_lets_through_what_it_names_and_nothing_else() {
    let with = |change: fn(&mut ProductFilter)| {
        let mut filter = ProductFilter::default();
        change(&mut filter);
        filter
    };
    for test in engines() {
        let ids = three(&test).await;
        let [first, second, third] = [ids[0], ids[1], ids[2]];
        let user = crate::db::holds::tests::user(&test.db).await;
        let keep = move |conn: &mut Conn| {
            crate::db::holds::keep(conn, Time(1), second, user, "for QA", Some(Time(10)))
        };
        test.db.tx("test", keep).await.unwrap();
        let all = vec![third, second, first];
        for (filter, expected) in [
            (with(|_| {}), all.clone()),
            (with(|f| f.project = Some("editor".into())), all.clone()),
            (with(|f| f.project = Some("other".into())), vec![]),
            (with(|f| f.branch = Some("main".into())), all.clone()),
            (with(|f| f.branch = Some("main'--".into())), vec![]),
            (with(|f| f.target = Some("arm".into())), vec![]),
            (with(|f| f.version = Some(".1".into())), vec![second]),
            (with(|f| f.version = Some("%".into())), vec![]),
            (with(|f| f.version = Some("_".into())), vec![]),
            (with(|f| f.state = Some(ProductState::Released)), vec![]),
            (with(|f| f.builder = Some("package".into())), all.clone()),
            (with(|f| f.held = Some(true)), vec![second]),
            (with(|f| f.held = Some(false)), vec![third, first]),
            (
                with(|f| f.property = Some(("flavour".into(), "release".into()))),
                all.clone(),
            ),
            (
                with(|f| f.property = Some(("flavour".into(), "debug".into()))),
                vec![],
            ),
        ] {
            let what = format!("{filter:?}");
            let read = move |conn: &mut Conn| list::page(conn, Time(5), &filter);
            let page = test.db.read("test", read).await.unwrap();
            let found: Vec<_> = page.items.iter().map(|product| product.id).collect();
            assert_eq!(found, expected, "{what}");
        }
        // The hold has run out.
        let held = with(|f| f.held = Some(true));
        let read = move |conn: &mut Conn| list::page(conn, Time(11), &held);
        assert!(test.db.read("test", read).await.unwrap().items.is_empty());
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    for test in engines() {
        let products = (1..=120).map(|n| sample(n, n, "1.0")).collect();
        let mut expected = recorded(&test.db, products).await;
        expected.reverse();
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let filter = ProductFilter {
                before,
                ..ProductFilter::default()
            };
            let read = move |conn: &mut Conn| list::page(conn, Time(1), &filter);
            let page = test.db.read("test", read).await.unwrap();
            assert!(page.items.len() <= 50);
            found.extend(page.items.iter().map(|product| product.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn the_feed_offers_the_latest_in_the_order_with_all_its_files() {
    for test in engines() {
        let ids = three(&test).await;
        let id = ids[0];
        let token = test
            .db
            .read("test", move |conn| view::find(conn, Time(1), id))
            .await
            .unwrap()
            .feed;
        let feed = feed::Feed {
            project: "editor".to_owned(),
            token,
            target: "x86_64-linux".to_owned(),
        };
        let ask = |version: Option<&str>| {
            let asker = Asker {
                version: version.map(str::to_owned),
                ..Asker::default()
            };
            let feed = feed.clone();
            let read = move |conn: &mut Conn| {
                let facts = feed::facts(conn, &feed, &asker, RULES)?;
                Ok(answer(&facts, &asker, Wish::Update).answer)
            };
            test.db.read("test", read)
        };
        assert_eq!(ask(None).await.unwrap(), offered(ids[1]));
        assert_eq!(ask(Some("1.0")).await.unwrap(), offered(ids[1]));
        assert_eq!(ask(Some("1.1")).await.unwrap(), Answer::UpToDate);
        let second = ids[1];
        let corrupt = move |conn: &mut Conn| {
            let offer = offer::load(conn, second, false)?;
            let file = offer.main_file().unwrap();
            assert_eq!(file.name, "editor-1.1.tar.gz");
            blobs::mark_corrupt(conn, &file.sha256)
        };
        test.db.tx("test", corrupt).await.unwrap();
        assert_eq!(ask(None).await.unwrap(), offered(ids[2]));
        let mut other = feed.clone();
        other.project = "none".to_owned();
        let unknown = move |conn: &mut Conn| feed::facts(conn, &other, &Asker::default(), RULES);
        let unknown = test.db.read("test", unknown).await.unwrap_err();
        assert!(matches!(unknown, DbError::NotFound));
    }
}

#[tokio::test]
async fn a_state_changes_only_from_the_row_version_that_was_looked_at() {
    for test in engines() {
        let id = three(&test).await[0];
        let change = move |version| {
            move |conn: &mut Conn| set_state(conn, id, version, ProductState::Withdrawn, "broken")
        };
        let stale = test.db.tx("test", change(7)).await.unwrap_err();
        assert!(matches!(stale, DbError::Changed));
        assert_eq!(test.db.tx("test", change(1)).await.unwrap(), 2);
        let again = test.db.tx("test", change(2)).await.unwrap_err();
        assert!(matches!(again, DbError::Changed), "withdrawn twice");
    }
}

#[tokio::test]
async fn what_belongs_to_a_record_is_read_back() {
    for test in engines() {
        let base = recorded(&test.db, vec![sample(1, 1, "1.0")]).await[0];
        let mut next = sample(2, 2, "1.1");
        let signature = Signature {
            scheme: SignatureScheme::Minisign,
            key_id: "0123456789ABCDEF".to_owned(),
            value: "untrusted comment: x".to_owned(),
            trusted_comment: "file:editor.tar.gz".to_owned(),
            state: SignatureState::UnknownKey,
        };
        next.files[0].signatures = vec![signature.clone()];
        next.files.push(NewProductFile {
            role: "delta".to_owned(),
            name: "editor.delta".to_owned(),
            blob: blob("9"),
            source_path: "dist/editor.delta".to_owned(),
            delta_from: Some(base),
            signatures: Vec::new(),
        });
        let id = recorded(&test.db, vec![next]).await[0];
        let read = move |conn: &mut Conn| {
            let place = ("editor", "main", "x86_64-linux");
            assert_eq!(of_version(conn, place, "1.0")?, Some(base));
            assert_eq!(of_version(conn, place, "0.9")?, None);
            let other = ("editor", "main", "arm");
            assert_eq!(of_version(conn, other, "1.0")?, None);
            let product = view::find(conn, Time(1), id)?;
            Ok((product, files::recorded(conn, id)?, view::notes(conn, id)?))
        };
        let (product, files, notes) = test.db.read("test", read).await.unwrap();
        assert_eq!((product.files, product.size), (2, 6));
        assert_eq!(product.min_os.as_deref(), Some("10.15"));
        assert_eq!(
            (product.verdict, product.held_until),
            (Verdict::Untested, None)
        );
        assert_eq!(notes, "# New\n");
        assert_eq!(files[0].signatures, [signature]);
        assert_eq!(files[0].by_name, "editor/main/1.1/editor-1.1.tar.gz");
        let delta = files[1].delta_from.as_ref().unwrap();
        assert_eq!((delta.product, delta.version.as_str()), (base, "1.0"));
    }
}

#[tokio::test]
async fn a_second_product_of_a_version_has_links_of_its_own() {
    for test in engines() {
        let mut arm = sample(1, 2, "1.0");
        arm.target = "arm".to_owned();
        let ids = recorded(&test.db, vec![sample(1, 1, "1.0"), arm]).await;
        let second = ids[1];
        let read = move |conn: &mut Conn| files::recorded(conn, second);
        let files = test.db.read("test", read).await.unwrap();
        let expected = format!("editor/main/1.0/arm-{second}/editor-1.0.tar.gz");
        assert_eq!(files[0].by_name, expected);
    }
}
