//! An answer reads a handful of rows by indexes, however many products there are.

use std::sync::{Arc, Mutex};

use diesel::connection::{Connection as _, InstrumentationEvent};
use diesel::sql_types::Text;

use super::*;
use crate::db::products::tests::{recorded, sample};
use crate::db::releases::{self, NewRelease};
use crate::db::tests::sqlite;

#[derive(diesel::QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The queries that `work` makes, without their values.
fn queries(conn: &mut Conn, work: impl FnOnce(&mut Conn)) -> Vec<String> {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let taken = Arc::clone(&seen);
    let Conn::Sqlite(inner) = conn else {
        panic!("SQLite only");
    };
    inner.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let text = text.split(" -- binds").next().unwrap_or_default();
            taken.lock().unwrap().push(text.to_owned());
        }
    });
    work(conn);
    let Conn::Sqlite(inner) = conn else {
        panic!("SQLite only");
    };
    inner.set_instrumentation(|_: InstrumentationEvent<'_>| {});
    std::mem::take(&mut *seen.lock().unwrap())
}

fn check(conn: &mut Conn, feed: &Feed) {
    let asker = Asker {
        version: Some("1.0".to_owned()),
        os_version: Some("12".to_owned()),
        ..Asker::default()
    };
    let rules = Rules {
        scheme: VersionScheme::Dotted,
        only_released: false,
    };
    let all = queries(conn, |conn| {
        facts(conn, feed, &asker, rules).unwrap();
    });
    assert!((5..=30).contains(&all.len()), "{} queries", all.len());
    for query in all {
        let plan: Vec<Plan> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}"))
            .load(conn)
            .unwrap();
        let steps: Vec<&str> = plan.iter().map(|step| step.detail.as_str()).collect();
        let text = steps.join("; ");
        assert!(!text.contains("SCAN"), "{query}\n{text}");
        let is_sorted = query.contains("FROM `products`") && text.contains("TEMP B-TREE");
        assert!(!is_sorted, "{query}\n{text}");
    }
}

#[tokio::test]
async fn no_query_of_an_answer_reads_a_whole_table_or_sorts_products() {
    let test = sqlite();
    let mut newest = sample(2, 2, "2.0");
    newest.min_os = Some("13".to_owned());
    let ids = recorded(&test.db, vec![sample(1, 1, "1.0"), newest]).await;
    let id = ids[1];
    let work = move |conn: &mut Conn| {
        let product = crate::db::products::view::find(conn, crate::clock::Time(1), id)?;
        let feed = Feed {
            project: product.project,
            token: product.feed,
            target: product.target,
        };
        check(conn, &feed);
        let new = NewRelease {
            branch: crate::db::products::branch(conn, id)?,
            target: feed.target.clone(),
            product: id,
            fallback: Some(ids[0]),
            rollback_of: None,
            rollout_percent: 10,
            salt: "salt".to_owned(),
            watershed: true,
            critical: false,
            override_reason: String::new(),
            signoffs_needed: Vec::new(),
            created_by: "erin".to_owned(),
        };
        let release = releases::insert(conn, crate::clock::Time(3), &new)?;
        let release = releases::find(conn, release)?;
        releases::begin(conn, crate::clock::Time(4), &release, "")?;
        check(conn, &feed);
        Ok(())
    };
    test.db.tx("test", work).await.unwrap();
}
