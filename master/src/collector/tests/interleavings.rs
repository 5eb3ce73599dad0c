//! Everything at once: what people, builds, applications and the collector do is cut into the
//! steps that are done at once, and the steps are shuffled. Every order comes from one number, so
//! what fails can be run again. `WINDLASS_TEST_INTERLEAVINGS` says how many orders are tried.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::world::{DAY, World};
use crate::collector::{Way, plan};
use crate::db::retention::files::{self, Condemned};
use crate::db::retention::{apply as rows, trash};
use crate::db::schema::{blobs, branches, holds as hold_rows, product_files, products, releases};
use crate::db::tests::{engines, sql};
use crate::db::{Conn, holds};
use crate::ids::{HoldId, PlanId, ProductId, UserId};
use crate::model::Blob;
use crate::storage::Lease;
use diesel::prelude::*;

/// Orders tried where nobody asks for more: a few seconds.
const SHORT: u64 = 150;
/// Orders per world: it grows, and looking at all of it becomes slow.
const PER_WORLD: u64 = 30;
/// Contents that products are made of: few, so that they share them.
const CONTENTS: usize = 5;

/// Numbers that look like chance (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d);
        usize::try_from((number >> 33) % sides as u64).unwrap()
    }
}

/// One step of somebody.
#[derive(Debug, Clone, Copy)]
enum Step {
    Store,
    Commit,
    Keep,
    Lift,
    Release,
    EndRelease,
    Open,
    Close,
    Plan,
    Start,
    Batch,
    Restore,
    Wait,
    EmptyTrash,
    Condemn,
    Look,
    SeeOut,
    Sort,
    Inventory,
}

/// What somebody does, step by step.
const SCRIPTS: &[&[Step]] = {
    use Step::*;
    &[
        &[Store, Commit],
        &[Store, Store, Commit, Commit],
        &[Keep, Lift],
        &[Keep],
        &[Release, EndRelease],
        &[Release],
        &[Open, Close],
        &[Plan, Start, Batch, Batch],
        &[Wait, Plan, Start, Batch, Wait, EmptyTrash],
        &[Restore],
        &[Wait, EmptyTrash, Condemn, Wait, Look, SeeOut],
        &[Condemn, Look, Wait, SeeOut, Sort],
        &[Inventory, Sort],
    ]
};

/// What is under way.
struct Play {
    world: World,
    dice: Dice,
    quinn: UserId,
    position: i64,
    branch: String,
    mine: Vec<ProductId>,
    stored: Vec<(Blob, Lease)>,
    reading: Vec<(Lease, String)>,
    plan: Option<PlanId>,
    seen: Vec<Condemned>,
    /// Where the application of the plan stands.
    after: ProductId,
}

fn content(n: usize) -> String {
    format!("content {n}")
}

impl Play {
    async fn new(seed: u64, world: World) -> Self {
        let quinn = holds::tests::user(&world.test.db).await;
        Self {
            dice: Dice(seed | 1),
            quinn,
            position: 0,
            branch: String::new(),
            mine: Vec::new(),
            stored: Vec::new(),
            reading: Vec::new(),
            plan: None,
            seen: Vec::new(),
            after: ProductId(0),
            world,
        }
    }

    /// One order of some scripts on a branch of its own.
    async fn one(&mut self, number: u64) {
        self.dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        self.branch = format!("branch-{number}");
        self.mine.clear();
        for _ in 0..2 {
            self.step(Step::Store).await;
            self.step(Step::Commit).await;
        }
        let mut scripts: Vec<_> = (0..4)
            .map(|_| SCRIPTS[self.dice.roll(SCRIPTS.len())].iter())
            .collect();
        let mut told = Vec::new();
        while !scripts.is_empty() {
            let at = self.dice.roll(scripts.len());
            let Some(step) = scripts[at].next() else {
                drop(scripts.swap_remove(at));
                continue;
            };
            told.push(*step);
            self.step(*step).await;
            self.check(number, &told).await;
        }
        self.stored.clear();
        self.reading.clear();
    }

    async fn step(&mut self, step: Step) {
        let offered = self.latest().await;
        match step {
            Step::Store => {
                let content = content(self.dice.roll(CONTENTS));
                self.stored.push(self.world.store(&content).await);
                return;
            }
            Step::Commit => return self.commit().await,
            Step::Keep => return self.keep().await,
            Step::Lift => return self.lift().await,
            Step::Release | Step::EndRelease => return self.release(step).await,
            Step::Open => return self.open().await,
            Step::Close => return self.close(),
            Step::Restore => return self.restore().await,
            Step::Wait => {
                let days = u32::try_from(1 + self.dice.roll(3)).unwrap();
                self.world.parts.clock.advance(DAY * days);
            }
            Step::Plan => {
                let policies = Arc::new(self.world.parts.policies().unwrap());
                let (config, now) = (self.world.parts.config(), self.world.parts.clock.now());
                let way = Way::Stored("test".to_owned());
                let planned = plan(&self.world.test.db, now, policies, &config, way).await;
                let planned = planned.unwrap();
                assert_eq!(planned.refused, "");
                self.plan = planned.plan;
                self.after = ProductId(0);
            }
            Step::Start | Step::Batch => self.apply(step).await,
            Step::EmptyTrash => {
                let policies = self.world.parts.policies().unwrap();
                self.world.parts.empty_trash(&policies).await.unwrap();
            }
            Step::Condemn => self.world.parts.condemn_unnamed().await.unwrap(),
            Step::Look => {
                let now = self.world.parts.clock.now();
                let read = move |conn: &mut Conn| files::condemned(conn, now, "");
                self.seen = self.world.test.db.read("test", read).await.unwrap();
            }
            Step::SeeOut => {
                let now = self.world.parts.clock.now();
                // What was seen may be long past by now.
                for file in std::mem::take(&mut self.seen) {
                    self.world
                        .parts
                        .see_out(now, now.before(DAY), &file)
                        .await
                        .unwrap();
                }
            }
            Step::Sort => self.world.parts.sort_store_trash().await.unwrap(),
            Step::Inventory => self.world.parts.take_inventory().await.unwrap(),
        }
        assert_eq!(
            self.latest().await,
            offered,
            "{step:?} changed what is offered"
        );
    }

    async fn commit(&mut self) {
        if self.stored.is_empty() {
            return;
        }
        let at = self.dice.roll(self.stored.len());
        let (blob, lease) = self.stored.swap_remove(at);
        self.position += 1;
        let branch = self.branch.clone();
        let id = self.world.record(&branch, self.position, blob).await;
        self.mine.push(id);
        drop(lease);
    }

    fn any(&mut self) -> Option<ProductId> {
        if self.mine.is_empty() {
            return None;
        }
        let at = self.dice.roll(self.mine.len());
        Some(self.mine[at])
    }

    async fn keep(&mut self) {
        let Some(id) = self.any() else { return };
        let (quinn, now) = (self.quinn, self.world.parts.clock.now());
        let until = (self.dice.roll(2) == 0).then(|| now.after(DAY * 2));
        let work = move |conn: &mut Conn| holds::keep(conn, now, id, quinn, "QA", until);
        // One that was collected cannot be kept, and says so.
        let _ = self.world.test.db.tx("test", work).await;
    }

    async fn lift(&mut self) {
        let (quinn, now) = (self.quinn, self.world.parts.clock.now());
        let work = move |conn: &mut Conn| {
            let hold: Option<i64> = hold_rows::table
                .filter(hold_rows::lifted_at.is_null())
                .order(hold_rows::id.desc())
                .select(hold_rows::id)
                .first(conn)
                .optional()?;
            match hold {
                Some(id) => holds::lift(conn, now, HoldId(id), quinn, "over").map(|_| ()),
                None => Ok(()),
            }
        };
        self.world.test.db.tx("test", work).await.unwrap();
    }

    async fn release(&mut self, step: Step) {
        let Some(id) = self.any() else { return };
        let now = self.world.parts.clock.now().0;
        let work = move |conn: &mut Conn| {
            if matches!(step, Step::EndRelease) {
                return sql(conn, "UPDATE releases SET state = 'withdrawn'");
            }
            crate::db::products::touch(conn, id)?;
            sql(
                conn,
                &format!(
                    "INSERT INTO releases (branch_id, target, product_id, state, state_reason, \
                     rollout_percent, rollout_salt, watershed, critical, signoffs_needed, \
                     row_version, created_by, created_at) SELECT branch_id, target, id, 'live', \
                     '', 100, '', FALSE, FALSE, '', 1, 'x', {now} FROM products WHERE id = {id}"
                ),
            )
        };
        // One that was collected cannot be released, and says so.
        let _ = self.world.test.db.tx("test", work).await;
    }

    /// An application begins to fetch what a product names.
    async fn open(&mut self) {
        let Some(id) = self.any() else { return };
        let read = move |conn: &mut Conn| {
            Ok(product_files::table
                .inner_join(products::table)
                .filter(products::id.eq(id.0))
                .filter(products::state.ne_all(["expired", "deleted"]))
                .select(product_files::blob_sha256)
                .first::<String>(conn)
                .optional()?)
        };
        if let Some(name) = self.world.test.db.read("test", read).await.unwrap() {
            self.reading
                .push((self.world.parts.blobs.lease(&name), name));
        }
    }

    /// It has read to the end: every byte was there.
    fn close(&mut self) {
        for (lease, name) in self.reading.drain(..) {
            let whole = (0..CONTENTS).any(|n| self.world.is_readable(&name, &content(n)));
            assert!(whole, "{name} went away while it was read");
            drop(lease);
        }
    }

    async fn apply(&mut self, step: Step) {
        let Some(id) = self.plan else { return };
        let (policies, now) = (
            self.world.parts.policies().unwrap(),
            self.world.parts.clock.now(),
        );
        if matches!(step, Step::Start) {
            let work = move |conn: &mut Conn| rows::start(conn, now, id, "test", &policies);
            // Started before is no harm.
            let _ = self.world.test.db.tx("test", work).await;
            return;
        }
        let after = self.after;
        let work = move |conn: &mut Conn| rows::batch(conn, now, id, &policies, after);
        let done = self.world.test.db.tx("test", work).await.unwrap();
        self.after = done.last.unwrap_or(self.after);
        if done.last.is_none() {
            let work = move |conn: &mut Conn| rows::finish(conn, id);
            self.world.test.db.tx("test", work).await.unwrap();
        }
    }

    async fn restore(&mut self) {
        let now = self.world.parts.clock.now();
        let work = move |conn: &mut Conn| {
            let all = trash::list(conn, None)?;
            match all.first() {
                Some(one) => {
                    trash::restore(conn, now, one.product, one.row_version, "test").map(|_| ())
                }
                None => Ok(()),
            }
        };
        self.world.test.db.tx("test", work).await.unwrap();
    }

    /// The newest offered product of every branch.
    async fn latest(&self) -> BTreeMap<i64, i64> {
        let read = |conn: &mut Conn| {
            let rows: Vec<(i64, i64)> = products::table
                .inner_join(branches::table)
                .filter(products::state.eq("recorded"))
                .order((products::branch_id, products::seq_position))
                .select((products::branch_id, products::id))
                .load(conn)?;
            Ok(rows.into_iter().collect())
        };
        self.world.test.db.read("test", read).await.unwrap()
    }

    /// What must hold after every step.
    async fn check(&self, number: u64, told: &[Step]) {
        let now = self.world.parts.clock.now().0;
        let read = move |conn: &mut Conn| {
            let named: Vec<(i64, String, String)> = product_files::table
                .inner_join(products::table)
                .filter(products::state.ne("deleted"))
                .select((products::id, products::state, product_files::blob_sha256))
                .load(conn)?;
            let kept: Vec<i64> = hold_rows::table
                .filter(hold_rows::lifted_at.is_null())
                .filter(
                    hold_rows::until_at
                        .is_null()
                        .or(hold_rows::until_at.gt(now)),
                )
                .select(hold_rows::product_id)
                .load(conn)?;
            let released: Vec<i64> = releases::table
                .filter(releases::state.eq("live"))
                .select(releases::product_id)
                .load(conn)?;
            let states: Vec<(String, String)> = blobs::table
                .select((blobs::sha256, blobs::state))
                .load(conn)?;
            Ok((named, [kept, released].concat(), states))
        };
        let (named, roots, states) = self.world.test.db.read("test", read).await.unwrap();
        for (product, state, name) in &named {
            let whole = (0..CONTENTS).any(|n| self.world.is_readable(name, &content(n)));
            assert!(
                whole,
                "order {number} {told:?}: product {product} ({state}) lost bytes"
            );
        }
        for root in roots {
            let stays = named
                .iter()
                .any(|(id, state, _)| *id == root && state != "expired");
            assert!(stays, "order {number} {told:?}: root {root} was collected");
        }
        let state = |name: &str| states.iter().find(|(known, _)| known == name);
        for in_trash in [false, true] {
            let files = match in_trash {
                false => self.world.parts.blobs.list(None, 1_000).await.unwrap(),
                true => self
                    .world
                    .parts
                    .blobs
                    .list_trash(None, 1_000)
                    .await
                    .unwrap(),
            };
            for file in files {
                let known = state(&file.sha256).is_some_and(|(_, state)| state != "gone");
                let explained = known || self.world.parts.blobs.in_use(&file.sha256);
                assert!(
                    explained,
                    "order {number} {told:?}: {file:?} is there for nothing"
                );
            }
        }
    }
}

async fn play(orders: std::ops::Range<u64>, mut world: impl AsyncFnMut() -> World) {
    let mut play: Option<Play> = None;
    for number in orders {
        if number % PER_WORLD == 0 {
            play = None;
        }
        let mut now = match play.take() {
            Some(play) => play,
            None => Play::new(number, world().await).await,
        };
        now.one(number).await;
        play = Some(now);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_whatever_order_no_root_loses_a_byte_and_every_byte_is_explained() {
    let asked = std::env::var("WINDLASS_TEST_INTERLEAVINGS").ok();
    let asked = asked.and_then(|text| text.parse().ok()).unwrap_or(SHORT);
    play(0..asked, async || World::new(None).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_every_engine_too() {
    let mut all = engines();
    while let Some(test) = all.pop() {
        let mut test = Some(test);
        play(0..PER_WORLD.min(20), async || World::new(test.take()).await).await;
    }
}
