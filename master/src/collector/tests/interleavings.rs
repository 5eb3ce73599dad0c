//! Everything at once: what people, builds, applications and the collector do is done by the same
//! operations as always, over a real folder, and cut wherever a transaction or a disk lets others
//! come in between. Every order is made of one number, so what fails can be run again.
//!
//! `WINDLASS_TEST_INTERLEAVINGS` says how many orders are tried, or which: `100000`, `2000..3000`.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use futures_util::FutureExt as _;

use super::world::{DAY, World};
use crate::app::App;
use crate::auth::Identity;
use crate::db::products::feed::Feed;
use crate::db::tests::{engines, sql, sqlite};
use crate::db::{Conn, branches, holds};
use crate::ids::ProjectId;
use crate::model::Role as Rights;
use crate::uploads::Uploads;
use actors::{CAST, Dice, Role, Scene};
use contents::Contents;
use eyes::Eyes;
use stage::Stage;

mod actors;
mod contents;
mod eyes;
mod stage;

/// Orders tried where nobody asks for more: some seconds.
const SHORT: Range<u64> = 0..150;
/// Who acts at once besides the time.
const ACTORS: Range<usize> = 3..7;

/// What an order leaves behind, in an order in which nothing is referred to any more.
const LEFT: &str = "DELETE FROM signatures; DELETE FROM retention_latest; \
     DELETE FROM retention_items; DELETE FROM retention_plans; DELETE FROM labels; \
     DELETE FROM holds; DELETE FROM verdicts; DELETE FROM signoffs; DELETE FROM releases; \
     DELETE FROM uploads; DELETE FROM drafts; DELETE FROM product_files; \
     DELETE FROM product_properties; DELETE FROM product_revisions; DELETE FROM outbox; \
     DELETE FROM events; DELETE FROM audit; DELETE FROM products; DELETE FROM blobs";

/// One world, used for one order after the other.
struct Theatre {
    world: World,
    app: App,
    who: Identity,
    contents: Contents,
    eyes: RefCell<Eyes>,
    folder: PathBuf,
}

impl Theatre {
    async fn new(world: World) -> Self {
        let (db, parts) = (&world.test.db, &world.parts);
        // Every file looks old: what nobody names or uses any more is let go at once.
        parts.clock.advance(DAY * 365 * 30);
        let blobs = parts.blobs.clone();
        let partials = world.folder.path().join("uploads");
        let app = App {
            config: parts.config.clone(),
            clock: parts.clock.clone(),
            bells: parts.bells.clone(),
            uploads: Uploads::new(db, parts.clock.clone(), blobs.clone(), partials),
            blobs,
            ..crate::app::tests::app(db.clone())
        };
        let id = holds::tests::user(db).await;
        let who = Identity::User {
            id,
            name: "quinn".to_owned(),
            role: Rights::Admin,
        };
        let now = parts.clock.now();
        let branch = move |conn: &mut Conn| {
            branches::ensure(conn, now, ProjectId(1), "main")?;
            branches::view::by_name(conn, "editor", "main")
        };
        let branch = db.tx("test", branch).await.unwrap();
        let feed = Feed {
            project: "editor".to_owned(),
            token: branch.feed,
            target: "x86_64-linux".to_owned(),
        };
        Self {
            eyes: RefCell::new(Eyes::new(world.test.connect(), feed)),
            folder: world.folder.path().join("blobs"),
            contents: Contents::new(),
            world,
            app,
            who,
        }
    }

    /// One order; the roles and places of those whose turn it was go to `told`.
    async fn play(&self, number: u64, told: &RefCell<Vec<Role>>) {
        let dice = Dice::new(number);
        let scene = Scene {
            world: &self.world,
            app: &self.app,
            who: &self.who,
            contents: &self.contents,
            dice: &dice,
            position: Cell::new(0),
            products: RefCell::default(),
        };
        for _ in 0..2 {
            scene.build().await;
        }
        let mut stage = Stage::new();
        stage.enter(Role::Days, scene.act(Role::Days));
        for _ in 0..ACTORS.start + dice.roll(ACTORS.len()) {
            let role = CAST[dice.roll(CAST.len())];
            stage.enter(role, scene.act(role));
        }
        loop {
            let ready = stage.ready().await;
            if ready.is_empty() {
                break;
            }
            let (at, role) = ready[dice.roll(ready.len())];
            told.borrow_mut().push(role);
            let offered = role.collects().then(|| self.eyes.borrow_mut().answers());
            let sight = || self.eyes.borrow_mut().sight(&self.folder);
            let before = (role == Role::DryPlanner).then(sight);
            stage.turn(at, &self.world.parts.blobs).await;
            let mut eyes = self.eyes.borrow_mut();
            if let Some(before) = before {
                assert_eq!(before, eyes.sight(&self.folder), "a dry run wrote");
            }
            if let Some(offered) = offered {
                assert_eq!(offered, eyes.answers(), "{role:?} changed what is offered");
            }
            let now = self.world.parts.clock.now();
            eyes.look(now, &self.folder, &self.world.parts.blobs, &self.contents);
        }
    }

    /// Lets everything go that is to go, looks at what is left, and clears it away.
    async fn end(&self) {
        let parts = &self.world.parts;
        let policies = parts.policies().unwrap();
        for _ in 0..2 {
            parts.sort_store_trash().await.unwrap();
            parts.take_inventory().await.unwrap();
            parts.clock.advance(DAY * 3);
            parts.empty_trash(&policies).await.unwrap();
            parts.condemn_unnamed().await.unwrap();
            parts.clock.advance(DAY * 3);
            parts.unlink_condemned().await.unwrap();
        }
        let now = parts.clock.now();
        self.eyes
            .borrow_mut()
            .look_at_end(now, &self.folder, &self.contents);
        self.contents.forget();
        let clear = |conn: &mut Conn| sql(conn, LEFT);
        parts.db.tx("test", clear).await.unwrap();
        for name in self.contents.names() {
            let below = PathBuf::from(&name[..2]).join(name);
            for path in [
                self.folder.join(&below),
                self.folder.join("trash").join(&below),
            ] {
                // Most are not there.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Plays these orders in one world.
fn play(orders: Range<u64>, world: impl AsyncFnOnce() -> World) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(tokio::task::unconstrained(async {
        let theatre = Theatre::new(world().await).await;
        for number in orders {
            let told = RefCell::default();
            let order = async {
                theatre.play(number, &told).await;
                theatre.end().await;
            };
            if let Err(panic) = AssertUnwindSafe(order).catch_unwind().await {
                eprintln!("order {number}: {:?}", told.borrow());
                std::panic::resume_unwind(panic);
            }
        }
    }));
}

/// The orders that were asked for.
fn asked() -> Range<u64> {
    let Ok(text) = std::env::var("WINDLASS_TEST_INTERLEAVINGS") else {
        return SHORT;
    };
    let number = |text: &str| -> u64 { text.parse().expect("a number, or two with `..` between") };
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => 0..number(&text),
    }
}

#[test]
fn in_whatever_order_no_root_loses_a_byte_and_every_byte_is_explained() {
    play(asked(), async || World::new(Some(sqlite())).await);
}

#[test]
fn on_every_other_engine_too() {
    let asked = asked();
    let some = asked.start..asked.end.min(asked.start + 1_000);
    for test in engines().into_iter().skip(1) {
        play(some.clone(), async || World::new(Some(test)).await);
    }
}
