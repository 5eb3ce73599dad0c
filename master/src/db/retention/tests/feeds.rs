//! Whatever any feed offers to anybody must not be collected: releases, products and files are
//! thrown together by dice, all kinds of applications ask, and what they are told is tried to be
//! collected.

use super::*;
use crate::db::products::feed::{self, Feed, Rules};
use crate::ids::BranchId;
use crate::model::VersionScheme;
use crate::updates::{Answer, Asker, Wish, answer};

/// Worlds that are thrown together: a few seconds.
const WORLDS: u64 = 100;
const PRODUCTS: i64 = 8;
const RULES: Rules = Rules {
    scheme: VersionScheme::Dotted,
    only_released: false,
};

/// Numbers that look like chance (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        number as i64 % sides
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.roll(all.len() as i64)).unwrap()]
    }

    fn product(&mut self) -> i64 {
        1 + self.roll(PRODUCTS)
    }
}

/// Changes eight products that are recorded so that nothing is certain.
fn throw(conn: &mut Conn, dice: &mut Dice) -> DbResult<()> {
    let states = [
        "recorded",
        "candidate",
        "released",
        "superseded",
        "withdrawn",
    ];
    for id in 1..=PRODUCTS {
        let (os, state) = (
            dice.one_of(&["NULL", "'10.15'", "'10.15'", "'12'"]),
            match dice.roll(3) {
                0 => dice.one_of(&states),
                _ => "recorded",
            },
        );
        let base = match dice.roll(4) {
            0 => dice.product().to_string(),
            _ => "NULL".to_owned(),
        };
        let gone = ["NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "1"];
        let gone = dice.one_of(&gone);
        let blob = ["live", "live", "live", "live", "live", "live", "corrupt"];
        let blob = dice.one_of(&blob);
        sql(
            conn,
            &format!(
                "UPDATE products SET state = '{state}', min_os = {os} WHERE id = {id}; \
                 UPDATE product_files SET gone_at = {gone}, delta_from_product_id = {base} \
                 WHERE product_id = {id}; UPDATE blobs SET state = '{blob}' WHERE sha256 = \
                 (SELECT blob_sha256 FROM product_files WHERE product_id = {id})"
            ),
        )?;
    }
    for _ in 0..dice.roll(7) {
        release(conn, dice)?;
    }
    Ok(())
}

/// A release in whatever state; the order in which they went live is not that of their ids.
fn release(conn: &mut Conn, dice: &mut Dice) -> DbResult<()> {
    let states = [
        "draft",
        "scheduled",
        "live",
        "paused",
        "superseded",
        "superseded",
        "superseded",
        "withdrawn",
        "rolled-back",
    ];
    let state = dice.one_of(&states);
    let live_at = match (state, dice.roll(3)) {
        ("draft" | "scheduled", _) | ("withdrawn", 0) => "NULL".to_owned(),
        _ => dice.roll(5).to_string(),
    };
    let mut product_or_none = || match dice.roll(2) {
        0 => "NULL".to_owned(),
        _ => dice.product().to_string(),
    };
    let (fallback, taken_back) = (product_or_none(), product_or_none());
    let (product, percent) = (dice.product(), dice.one_of(&["0", "50", "100", "100"]));
    let watershed = dice.one_of(&["TRUE", "FALSE", "FALSE"]);
    sql(
        conn,
        &format!(
            "INSERT INTO releases (branch_id, target, product_id, fallback_product_id, \
             rollback_of_product_id, state, state_reason, rollout_percent, rollout_salt, \
             watershed, critical, signoffs_needed, row_version, created_by, created_at, live_at) \
             SELECT branch_id, target, id, {fallback}, {taken_back}, '{state}', '', {percent}, \
             'salt', {watershed}, FALSE, '', 1, 'x', 1, {live_at} FROM products \
             WHERE id = {product}"
        ),
    )
}

/// All kinds of applications.
fn askers() -> Vec<Asker> {
    let text = |text: &str| Some(text.to_owned());
    let mut all = Vec::new();
    for version in [
        None,
        text("1.1"),
        text("1.4"),
        text("1.8"),
        text("0.9"),
        text("?"),
    ] {
        for os_version in [None, text("10.9"), text("11"), text("13")] {
            for id in [None, text("a"), text("b"), text("c")] {
                let asker = Asker {
                    version: version.clone(),
                    os_version: os_version.clone(),
                    id,
                    ..Asker::default()
                };
                all.push(asker);
            }
            all.push(Asker {
                version: version.clone(),
                os_version,
                force: true,
                ..Asker::default()
            });
        }
    }
    all
}

/// Everything that is offered to anybody, with the products that its deltas begin from.
fn offered(conn: &mut Conn, feed: &Feed) -> DbResult<Vec<i64>> {
    let mut all = Vec::new();
    for asker in askers() {
        let facts = feed::facts(conn, feed, &asker, RULES)?;
        for wish in [Wish::Update, Wish::Current] {
            if let Answer::Offer { product, .. } = answer(&facts, &asker, wish).answer {
                all.push(product.0);
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    let bases: Vec<Option<i64>> = schema::product_files::table
        .filter(schema::product_files::product_id.eq_any(&all))
        .filter(schema::product_files::gone_at.is_null())
        .select(schema::product_files::delta_from_product_id)
        .load(conn)?;
    all.extend(bases.into_iter().flatten());
    Ok(all)
}

/// One world; it is undone. Returns how many products were offered, and how many could go.
fn world(conn: &mut Conn, number: u64, feed: &Feed) -> DbResult<(usize, usize)> {
    sql(conn, "SAVEPOINT world")?;
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    throw(conn, &mut dice)?;
    let offered = offered(conn, feed)?;
    let mut goes = 0;
    for id in 1..=PRODUCTS {
        sql(conn, "SAVEPOINT one")?;
        let outcome = expire(conn, START, ProductId(id), 1, &policies(0), "test")?;
        let was_kept = matches!(outcome, Outcome::Stays(_));
        assert!(
            was_kept || !offered.contains(&id),
            "world {number}: product {id} is offered and was collected"
        );
        goes += usize::from(!was_kept);
        sql(conn, "ROLLBACK TO one; RELEASE one")?;
    }
    sql(conn, "ROLLBACK TO world; RELEASE world")?;
    Ok((offered.len(), goes))
}

#[tokio::test]
async fn whatever_any_feed_offers_to_anybody_stays() {
    for test in engines() {
        let all = (1..=PRODUCTS).map(|n| sample(n, n, &format!("1.{n}")));
        recorded(&test.db, all.collect()).await;
        let play = |conn: &mut Conn| {
            let branch = crate::db::branches::view::find(conn, BranchId(1))?;
            let feed = Feed {
                project: "editor".to_owned(),
                token: branch.feed,
                target: "x86_64-linux".to_owned(),
            };
            let mut total = (0, 0);
            for number in 0..WORLDS {
                let (offered, goes) = world(conn, number, &feed)?;
                total = (total.0 + offered, total.1 + goes);
            }
            Ok(total)
        };
        let (offered, goes) = test.db.tx("test", play).await.unwrap();
        // The dice say something: much is offered, and much may go.
        assert!(
            offered > 60 && goes > 150,
            "{offered} offered, {goes} may go"
        );
    }
}

#[tokio::test]
async fn a_deleted_branch_that_another_follows_keeps_its_latest() {
    for test in engines() {
        five(&test.db).await;
        let work = |conn: &mut Conn| {
            sql(
                conn,
                "UPDATE branches SET state = 'deleted', deleted_at = 1; \
                 INSERT INTO branches (project_id, name, feed_token, state, created_at, \
                 follows_branch_id) VALUES (1, 'old', 'old-1', 'active', 1, 1)",
            )?;
            let says = Retention {
                deleted_branches: Some(DAY),
                ..Retention::default()
            };
            let all = BTreeMap::from([("default".to_owned(), says)]);
            let policies = Policies::new(&all).unwrap();
            let id = ProductId(5);
            let followed = expire(conn, START, id, 1, &policies, "test")?;
            sql(conn, "UPDATE branches SET follows_branch_id = NULL")?;
            Ok((followed, expire(conn, START, id, 1, &policies, "test")?))
        };
        let (followed, alone) = test.db.tx("test", work).await.unwrap();
        assert!(matches!(followed, Outcome::Stays(_)), "{followed:?}");
        assert_eq!(alone, Outcome::Expired);
    }
}
