//! Verdicts and the label that follows them, on both engines.

use super::*;
use crate::db::holds::tests::user;
use crate::db::labels::{self, LAST_GOOD};
use crate::db::products::tests::{recorded, sample};
use crate::db::products::view;
use crate::db::tests::engines;

fn found(verdict: Verdict) -> NewJudgement {
    NewJudgement {
        verdict,
        comment: "as seen".to_owned(),
        bug: Some("https://bugs.example/7".to_owned()),
        checklist: vec!["installs".to_owned()],
    }
}

#[tokio::test]
async fn verdicts_are_only_added_and_the_product_knows_the_last() {
    for test in engines() {
        let product = recorded(&test.db, vec![sample(1, 1, "1.0")]).await[0];
        let quinn = user(&test.db).await;
        for verdict in [Verdict::Good, Verdict::Bad] {
            let give = move |conn: &mut Conn| judge(conn, Time(3), product, quinn, &found(verdict));
            test.db.tx("test", give).await.unwrap();
        }
        let read = move |conn: &mut Conn| {
            let last = last_of(conn, &[product])?.remove(&product);
            let shown = view::find(conn, Time(5), product)?;
            Ok((of_product(conn, product)?, last, shown))
        };
        let (all, last, shown) = test.db.read("test", read).await.unwrap();
        let words: Vec<Verdict> = all.iter().map(|one| one.verdict).collect();
        assert_eq!(words, [Verdict::Bad, Verdict::Good]);
        assert_eq!(
            (all[0].by.as_str(), &all[0].checklist[..]),
            ("quinn", &["installs".to_owned()][..])
        );
        assert_eq!(last.as_ref(), all.first());
        assert_eq!((shown.verdict, shown.row_version), (Verdict::Bad, 3));
    }
}

#[tokio::test]
async fn last_good_moves_forward_only_and_leaves_what_is_no_longer_good() {
    for test in engines() {
        let products = (1..=3).map(|n| sample(n, n, "1.0")).collect();
        let ids = recorded(&test.db, products).await;
        let quinn = user(&test.db).await;
        let mut expected = Vec::new();
        for (id, verdict, label) in [
            (ids[1], Verdict::Good, Some(ids[1])),
            (ids[0], Verdict::Good, Some(ids[1])),
            (ids[2], Verdict::Bad, Some(ids[1])),
            (ids[2], Verdict::Good, Some(ids[2])),
            (ids[2], Verdict::NeedsWork, Some(ids[1])),
            (ids[1], Verdict::Untested, Some(ids[0])),
            (ids[0], Verdict::Bad, None),
        ] {
            let give = move |conn: &mut Conn| {
                judge(conn, Time(3), id, quinn, &found(verdict))?;
                labels::follow_verdict(conn, Time(3), id, verdict, "quinn")
            };
            test.db.tx("test", give).await.unwrap();
            let at = ids[0];
            let read = move |conn: &mut Conn| labels::of_place(conn, at, LAST_GOOD);
            expected.push((test.db.read("test", read).await.unwrap(), label));
        }
        for (at, (found, label)) in expected.into_iter().enumerate() {
            assert_eq!(found, label, "after verdict {at}");
        }
    }
}
