//! Roots, plans, trash and stored files, on both engines.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;

use super::apply::{Outcome, expire};
use super::*;
use crate::app::tests::START;
use crate::clock::Time;
use crate::config::collecting::Retention;
use crate::db::holds::tests::user;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::{engines, sql};
use crate::db::{Conn, DbError, DbResult, schema};
use crate::ids::ProductId;
use crate::retention::{Branch, Policies};

mod feeds;
mod serial;

const DAY: Duration = Duration::from_secs(86_400);

fn policies(newest: u32) -> Policies {
    let says = Retention {
        keep_newest: newest,
        keep_newest_good: 0,
        ..Retention::default()
    };
    Policies::new(&BTreeMap::from([("default".to_owned(), says)])).unwrap()
}

/// Five products in order, all old enough.
async fn five(db: &crate::db::Db) -> Vec<ProductId> {
    let all = (1..=5).map(|n| sample(n, n, &format!("1.{n}"))).collect();
    recorded(db, all).await
}

fn try_expire(conn: &mut Conn, id: ProductId) -> DbResult<Outcome> {
    let version: i64 = schema::products::table
        .find(id.0)
        .select(schema::products::row_version)
        .first(conn)?;
    expire(conn, START, id, version, &policies(1), "test")
}

#[tokio::test]
async fn nothing_that_somebody_refers_to_goes_and_everything_else_does() {
    // What refers to product 2, the condition's name, and how it ends.
    let references = [
        (
            "INSERT INTO labels (branch_id, target, label, product_id, set_by, set_at) \
             SELECT branch_id, target, 'rc', id, 'x', 1 FROM products WHERE id = 2",
            "a label points at it",
            "DELETE FROM labels",
        ),
        (
            "INSERT INTO releases (branch_id, target, product_id, state, state_reason, \
             rollout_percent, rollout_salt, watershed, critical, signoffs_needed, row_version, \
             created_by, created_at) SELECT branch_id, target, id, 'draft', '', 1, '', FALSE, \
             FALSE, '', 1, 'x', 1 FROM products WHERE id = 2",
            "a release offers it",
            "UPDATE releases SET state = 'withdrawn'",
        ),
        (
            "UPDATE releases SET product_id = 4, fallback_product_id = 2, state = 'live'",
            "a release falls back to it",
            "UPDATE releases SET fallback_product_id = NULL",
        ),
        (
            "UPDATE releases SET rollback_of_product_id = 2, state = 'paused'",
            "a release takes it back",
            "UPDATE releases SET rollback_of_product_id = NULL",
        ),
        (
            "UPDATE releases SET product_id = 2, state = 'superseded'",
            "it was released before what is released now",
            "UPDATE releases SET state = 'withdrawn'",
        ),
        (
            "UPDATE releases SET state = 'superseded', watershed = TRUE",
            "a release offers it",
            "DELETE FROM releases",
        ),
        (
            "UPDATE product_files SET delta_from_product_id = 2 WHERE product_id = 5",
            "applications update from it by a delta that is offered",
            "UPDATE product_files SET delta_from_product_id = NULL",
        ),
    ];
    for test in engines() {
        five(&test.db).await;
        for (begin, words, end) in references {
            let refer = move |conn: &mut Conn| {
                sql(conn, begin)?;
                try_expire(conn, ProductId(2))
            };
            let stays = test.db.tx("test", refer).await.unwrap();
            let Outcome::Stays(why) = stays else {
                panic!("{words}: it was collected");
            };
            assert!(why.contains(words), "{words}: {why}");
            let end = move |conn: &mut Conn| sql(conn, end);
            test.db.tx("test", end).await.unwrap();
        }
        let free = |conn: &mut Conn| try_expire(conn, ProductId(2));
        assert_eq!(test.db.tx("test", free).await.unwrap(), Outcome::Expired);
        let latest = |conn: &mut Conn| try_expire(conn, ProductId(5));
        let stays = test.db.tx("test", latest).await.unwrap();
        assert!(matches!(stays, Outcome::Stays(why) if why.contains("newest")));
    }
}

#[tokio::test]
async fn the_base_of_a_delta_to_something_that_is_not_offered_may_go() {
    for test in engines() {
        five(&test.db).await;
        let work = |conn: &mut Conn| {
            let text = "UPDATE product_files SET delta_from_product_id = 2 WHERE product_id = 3";
            sql(conn, text)?;
            try_expire(conn, ProductId(2))
        };
        assert_eq!(test.db.tx("test", work).await.unwrap(), Outcome::Expired);
    }
}

#[tokio::test]
async fn a_pin_between_plan_and_application_wins() {
    for test in engines() {
        let ids = five(&test.db).await;
        let quinn = user(&test.db).await;
        let id = ids[1];
        let work = move |conn: &mut Conn| {
            let hold = crate::db::holds::keep(conn, START, id, quinn, "QA", None)?;
            let stale = expire(conn, START, id, 1, &policies(1), "test")?;
            let held = try_expire(conn, id)?;
            crate::db::holds::lift(conn, START, hold, quinn, "over")?;
            let stale_again = expire(conn, START, id, 1, &policies(1), "test")?;
            Ok((stale, held, stale_again, try_expire(conn, id)?))
        };
        let (stale, held, stale_again, free) = test.db.tx("test", work).await.unwrap();
        assert!(matches!(stale, Outcome::Stays(_)), "{stale:?}");
        let keeps = Outcome::Stays("somebody keeps it".to_owned());
        assert_eq!(held, keeps);
        let changed = "it was changed after the plan was made".to_owned();
        assert_eq!(stale_again, Outcome::Stays(changed));
        assert_eq!(free, Outcome::Expired);
    }
}

#[tokio::test]
async fn the_walk_and_the_guard_of_the_statement_agree_on_every_product() {
    for test in engines() {
        let all = (1..=24).map(|n| sample(n, n, &format!("1.{n}"))).collect();
        recorded(&test.db, all).await;
        let work = |conn: &mut Conn| {
            let changes = [
                "UPDATE products SET verdict = 'good' WHERE id IN (3, 9, 20)",
                "UPDATE products SET verdict = 'bad' WHERE id IN (22, 23)",
                "UPDATE products SET state = 'withdrawn' WHERE id IN (21, 4)",
                "UPDATE products SET state = 'superseded' WHERE id = 19",
                "UPDATE products SET min_os = '9' WHERE id IN (5, 6)",
                "UPDATE product_files SET role = 'blockmap' WHERE product_id IN (18, 7)",
                "UPDATE blobs SET state = 'corrupt' WHERE sha256 IN (SELECT blob_sha256 FROM \
                 product_files WHERE product_id = 24)",
                "INSERT INTO users (id, name, role, disabled, created_at) \
                 VALUES (77, 'q', 'qa', FALSE, 1)",
                "INSERT INTO verdicts (product_id, user_id, verdict, comment, bug, checklist, \
                 created_at) VALUES (22, 77, 'bad', '', 'https://bug/1', '', 5)",
            ];
            for text in changes {
                sql(conn, text)?;
            }
            let mut agreed = 0;
            for newest in [1, 3] {
                for (good, bad) in [(0, None), (2, Some(DAY))] {
                    let says = Retention {
                        keep_newest: newest,
                        keep_newest_good: good,
                        bad,
                        ..Retention::default()
                    };
                    let all = BTreeMap::from([("default".to_owned(), says)]);
                    let policies = Policies::new(&all).unwrap();
                    agreed += agree(conn, &policies)?;
                }
            }
            Ok(agreed)
        };
        let agreed = test.db.tx("test", work).await.unwrap();
        assert_eq!(agreed, 4 * 24);
    }
}

/// Compares both for every product, and returns how many there were.
fn agree(conn: &mut Conn, policies: &Policies) -> DbResult<usize> {
    #[derive(QueryableByName)]
    struct Root {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        id: i64,
    }
    let branch = Branch {
        project: "editor".to_owned(),
        name: "main".to_owned(),
        deleted_at: None,
    };
    let terms = policies.terms("editor", "main");
    let root = roots::is_root(START, terms.as_ref(), true);
    let text = format!("SELECT p.id FROM products p WHERE {root} ORDER BY p.id DESC");
    let by_statement: Vec<Root> = diesel::sql_query(text).load(conn)?;
    let by_statement: Vec<i64> = by_statement.into_iter().map(|root| root.id).collect();
    let damaged = scan::damaged(conn)?;
    assert_eq!(damaged, [24]);
    let mut walk = crate::retention::Walk::new(terms, &branch, START, 1);
    let mut by_walk = Vec::new();
    let page = scan::page(conn, START, None, None)?;
    let count = page.len();
    for mut seen in page {
        seen.facts.is_complete &= damaged.binary_search(&seen.facts.id.0).is_err();
        seen.facts.has_block_map =
            walk.asks_for_block_map() && scan::has_block_map(conn, seen.facts.id)?;
        if !walk.judge(&seen.facts).reasons.is_empty() {
            by_walk.push(seen.facts.id.0);
        }
    }
    assert_eq!(by_walk, by_statement, "{policies:?}");
    Ok(count)
}

#[tokio::test]
async fn what_is_collected_can_be_restored_as_it_was_until_it_is_deleted() {
    for test in engines() {
        let id = five(&test.db).await[0];
        let work = move |conn: &mut Conn| {
            sql(
                conn,
                "UPDATE products SET state = 'superseded' WHERE id = 1",
            )?;
            assert_eq!(try_expire(conn, id)?, Outcome::Expired);
            assert_eq!(trash::list(conn, None)?[0].product, id);
            let wrong = trash::restore(conn, START, id, 99, "").unwrap_err();
            assert!(matches!(wrong, DbError::Changed));
            trash::restore(conn, START, id, 2, "needed")?;
            let row: (String, Option<i64>) = schema::products::table
                .find(id.0)
                .select((schema::products::state, schema::products::expired_at))
                .first(conn)?;
            assert_eq!(row, ("superseded".to_owned(), Some(START.0)));
            let why = why::why(conn, START, &policies(1), id)?;
            let is_told = why.reasons.iter().any(|one| one.contains("restored"));
            assert!(is_told, "{why:?}");
            assert_eq!(try_expire(conn, id)?, Outcome::Expired);
            let due = trash::due(conn, START, (0, 0))?;
            let terms = policies(1).terms("editor", "main");
            assert!(trash::delete(conn, START, &due[0], terms.as_ref())?.is_some());
            assert!(trash::delete(conn, START, &due[0], terms.as_ref())?.is_none());
            assert!(trash::restore(conn, START, id, 4, "").is_err());
            Ok(why::why(conn, START, &policies(1), id)?.fate)
        };
        let fate = test.db.tx("test", work).await.unwrap();
        assert_eq!(fate, "it was collected; only this record is left");
    }
}

#[tokio::test]
async fn a_file_is_condemned_only_when_nothing_names_it_and_comes_back_with_a_new_name() {
    for test in engines() {
        let id = five(&test.db).await[0];
        let later = Time(2_000_000).after(DAY * 2);
        let work = move |conn: &mut Conn| {
            let unnamed = |conn: &mut Conn| {
                let found = files::unnamed(conn, later, later.before(DAY), "")?;
                Ok::<_, DbError>(
                    found
                        .into_iter()
                        .map(|file| file.sha256)
                        .collect::<Vec<_>>(),
                )
            };
            assert!(unnamed(conn)?.is_empty());
            sql(conn, "UPDATE products SET state = 'expired' WHERE id = 1")?;
            assert!(unnamed(conn)?.is_empty(), "what is in the trash is named");
            sql(conn, "UPDATE products SET state = 'deleted' WHERE id = 1")?;
            let found = unnamed(conn)?;
            let name = found[0].clone();
            assert_eq!(found.len(), 1);
            let touched = later.before(DAY * 3);
            assert!(
                !files::condemn(conn, later, touched, &name)?,
                "within the grace"
            );
            assert!(files::condemn(conn, later, later, &name)?);
            assert!(!files::condemn(conn, later, later, &name)?);
            let condemned = files::condemned(conn, later, "")?.remove(0);
            let early = later.before(DAY);
            assert!(!files::bury(
                conn,
                later,
                early,
                &name,
                condemned.generation
            )?);
            // The same content again: the generation that was seen is over.
            let again = sample(9, 9, "9");
            let mut again = again;
            again.files = sample(1, 1, "1.1").files;
            crate::db::products::record(conn, later, &again)?;
            assert!(!files::bury(
                conn,
                later,
                later,
                &name,
                condemned.generation
            )?);
            let states = files::states(conn, std::slice::from_ref(&name))?;
            assert_eq!((states[0].1.as_str(), states[0].2), ("live", 3));
            Ok(())
        };
        test.db.tx("test", work).await.unwrap();
        let _ = id;
    }
}

#[tokio::test]
async fn files_of_a_role_stay_longer_or_shorter_than_their_product() {
    for test in engines() {
        five(&test.db).await;
        let says = |role: &str, days: u32| Retention {
            keep_newest: 1,
            roles: BTreeMap::from([(role.to_owned(), DAY * days)]),
            ..Retention::default()
        };
        let now = Time(2_000_000).after(DAY * 50);
        let longer = BTreeMap::from([("default".to_owned(), says("symbols", 90))]);
        let shorter = BTreeMap::from([("default".to_owned(), says("symbols", 10))]);
        let work = move |conn: &mut Conn| {
            sql(conn, "UPDATE product_files SET role = 'symbols'")?;
            let shorter = Policies::new(&shorter).unwrap();
            let (_, gone) = trash::drop_files(conn, now, ("symbols", DAY * 10), 0, &shorter)?;
            assert_eq!(gone, 4, "all but those of the newest");
            sql(conn, "UPDATE product_files SET gone_at = NULL")?;
            let longer = Policies::new(&longer).unwrap();
            let done = expire(conn, now, ProductId(1), 1, &longer, "test")?;
            assert_eq!(done, Outcome::Expired);
            let due = trash::due(conn, now, (0, 0))?;
            let terms = longer.terms("editor", "main");
            trash::delete(conn, now, &due[0], terms.as_ref())?;
            assert!(files::unnamed(conn, now, now, "")?.is_empty());
            let later = now.after(DAY * 40);
            assert_eq!(files::unnamed(conn, later, later, "")?.len(), 1);
            Ok(())
        };
        test.db.tx("test", work).await.unwrap();
    }
}

#[tokio::test]
async fn what_grows_ends_at_its_horizon_and_what_is_still_to_be_read_stays() {
    for test in engines() {
        five(&test.db).await;
        let work = |conn: &mut Conn| {
            let later = Time(i64::MAX);
            sql(
                conn,
                "INSERT INTO cursors (name, seq) VALUES ('listener', 3)",
            )?;
            assert_eq!(horizons::events(conn, later)?, 2);
            assert_eq!(horizons::events(conn, later)?, 0);
            sql(conn, "UPDATE cursors SET seq = 99")?;
            assert_eq!(horizons::events(conn, later)?, 3);
            assert_eq!(horizons::mails(conn, later)?, 0);
            assert_eq!(horizons::audit(conn, later)?, 0);
            assert_eq!(horizons::logs(conn, "editor", later)?, []);
            assert_eq!(horizons::builds(conn, "editor", later)?.0, 0);
            let taken = figures::count(conn)?;
            figures::keep(conn, START, &taken)?;
            figures::keep(conn, START, &taken)?;
            assert_eq!(figures::used(conn, "editor")?, (15, 15));
            assert_eq!(figures::points(conn)?.len(), 1);
            Ok(())
        };
        test.db.tx("test", work).await.unwrap();
    }
}
