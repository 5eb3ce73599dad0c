//! Counts from answer to row, and their bounds.

use super::*;
use crate::db::branches;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::engines;

const DAY: i64 = 20_000;

fn asked(branch: BranchId, version: Option<&str>, outcome: Outcome) -> Asked<'_> {
    Asked {
        branch,
        target: "x86_64-linux",
        format: "v1",
        version,
        outcome,
    }
}

#[tokio::test]
async fn answers_are_added_up_per_day_and_version() {
    for test in engines() {
        recorded(&test.db, vec![sample(1, 1, "1.0")]).await;
        let main = |conn: &mut Conn| branches::view::by_name(conn, "editor", "main");
        let branch = test.db.read("test", main).await.unwrap().id;
        let counts = Counts::default();
        let now = Time::from_unix_seconds(DAY * 86_400 + 7);
        for _ in 0..2 {
            for _ in 0..3 {
                counts.note(now, asked(branch, Some("1.0"), Outcome::Offer));
            }
            counts.note(now, asked(branch, None, Outcome::UpToDate));
            counts.flush(&test.db).await.unwrap();
        }
        counts.flush(&test.db).await.unwrap();
        let read = move |conn: &mut Conn| update_counts::of_branch(conn, branch, DAY);
        let rows = test.db.read("test", read).await.unwrap();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.day,
                    row.from_version.as_str(),
                    row.outcome.as_str(),
                    row.asked,
                )
            })
            .collect();
        assert_eq!(rows, [(DAY, "1.0", "offer", 6), (DAY, "", "up-to-date", 2)]);
    }
}

#[tokio::test]
async fn junk_in_versions_and_targets_makes_no_more_rows_than_the_bound() {
    for test in engines() {
        recorded(&test.db, vec![sample(1, 1, "1.0")]).await;
        let main = |conn: &mut Conn| branches::view::by_name(conn, "editor", "main");
        let branch = test.db.read("test", main).await.unwrap().id;
        let counts = Counts::default();
        let now = Time::from_unix_seconds(DAY * 86_400);
        for n in 0..200 {
            let version = format!("9.{n}");
            counts.note(now, asked(branch, Some(&version), Outcome::Offer));
            counts.flush(&test.db).await.unwrap();
            let target = format!("junk-{n}");
            let mut junk = asked(branch, Some("x\0y"), Outcome::Nothing);
            junk.target = &target;
            counts.note(now, junk);
        }
        counts.flush(&test.db).await.unwrap();
        let read = move |conn: &mut Conn| update_counts::of_branch(conn, branch, DAY);
        let rows = test.db.read("test", read).await.unwrap();
        assert!(rows.len() <= VERSIONS_MAX + 2, "{} rows", rows.len());
        assert_eq!(rows.iter().map(|row| row.asked).sum::<i64>(), 400);
        assert!(rows.iter().all(|row| !row.target.starts_with("junk")));
    }
}
