//! Whole rounds: from a plan to bytes off the disk, dry runs, damage, quotas, mails.

use super::world::{DAY, World};
use crate::collector::{Collector, PROBLEM, Way, plan};
use crate::db::outbox::REPORT_KINDS;
use crate::db::retention::{apply as rows, figures, files, plans, trash};
use crate::db::tests::sql;
use crate::db::{Conn, events};
use crate::ids::PlanId;
use crate::model::PlanState;
use std::sync::Arc;

async fn make(world: &World, way: Way) -> crate::collector::Planned {
    let policies = Arc::new(world.parts.policies().unwrap());
    let (config, now) = (world.parts.config(), world.parts.clock.now());
    plan(&world.test.db, now, policies, &config, way)
        .await
        .unwrap()
}

async fn start(world: &World, id: PlanId) {
    let (policies, now) = (world.parts.policies().unwrap(), world.parts.clock.now());
    let work = move |conn: &mut Conn| rows::start(conn, now, id, "test", &policies);
    world.test.db.tx("test", work).await.unwrap();
}

fn stored() -> Way {
    Way::Stored("test".to_owned())
}

/// Every byte of a database's file.
fn bytes_of(world: &World) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut folders = vec![world.folder.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        for path in paths {
            all.push(path.to_string_lossy().into_owned().into_bytes());
            match path.is_dir() {
                true => folders.push(path),
                false => all.push(std::fs::read(path).unwrap()),
            }
        }
    }
    all
}

#[tokio::test]
async fn a_product_goes_from_the_plan_to_the_trash_to_a_tombstone_and_its_bytes_off_the_disk() {
    let world = World::new(None).await;
    let old = world.add("main", 1, "old").await;
    world.add("main", 2, "new").await;
    world.parts.clock.advance(DAY * 2);
    let planned = make(&world, stored()).await;
    assert_eq!((planned.products_seen, planned.products_total), (2, 1));
    assert_eq!(planned.refused, "");
    let id = planned.plan.unwrap();
    start(&world, id).await;
    world.parts.apply_pending().await.unwrap();
    let db = &world.test.db;
    let row = db
        .read("test", move |conn| plans::find(conn, id))
        .await
        .unwrap();
    assert_eq!(row.state, PlanState::Applied);
    assert!(
        row.state_text.starts_with("1 collected, 0 left"),
        "{}",
        row.state_text
    );
    let in_trash = db
        .read("test", |conn| trash::list(conn, None))
        .await
        .unwrap();
    assert_eq!((in_trash.len(), in_trash[0].product), (1, old));
    assert!(
        in_trash[0]
            .reason
            .starts_with("default: 1 days old or more")
    );
    let (blob, lease) = world.store("old").await;
    drop(lease);
    // Two days of trash, one of grace until it is condemned, one until it is unlinked.
    for days in [2, 2, 2] {
        assert!(world.is_readable(&blob.sha256, "old"));
        world.parts.care().await.unwrap();
        world.parts.clock.advance(DAY * days);
    }
    world.parts.care().await.unwrap();
    assert!(!world.is_readable(&blob.sha256, "old"));
    let gone = [blob.sha256.clone()];
    let states = db
        .read("test", move |conn| files::states(conn, &gone))
        .await
        .unwrap();
    assert_eq!(states[0].1, "gone");
    let list = world.parts.blobs.list(None, 10).await.unwrap();
    assert_eq!(list.len(), 1, "the newest one's bytes stay");
    let all = db
        .read("test", |conn| events::after(conn, 0))
        .await
        .unwrap();
    let kinds: Vec<_> = all.iter().map(|event| event.kind.as_str()).collect();
    let told = ["product.expired", "retention.applied", "product.deleted"];
    assert_eq!(kinds[2..], told);
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let world = World::new(None).await;
    for position in 1..=3 {
        world.add("main", position, "content").await;
    }
    world.parts.clock.advance(DAY * 2);
    #[derive(diesel::QueryableByName)]
    struct Changes {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    let count = |conn: &mut Conn| {
        use diesel::RunQueryDsl as _;
        let text = "SELECT total_changes() AS n";
        Ok(diesel::sql_query(text).get_result::<Changes>(conn)?.n)
    };
    let before = (
        world.test.db.tx("test", count).await.unwrap(),
        bytes_of(&world),
    );
    let planned = make(&world, Way::Dry).await;
    assert_eq!((planned.plan, planned.products_total), (None, 2));
    assert_eq!(planned.kept["newest of its branch"], 1);
    let after = (
        world.test.db.tx("test", count).await.unwrap(),
        bytes_of(&world),
    );
    assert!(before == after, "a dry run changed a row or a file");
}

#[tokio::test]
async fn a_plan_made_by_other_policies_is_not_applied() {
    let world = World::new(None).await;
    world.add("main", 1, "old").await;
    world.add("main", 2, "new").await;
    world.parts.clock.advance(DAY * 2);
    let id = make(&world, stored()).await.plan.unwrap();
    start(&world, id).await;
    let mut changed = (*world.parts.config()).clone();
    changed.retention.get_mut("default").unwrap().keep = DAY * 9;
    world.config.send(Arc::new(changed)).unwrap();
    world.parts.apply_pending().await.unwrap();
    let db = &world.test.db;
    let row = db
        .read("test", move |conn| plans::find(conn, id))
        .await
        .unwrap();
    assert_eq!(row.state, PlanState::Stale);
    assert!(
        db.read("test", |conn| trash::list(conn, None))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_configuration_with_a_mistake_collects_nothing_and_says_so() {
    let world = World::new(None).await;
    world.add("main", 1, "old").await;
    world.add("main", 2, "new").await;
    let path = world.folder.path().join("windlass.toml");
    std::fs::write(&path, "[retention.default]\nkeep_dayz = 1\n").unwrap();
    let mut config = (*world.parts.config()).clone();
    config.file = path;
    world.config.send(Arc::new(config)).unwrap();
    let mut collector = Collector::new(world.parts.clone());
    collector.round().await.unwrap();
    world.parts.clock.advance(DAY * 2);
    collector.round().await.unwrap();
    let problem = world.parts.fact(PROBLEM).await.unwrap().unwrap();
    assert!(problem.contains("has 1 mistakes"), "{problem}");
    let db = &world.test.db;
    let plans = db
        .read("test", |conn| plans::list(conn, None))
        .await
        .unwrap();
    assert!(plans.is_empty(), "{plans:?}");
    let all = db
        .read("test", |conn| events::after(conn, 0))
        .await
        .unwrap();
    assert!(all.iter().any(|event| event.kind == "retention.stopped"));
}

#[tokio::test]
async fn rot_ghosts_and_orphans_are_found_and_nobody_is_offered_them() {
    let world = World::new(None).await;
    world.add("main", 1, "first").await;
    world.add("main", 2, "second").await;
    let (orphan, _) = world.store("orphan").await;
    let path = |content: &str| {
        let all = ["first", "second"].iter().position(|one| *one == content);
        assert!(all.is_some());
        let digest = <sha2::Sha256 as sha2::Digest>::digest(content.as_bytes());
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        (world.parts.blobs.path(&name).unwrap(), name)
    };
    let (rotten, first) = path("first");
    let (missing, second) = path("second");
    std::fs::write(rotten, "f1rst").unwrap();
    std::fs::remove_file(missing).unwrap();
    world.parts.take_inventory().await.unwrap();
    world
        .parts
        .keep_fact(crate::collector::SCRUB_NOW, "yes".to_owned())
        .await
        .unwrap();
    world.parts.scrub(DAY).await.unwrap();
    let db = &world.test.db;
    let names = [first.clone(), second.clone(), orphan.sha256.clone()];
    let all = names.to_vec();
    let states = db
        .read("test", move |conn| files::states(conn, &all))
        .await
        .unwrap();
    let state = |name: &str| {
        states
            .iter()
            .find(|row| row.0 == name)
            .map(|row| row.1.clone())
    };
    assert_eq!(state(&first).as_deref(), Some("corrupt"));
    assert_eq!(state(&second).as_deref(), Some("corrupt"));
    assert_eq!(state(&orphan.sha256), None, "it may be on its way to a row");
    let all = db
        .read("test", |conn| events::after(conn, 0))
        .await
        .unwrap();
    let told = all
        .iter()
        .filter(|event| event.kind == "store.corrupt")
        .count();
    assert!(told >= 2, "{told}");
    // The clock of the test stands in the past of the file's time: two days after that it is old.
    world.parts.clock.advance(DAY * 366 * 20);
    world.parts.take_inventory().await.unwrap();
    let one = [orphan.sha256.clone()];
    let states = db
        .read("test", move |conn| files::states(conn, &one))
        .await
        .unwrap();
    assert_eq!(states[0].1, "condemned");
    assert!(
        world.is_readable(&orphan.sha256, "orphan"),
        "only after the grace"
    );
    // The same files again heal it.
    world.add("main", 3, "second").await;
    let one = [second];
    let states = db
        .read("test", move |conn| files::states(conn, &one))
        .await
        .unwrap();
    assert_eq!(states[0].1, "live");
}

#[tokio::test]
async fn short_space_shortens_the_days_and_never_touches_what_is_protected() {
    let world = World::new(None).await;
    let mut config = (*world.parts.config()).clone();
    config.retention.get_mut("default").unwrap().keep = DAY * 30;
    config.projects.get_mut("editor").unwrap().quota = Some(1_000);
    world.config.send(Arc::new(config)).unwrap();
    for position in 1..=10 {
        world
            .add("main", position, &format!("{position:0>100}"))
            .await;
        world.parts.clock.advance(DAY);
    }
    let db = &world.test.db;
    let taken = db.read("test", figures::count).await.unwrap();
    let now = world.parts.clock.now();
    let keep = move |conn: &mut Conn| figures::keep(conn, now, &taken);
    db.tx("test", keep).await.unwrap();
    let planned = make(&world, stored()).await;
    assert!((2..9).contains(&planned.products_total), "{planned:?}");
    let id = planned.plan.unwrap();
    let items = db
        .read("test", move |conn| plans::items_of(conn, id, None))
        .await
        .unwrap();
    assert!(
        items[0].rule.starts_with("the quota is nearly used up"),
        "{items:?}"
    );
    // With everything held, nothing goes, however short the space is.
    let hold = "UPDATE products SET held_until = 9223372036854775807";
    db.tx("test", move |conn| sql(conn, hold)).await.unwrap();
    assert_eq!(make(&world, stored()).await.products_total, 0);
}

#[tokio::test]
async fn owners_are_told_once_before_a_hold_runs_out() {
    let world = World::new(None).await;
    let product = world.add("main", 1, "old").await;
    let quinn = crate::db::holds::tests::user(&world.test.db).await;
    let db = &world.test.db;
    let until = world.parts.clock.now().after(DAY * 9);
    let keep = move |conn: &mut Conn| {
        let now = crate::app::tests::START;
        crate::db::holds::keep(conn, now, product, quinn, "QA", Some(until))
    };
    db.tx("test", keep).await.unwrap();
    let told = || async {
        let all = db
            .read("test", |conn| events::after(conn, 0))
            .await
            .unwrap();
        all.iter()
            .filter(|event| event.kind == "hold.ending")
            .count()
    };
    world.parts.tell_owners().await.unwrap();
    assert_eq!(told().await, 0, "nine days are more than a week");
    world.parts.clock.advance(DAY * 3);
    world.parts.tell_owners().await.unwrap();
    world.parts.tell_owners().await.unwrap();
    assert_eq!(told().await, 1);
    assert!(REPORT_KINDS.contains(&"hold.ending"));
}
