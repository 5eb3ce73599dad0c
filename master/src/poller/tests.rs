//! Polls of real repositories.

use super::*;
use crate::clock::Time;
use crate::db::heads::Head;
use crate::db::tests::{TestDb, sqlite};
use crate::db::{changes, heads, repositories, sync};
use crate::ids::ChangeId;
use crate::vcs::git::fixture::Repository;

struct Bench {
    test: TestDb,
    repository: Repository,
    poller: Poller,
    _home: tempfile::TempDir,
    _config: watch::Sender<Arc<Config>>,
}

async fn bench() -> Bench {
    let (test, repository) = (sqlite(), Repository::new());
    let mut config = crate::config::sample::config();
    if let Some(configured) = config.repositories.get_mut("editor") {
        configured.url = repository.url();
    }
    let synced = config.clone();
    let work = move |conn: &mut _| sync::apply(conn, Time(1), &synced);
    test.db.tx("test", work).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let (sender, config) = watch::channel(Arc::new(config));
    let mirrors = Mirrors::new(home.path().to_owned());
    let clock = Clock::manual(Time::from_unix_seconds(1_000));
    let poller = Poller::new(&test.db, clock, Bells::default(), config, mirrors);
    Bench {
        test,
        repository,
        poller,
        _home: home,
        _config: sender,
    }
}

impl Bench {
    async fn poll(&self) {
        let config = self.poller.config.borrow().repositories["editor"].clone();
        let parts = self.poller.parts.clone();
        parts
            .poll("editor".to_owned(), config, CancellationToken::new())
            .await;
    }

    async fn heads(&self) -> Vec<Head> {
        let read = |conn: &mut _| {
            let id = repositories::id_by_name(conn, "editor")?;
            heads::list(conn, id)
        };
        self.test.db.read("test", read).await.unwrap()
    }

    /// Revision and position of the changes of a branch.
    async fn changes(&self, branch: &'static str) -> Vec<(String, i64)> {
        let read = move |conn: &mut _| {
            let id = repositories::id_by_name(conn, "editor")?;
            changes::of_branch_after(conn, id, branch, ChangeId(0))
        };
        let changes = self.test.db.read("test", read).await.unwrap();
        changes
            .into_iter()
            .map(|change| (change.revision, change.position))
            .collect()
    }
}

#[tokio::test]
async fn a_branch_is_recorded_once_and_then_what_it_gains() {
    let bench = bench().await;
    bench.repository.commit("one", &[("a", "1")]);
    let two = bench.repository.commit("two", &[("a", "2")]);
    bench.poll().await;
    bench.poll().await;
    assert_eq!(bench.changes("main").await, vec![(two.clone(), 2)]);
    let three = bench.repository.commit("three", &[("a", "3")]);
    let four = bench.repository.commit("four", &[("a", "4")]);
    bench.poll().await;
    let expected = vec![(two, 2), (three, 3), (four.clone(), 4)];
    assert_eq!(bench.changes("main").await, expected);
    let head = Head {
        branch: "main".to_owned(),
        revision: four,
        position: 4,
        gone: false,
    };
    assert_eq!(bench.heads().await, vec![head]);
}

#[tokio::test]
async fn after_a_forced_push_positions_still_rise() {
    let bench = bench().await;
    bench.repository.commit("one", &[("a", "1")]);
    let two = bench.repository.commit("two", &[("a", "2")]);
    bench.poll().await;
    bench
        .repository
        .git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let other = bench.repository.commit("other", &[("a", "3")]);
    bench.poll().await;
    assert_eq!(bench.changes("main").await, vec![(two, 2), (other, 3)]);
}

#[tokio::test]
async fn a_branch_that_comes_back_to_an_old_commit_has_changed_again() {
    let bench = bench().await;
    let one = bench.repository.commit("one", &[("a", "1")]);
    bench.poll().await;
    let two = bench.repository.commit("two", &[("a", "2")]);
    bench.poll().await;
    for revision in [&one, &two] {
        bench
            .repository
            .git(&["reset", "--quiet", "--hard", revision]);
        bench.poll().await;
        bench.poll().await;
    }
    let expected = vec![(one.clone(), 1), (two.clone(), 2), (one, 3), (two, 4)];
    assert_eq!(bench.changes("main").await, expected);
}

#[tokio::test]
async fn a_deleted_branch_is_gone_and_makes_room_for_one_below_its_name() {
    let bench = bench().await;
    let one = bench.repository.commit("one", &[("a", "1")]);
    bench.repository.git(&["branch", "topic"]);
    bench.poll().await;
    bench.repository.git(&["branch", "-D", "topic"]);
    bench.repository.git(&["branch", "topic/sub"]);
    bench.poll().await;
    let heads = bench.heads().await;
    let seen: Vec<(&str, bool)> = heads
        .iter()
        .map(|head| (head.branch.as_str(), head.gone))
        .collect();
    assert_eq!(
        seen,
        vec![("main", false), ("topic", true), ("topic/sub", false)]
    );
    assert_eq!(bench.changes("topic/sub").await, vec![(one, 1)]);
}

#[tokio::test]
async fn an_unreachable_repository_is_said_so_and_found_again() {
    let bench = bench().await;
    bench.repository.commit("one", &[("a", "1")]);
    let away = bench.repository.path().with_extension("away");
    std::fs::rename(bench.repository.path(), &away).unwrap();
    bench.poll().await;
    assert!(bench.heads().await.is_empty());
    std::fs::rename(&away, bench.repository.path()).unwrap();
    bench.poll().await;
    assert_eq!(bench.heads().await.len(), 1);
}

#[tokio::test]
async fn a_ring_asks_at_once_and_a_stop_ends_the_loop() {
    let bench = bench().await;
    let bells = bench.poller.parts.bells.clone();
    let mut events = bells.events.subscribe();
    bench.repository.commit("one", &[("a", "1")]);
    let stop = CancellationToken::new();
    let Bench {
        poller,
        repository,
        test,
        _home,
        _config,
    } = bench;
    let running = tokio::spawn(poller.run(stop.clone()));
    events.changed().await.unwrap();
    repository.commit("two", &[("a", "2")]);
    bells.poller.notify_one();
    tokio::time::timeout(Duration::from_secs(30), events.changed())
        .await
        .unwrap()
        .unwrap();
    stop.cancel();
    running.await.unwrap();
    drop(test);
}
