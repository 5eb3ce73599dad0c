//! Keeping, labelling and releasing against collecting at the same moment: they wait for each
//! other on the product's row, and whoever comes second sees what the first did.

use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::db::products;
use crate::db::releases::{NewRelease, insert};
use crate::db::tests::TestDb;
use crate::db::{Engine, labels};

/// What refers to product 2 in one transaction.
type Refer = fn(&mut Conn) -> DbResult<()>;

fn label(conn: &mut Conn) -> DbResult<()> {
    labels::set(conn, START, ProductId(2), "beta", "quinn").map(|_| ())
}

fn hold(conn: &mut Conn) -> DbResult<()> {
    let quinn = crate::ids::UserId(1);
    crate::db::holds::keep(conn, START, ProductId(2), quinn, "QA", None).map(|_| ())
}

fn release(conn: &mut Conn, product: i64, fallback: Option<i64>) -> DbResult<()> {
    let new = NewRelease {
        branch: products::branch(conn, ProductId(product))?,
        target: "x86_64-linux".to_owned(),
        product: ProductId(product),
        fallback: fallback.map(ProductId),
        rollback_of: None,
        rollout_percent: 100,
        salt: "salt".to_owned(),
        watershed: false,
        critical: false,
        override_reason: String::new(),
        signoffs_needed: Vec::new(),
        created_by: "erin".to_owned(),
    };
    insert(conn, START, &new).map(|_| ())
}

const REFERENCES: [(&str, Refer); 4] = [
    ("a hold", hold),
    ("a label", label),
    ("a release", |conn| release(conn, 2, None)),
    ("a fallback", |conn| release(conn, 4, Some(2))),
];

fn collect(conn: &mut Conn) -> DbResult<Outcome> {
    expire(conn, START, ProductId(2), 1, &policies(1), "test")
}

/// Waits until a transaction waits for another, where several can run at once.
fn wait_for_another(conn: &mut Conn) -> DbResult<()> {
    #[derive(diesel::QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        waiting: i64,
    }
    if !matches!(conn, Conn::Postgres(_)) {
        return Ok(());
    }
    let text = "SELECT COUNT(*) AS waiting FROM pg_stat_activity \
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..2_000 {
        // What others do is seen anew by every look.
        sql(conn, "SELECT pg_stat_clear_snapshot()")?;
        let row: Waiting = diesel::sql_query(text).get_result(conn)?;
        if row.waiting > 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("nobody waits: the two do not meet on a row");
}

/// Runs `first`, and `second` as soon as the first has done its work and not yet committed.
async fn at_once<A: Send + 'static, B: Send + 'static>(
    test: &TestDb,
    first: impl Fn(&mut Conn) -> DbResult<A> + Send + 'static,
    second: impl Fn(&mut Conn) -> DbResult<B> + Send + 'static,
) -> (DbResult<A>, DbResult<B>) {
    let (done, has_done) = mpsc::channel();
    let one = test.db.tx("first", move |conn| {
        let value = first(conn)?;
        done.send(()).unwrap();
        wait_for_another(conn)?;
        Ok(value)
    });
    let db = test.db.clone();
    let other = async move {
        let begun = tokio::task::spawn_blocking(move || has_done.recv());
        begun.await.unwrap().unwrap();
        db.tx("second", second).await
    };
    tokio::join!(one, other)
}

async fn fresh(engine: Engine) -> TestDb {
    let test = engines()
        .into_iter()
        .find(|test| test.db.engine() == engine);
    let test = test.unwrap();
    five(&test.db).await;
    user(&test.db).await;
    test
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_refers_first_wins_over_a_collection_at_the_same_moment() {
    for engine in engines().iter().map(|test| test.db.engine()) {
        for (what, refer) in REFERENCES {
            let test = fresh(engine).await;
            let (referred, outcome) = at_once(&test, refer, collect).await;
            referred.unwrap();
            let outcome = outcome.unwrap();
            assert!(matches!(outcome, Outcome::Stays(_)), "{what}: {outcome:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_refers_to_what_was_collected_at_the_same_moment_is_told() {
    for engine in engines().iter().map(|test| test.db.engine()) {
        for (what, refer) in REFERENCES {
            let test = fresh(engine).await;
            let (outcome, referred) = at_once(&test, collect, refer).await;
            assert_eq!(outcome.unwrap(), Outcome::Expired, "{what}");
            let refused = referred.unwrap_err();
            assert!(matches!(refused, DbError::Changed), "{what}: {refused}");
        }
    }
}
