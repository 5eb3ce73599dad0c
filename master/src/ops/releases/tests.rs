//! Releases from draft to end, with what applications are told on the way, on both engines.

use std::sync::Arc;

use super::*;
use crate::app::tests::{START, app};
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::{TestDb, engines, sql, sqlite};
use crate::db::{audit, events, users};
use crate::ids::UserId;
use crate::launches::Launches;
use crate::model::{Role, SignoffNeed};
use crate::ops::updates::{Asker, Feed, Reply, Told, ask};
use crate::ops::{branches, shutoffs, withdrawals};

const ERIN: Identity = Identity::Local { name: "erin" };

/// A master with products 1.0, 2.0 and 3.0 of one branch and target.
struct Stage {
    app: App,
    test: TestDb,
    ids: Vec<ProductId>,
    feed: Feed,
}

impl Stage {
    async fn new(test: TestDb) -> Self {
        let products = vec![
            sample(1, 1, "1.0"),
            sample(2, 2, "2.0"),
            sample(3, 3, "3.0"),
        ];
        let ids = recorded(&test.db, products).await;
        let app = app(test.db.clone());
        let shown = crate::ops::products::show(&app, &ERIN, ids[0])
            .await
            .unwrap();
        let feed = Feed {
            project: "editor".to_owned(),
            token: shown.product.feed,
            target: shown.product.target,
        };
        Self {
            app,
            test,
            ids,
            feed,
        }
    }

    async fn told(&self, version: Option<&str>) -> Reply {
        let asker = Asker {
            version: version.map(str::to_owned),
            ..Asker::default()
        };
        ask(&self.app, self.feed.clone(), asker).await.unwrap()
    }

    /// The version offered to an asker of this version; empty where none is.
    async fn offered(&self, version: Option<&str>) -> String {
        match self.told(version).await.answer {
            Told::Offer(offer) => offer.product.version,
            _ => String::new(),
        }
    }

    async fn prepare(&self, at: usize, percent: i64) -> ReleaseDetail {
        create(&self.app, &ERIN, wanted(self.ids[at], percent))
            .await
            .unwrap()
    }

    async fn step(&self, id: ReleaseId, what: Step) -> Result<ReleaseDetail> {
        step(&self.app, &ERIN, id, None, what).await
    }

    /// Prepares and begins.
    async fn release(&self, at: usize, percent: i64) -> ReleaseId {
        let id = self.prepare(at, percent).await.release.id;
        self.step(id, Step::Go).await.unwrap();
        id
    }

    async fn state(&self, at: usize) -> ProductState {
        let id = self.ids[at];
        let shown = crate::ops::products::show(&self.app, &ERIN, id).await;
        shown.unwrap().product.state
    }

    async fn user(&self, name: &'static str, role: Role) -> Identity {
        let insert = move |conn: &mut Conn| users::insert(conn, START, name, None, role, None);
        let id: UserId = self.test.db.tx("test", insert).await.unwrap();
        Identity::User {
            id,
            name: name.to_owned(),
            role,
        }
    }
}

fn wanted(product: ProductId, percent: i64) -> Preparation {
    Preparation {
        product,
        fallback: None,
        rollout_percent: percent,
        watershed: false,
        critical: false,
        override_reason: String::new(),
    }
}

#[tokio::test]
async fn a_branch_offers_builds_until_its_first_release_and_releases_from_then_on() {
    for test in engines() {
        let stage = Stage::new(test).await;
        assert_eq!(stage.offered(Some("1.0")).await, "3.0");
        let draft = stage.prepare(0, 100).await;
        assert_eq!(stage.state(0).await, ProductState::Candidate);
        assert_eq!(stage.offered(None).await, "3.0", "a draft offers nothing");
        let id = draft.release.id;
        let live = stage.step(id, Step::Go).await.unwrap();
        assert_eq!(live.release.state, ReleaseState::Live);
        assert_eq!(stage.state(0).await, ProductState::Released);
        assert_eq!(stage.offered(None).await, "1.0");
        // Who had a build that is newer keeps it.
        assert_eq!(stage.told(Some("3.0")).await.answer, Told::UpToDate);
        let again = stage.step(id, Step::Go).await.unwrap_err();
        assert!(matches!(again, Error::Conflict(_)), "{again}");
    }
}

#[tokio::test]
async fn the_next_release_supersedes_and_those_outside_stay_with_what_was_offered() {
    for test in engines() {
        let stage = Stage::new(test).await;
        let first = stage.release(0, 100).await;
        let second = stage.release(1, 0).await;
        let shown = show(&stage.app, &ERIN, first).await.unwrap().release;
        assert_eq!(shown.state, ReleaseState::Superseded);
        assert_eq!(stage.state(0).await, ProductState::Superseded);
        let shown = show(&stage.app, &ERIN, second).await.unwrap().release;
        assert_eq!(shown.fallback, Some(stage.ids[0]));
        assert_eq!(stage.offered(None).await, "1.0");
        // A third that begins while the second was for nobody falls back as far.
        let third = stage.release(2, 30).await;
        let shown = show(&stage.app, &ERIN, third).await.unwrap().release;
        assert_eq!(shown.fallback, Some(stage.ids[0]));
        let reply = stage.told(None).await;
        assert!(reply.is_private, "a rollout is under way");
        stage.step(third, Step::Rollout(100)).await.unwrap();
        let reply = stage.told(Some("1.0")).await;
        assert!(!reply.is_private);
        assert_eq!(stage.offered(Some("1.0")).await, "3.0");
        let low = stage.prepare(1, 100).await.release.id;
        let lower = stage.step(low, Step::Go).await.unwrap_err();
        assert!(lower.to_string().contains("roll that back"), "{lower}");
    }
}

#[tokio::test]
async fn what_is_paused_or_withdrawn_stays_with_those_who_have_it() {
    for test in engines() {
        let stage = Stage::new(test).await;
        stage.release(0, 100).await;
        let id = stage.release(1, 100).await;
        stage.step(id, Step::Pause("crashes".into())).await.unwrap();
        assert_eq!(stage.offered(None).await, "1.0");
        assert_eq!(stage.told(Some("2.0")).await.answer, Told::UpToDate);
        stage.step(id, Step::Resume).await.unwrap();
        assert_eq!(stage.offered(Some("1.0")).await, "2.0");
        let blank = stage.step(id, Step::Withdraw(" ".into())).await;
        assert!(matches!(blank, Err(Error::BadInput { .. })));
        let withdrawn = stage.step(id, Step::Withdraw("crashes".into())).await;
        assert_eq!(withdrawn.unwrap().release.state, ReleaseState::Withdrawn);
        assert_eq!(stage.offered(None).await, "1.0");
        assert_eq!(stage.told(Some("2.0")).await.answer, Told::UpToDate);
        assert_eq!(stage.state(1).await, ProductState::Superseded);
    }
}

#[tokio::test]
async fn a_rollback_moves_those_down_who_have_it_and_nobody_else() {
    for test in engines() {
        let stage = Stage::new(test).await;
        stage.release(0, 100).await;
        stage.release(1, 100).await;
        let bad = stage.release(2, 100).await;
        let to = |at: usize| Rollback {
            to: stage.ids[at],
            reason: "eats files".to_owned(),
            override_reason: String::new(),
        };
        let not_lower = rollback(&stage.app, &ERIN, bad, None, to(2)).await;
        assert!(matches!(not_lower, Err(Error::BadInput { .. })));
        let place = rollback(&stage.app, &ERIN, bad, None, to(0)).await.unwrap();
        assert_eq!(place.release.state, ReleaseState::Live);
        assert_eq!(place.release.rollback_of, Some(stage.ids[2]));
        assert_eq!(stage.offered(Some("3.0")).await, "1.0");
        assert_eq!(stage.offered(None).await, "1.0");
        assert_eq!(stage.told(Some("2.0")).await.answer, Told::UpToDate);
        let old = show(&stage.app, &ERIN, bad).await.unwrap().release;
        assert_eq!(old.state, ReleaseState::RolledBack);
        // What comes next takes everybody along again.
        stage.release(1, 100).await;
        assert_eq!(stage.offered(Some("1.0")).await, "2.0");
        assert_eq!(stage.offered(Some("3.0")).await, "2.0");
    }
}

#[tokio::test]
async fn nothing_begins_before_the_sign_offs_are_there_and_nobody_signs_twice_or_for_themselves() {
    let stage = Stage::new(sqlite()).await;
    let mut config = (*stage.app.config()).clone();
    let project = crate::config::resolved::Project {
        title: "Editor".to_owned(),
        signoffs: vec![
            SignoffNeed {
                role: Role::Qa,
                count: 1,
            },
            SignoffNeed {
                role: Role::Engineer,
                count: 1,
            },
        ],
        ..Default::default()
    };
    config.projects.insert("editor".to_owned(), project);
    let (_keep, receiver) = tokio::sync::watch::channel(Arc::new(config));
    let stage = Stage {
        app: App {
            config: receiver,
            ..stage.app.clone()
        },
        ..stage
    };
    let [maker, quinn, emil] = [
        stage.user("maker", Role::Engineer).await,
        stage.user("quinn", Role::Qa).await,
        stage.user("emil", Role::Engineer).await,
    ];
    let made = create(&stage.app, &maker, wanted(stage.ids[1], 100))
        .await
        .unwrap();
    let id = made.release.id;
    assert_eq!(made.signoffs_missing.len(), 2);
    let early = stage.step(id, Step::Go).await.unwrap_err().to_string();
    assert!(
        early.contains("sign-offs are missing: 1 of role qa"),
        "{early}"
    );
    let own = sign(&stage.app, &maker, id, None, "").await.unwrap_err();
    assert!(own.to_string().contains("somebody else"), "{own}");
    let above = sign(&stage.app, &quinn, id, Some(Role::Engineer), "").await;
    assert!(matches!(above, Err(Error::BadInput { .. })));
    sign(&stage.app, &quinn, id, None, "tried it")
        .await
        .unwrap();
    let twice = sign(&stage.app, &quinn, id, None, "").await.unwrap_err();
    assert!(twice.to_string().contains("before"), "{twice}");
    let machine = sign(&stage.app, &ERIN, id, None, "").await;
    assert!(matches!(machine, Err(Error::Unauthenticated(_))));
    let signed = sign(&stage.app, &emil, id, None, "").await.unwrap();
    assert!(signed.signoffs_missing.is_empty());
    stage.step(id, Step::Go).await.unwrap();
}

#[tokio::test]
async fn a_bad_product_is_released_with_a_reason_only() {
    let stage = Stage::new(sqlite()).await;
    let bad = stage.ids[1];
    let mark = move |conn: &mut Conn| {
        sql(
            conn,
            &format!("UPDATE products SET verdict = 'bad' WHERE id = {bad}"),
        )
    };
    let draft = stage.prepare(1, 100).await.release.id;
    stage.test.db.tx("test", mark).await.unwrap();
    // It became bad after it was prepared.
    let late = stage.step(draft, Step::Go).await.unwrap_err().to_string();
    assert!(late.contains("is bad"), "{late}");
    let refused = create(&stage.app, &ERIN, wanted(bad, 100))
        .await
        .unwrap_err();
    assert!(matches!(&refused, Error::BadInput { field, .. } if field == "override_reason"));
    let all_the_same = Preparation {
        override_reason: "the bug is older".to_owned(),
        ..wanted(bad, 100)
    };
    let made = create(&stage.app, &ERIN, all_the_same).await.unwrap();
    stage.step(made.release.id, Step::Go).await.unwrap();
    assert_eq!(stage.offered(None).await, "2.0");
}

#[tokio::test]
async fn a_guard_that_does_not_fit_changes_nothing_and_every_write_is_noted() {
    let stage = Stage::new(sqlite()).await;
    let id = stage.release(0, 50).await;
    let now = show(&stage.app, &ERIN, id)
        .await
        .unwrap()
        .release
        .row_version;
    let stale = step(&stage.app, &ERIN, id, Some(now - 1), Step::Rollout(60)).await;
    assert!(matches!(stale, Err(Error::Stale(_))));
    let done = step(&stage.app, &ERIN, id, Some(now), Step::Rollout(60)).await;
    assert_eq!(done.unwrap().release.rollout_percent, 60);
    let wrong = stage.step(id, Step::Rollout(101)).await;
    assert!(matches!(wrong, Err(Error::BadInput { .. })));
    let written = stage.test.db.read("test", |conn| {
        Ok((audit::newest(conn, None)?, events::after(conn, 0)?))
    });
    let (audit, events) = written.await.unwrap();
    let actions: Vec<_> = audit.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["release.rollout", "release.go", "release.create"]);
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds[3..],
        ["release.created", "release.live", "release.rollout"]
    );
    assert!(
        events
            .iter()
            .skip(3)
            .all(|event| event.product == Some(stage.ids[0]))
    );
}

#[tokio::test]
async fn a_scheduled_release_begins_at_its_time_or_says_why_not() {
    for test in engines() {
        let stage = Stage::new(test).await;
        let launches = Launches::new(
            &stage.test.db,
            stage.app.clock.clone(),
            stage.app.bells.clone(),
        );
        let minute = std::time::Duration::from_secs(60);
        let (first, second) = (stage.prepare(0, 100).await, stage.prepare(1, 100).await);
        let (first, second) = (first.release.id, second.release.id);
        let past = stage.step(first, Step::Schedule(START)).await;
        assert!(matches!(past, Err(Error::BadInput { .. })));
        let at = START.after(minute);
        stage.step(first, Step::Schedule(at)).await.unwrap();
        let later = START.after(2 * minute);
        stage.step(second, Step::Schedule(later)).await.unwrap();
        assert_eq!(launches.round().await.unwrap(), Some(at));
        assert_eq!(stage.offered(None).await, "3.0");
        stage.app.clock.advance(minute);
        assert_eq!(launches.round().await.unwrap(), Some(later));
        assert_eq!(stage.offered(None).await, "1.0");
        withdrawals::withdraw(&stage.app, &ERIN, stage.ids[1], None, "broken")
            .await
            .unwrap();
        let ended = show(&stage.app, &ERIN, second).await.unwrap().release;
        assert_eq!(ended.state, ReleaseState::Withdrawn);
        let third = stage.prepare(2, 100).await.release.id;
        stage.step(third, Step::Schedule(later)).await.unwrap();
        let high = stage.ids[2];
        let expire = move |conn: &mut Conn| {
            sql(
                conn,
                &format!("UPDATE products SET verdict = 'bad' WHERE id = {high}"),
            )
        };
        stage.test.db.tx("test", expire).await.unwrap();
        stage.app.clock.advance(minute);
        launches.round().await.unwrap();
        let back = show(&stage.app, &ERIN, third).await.unwrap().release;
        assert_eq!(back.state, ReleaseState::Draft);
        assert!(
            back.state_reason.contains("is bad"),
            "{}",
            back.state_reason
        );
        assert_eq!(stage.offered(None).await, "1.0");
    }
}

#[tokio::test]
async fn a_withdrawn_product_is_never_offered_and_can_come_back() {
    for test in engines() {
        let stage = Stage::new(test).await;
        let newest = stage.ids[2];
        let stale = withdrawals::withdraw(&stage.app, &ERIN, newest, Some(99), "broken").await;
        assert!(matches!(stale, Err(Error::Stale(_))));
        withdrawals::withdraw(&stage.app, &ERIN, newest, None, "broken")
            .await
            .unwrap();
        assert_eq!(stage.offered(Some("1.0")).await, "2.0");
        let refused = create(&stage.app, &ERIN, wanted(newest, 100)).await;
        assert!(matches!(refused, Err(Error::Conflict(_))));
        withdrawals::reinstate(&stage.app, &ERIN, newest, None, "it was not")
            .await
            .unwrap();
        assert_eq!(stage.offered(Some("1.0")).await, "3.0");
        let twice = withdrawals::reinstate(&stage.app, &ERIN, newest, None, "again").await;
        assert!(matches!(twice, Err(Error::Conflict(_))));
    }
}

#[tokio::test]
async fn a_shut_off_stops_all_feeds_at_once_until_it_is_lifted() {
    for test in engines() {
        let stage = Stage::new(test).await;
        let off = shutoffs::shut_off(&stage.app, &ERIN, "editor", None, "bad updater").await;
        let off = off.unwrap();
        let told = stage.told(Some("1.0")).await.answer;
        assert!(matches!(&told, Told::ShutOff { reason } if reason == "bad updater"));
        let twice = shutoffs::shut_off(&stage.app, &ERIN, "editor", None, "again").await;
        assert!(matches!(twice, Err(Error::Conflict(_))));
        let unknown = shutoffs::shut_off(&stage.app, &ERIN, "editor", Some("none"), "x").await;
        assert!(matches!(unknown, Err(Error::BadInput { .. })));
        shutoffs::lift(&stage.app, &ERIN, off.id).await.unwrap();
        assert_eq!(stage.offered(Some("1.0")).await, "3.0");
        let branch = shutoffs::shut_off(&stage.app, &ERIN, "editor", Some("main"), "x").await;
        assert_eq!(branch.unwrap().branch.as_deref(), Some("main"));
        assert!(matches!(
            stage.told(None).await.answer,
            Told::ShutOff { .. }
        ));
    }
}

#[tokio::test]
async fn a_branch_that_follows_another_answers_what_that_offers_and_never_goes_round() {
    for test in engines() {
        let stage = Stage::new(test).await;
        let mut other = sample(9, 1, "9.0");
        other.branch = "next".to_owned();
        recorded(&stage.test.db, vec![other]).await;
        let all = branches::list(&stage.app, &ERIN, Default::default())
            .await
            .unwrap();
        let id = |name: &str| all.items.iter().find(|one| one.name == name).unwrap().id;
        let (main, next) = (id("main"), id("next"));
        branches::follow(&stage.app, &ERIN, main, Some("next"))
            .await
            .unwrap();
        assert_eq!(stage.offered(Some("3.0")).await, "9.0");
        let round = branches::follow(&stage.app, &ERIN, next, Some("main")).await;
        assert!(matches!(round, Err(Error::BadInput { .. })));
        let own = branches::follow(&stage.app, &ERIN, next, Some("next")).await;
        assert!(matches!(own, Err(Error::BadInput { .. })));
        let off = shutoffs::shut_off(&stage.app, &ERIN, "editor", Some("next"), "x").await;
        assert!(matches!(
            stage.told(None).await.answer,
            Told::ShutOff { .. }
        ));
        shutoffs::lift(&stage.app, &ERIN, off.unwrap().id)
            .await
            .unwrap();
        branches::follow(&stage.app, &ERIN, main, None)
            .await
            .unwrap();
        assert_eq!(stage.offered(Some("1.0")).await, "3.0");
    }
}
