//! Who may collect, what is written down, and when there is no room.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::*;
use crate::app::tests::{START, app};
use crate::config::Config;
use crate::config::collecting::Retention;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::sqlite;
use crate::db::{audit, events};
use crate::ids::PlanId;
use crate::model::{PlanState, Role};

fn with(app: &mut App, change: impl FnOnce(&mut Config)) {
    let mut config = (*app.config()).clone();
    config.retention = BTreeMap::from([(
        "default".to_owned(),
        Retention {
            keep_newest: 1,
            keep_newest_good: 0,
            ..Retention::default()
        },
    )]);
    change(&mut config);
    app.config = watch::channel(Arc::new(config)).1;
}

const CLI: Identity = Identity::Local { name: "cli" };

#[tokio::test]
async fn a_product_is_collected_and_restored_with_a_reason_and_the_newest_never_goes() {
    let test = sqlite();
    let ids = recorded(&test.db, vec![sample(1, 1, "1.0"), sample(2, 2, "1.1")]).await;
    let mut app = app(test.db.clone());
    with(&mut app, |_| {});
    let viewer = Identity::User {
        id: crate::db::holds::tests::user(&test.db).await,
        name: "quinn".to_owned(),
        role: Role::Qa,
    };
    let refused = collect(&app, &viewer, ids[0], None, "x").await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)));
    let empty = collect(&app, &CLI, ids[0], None, " ").await.unwrap_err();
    assert!(matches!(empty, Error::BadInput { .. }));
    let newest = collect(&app, &CLI, ids[1], None, "x").await.unwrap_err();
    assert!(newest.to_string().contains("newest"), "{newest}");
    let stale = collect(&app, &CLI, ids[0], Some(9), "x").await.unwrap_err();
    assert!(matches!(stale, Error::Stale(_)));
    collect(&app, &CLI, ids[0], Some(1), "too big")
        .await
        .unwrap();
    let told = why(&app, &CLI, ids[0]).await.unwrap();
    assert!(told.fate.contains("in the trash until"), "{told:?}");
    assert_eq!(in_trash(&app, &CLI, None).await.unwrap().items.len(), 1);
    restore(&app, &CLI, ids[0], None, "needed").await.unwrap();
    let again = restore(&app, &CLI, ids[0], None, "needed")
        .await
        .unwrap_err();
    assert!(matches!(again, Error::Conflict(_)));
    let written = test.db.read("test", |conn| audit::newest(conn, None)).await;
    let actions: Vec<String> = written.unwrap().into_iter().map(|row| row.action).collect();
    let expected = ["product.restore", "product.collect", "product.collect"];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn a_plan_is_made_and_applied_by_its_number_once() {
    let test = sqlite();
    recorded(&test.db, vec![sample(1, 1, "1.0"), sample(2, 2, "1.1")]).await;
    let mut app = app(test.db.clone());
    let none = make(&app, &CLI, false).await.unwrap_err();
    assert!(none.to_string().contains("everything is kept"), "{none}");
    with(&mut app, |_| {});
    let dry = make(&app, &CLI, true).await.unwrap();
    assert_eq!((dry.plan, dry.products_total), (None, 1));
    let id = make(&app, &CLI, false).await.unwrap().plan.unwrap();
    assert_eq!(items(&app, &CLI, id, None).await.unwrap().items.len(), 1);
    assert!(plan(&app, &CLI, id).await.unwrap().latest.is_empty());
    let started = apply(&app, &CLI, id).await.unwrap();
    assert_eq!(started.state, PlanState::Applying);
    assert!(matches!(
        apply(&app, &CLI, id).await,
        Err(Error::Conflict(_))
    ));
    let done = apply_here(&app, &CLI, id).await.unwrap();
    assert_eq!(done.state, PlanState::Applied);
    assert_eq!(list(&app, &CLI, None).await.unwrap().items.len(), 1);
    let missing = plan(&app, &CLI, PlanId(99)).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound(_)));
}

#[tokio::test]
async fn what_does_not_fit_into_a_quota_is_refused_and_told_once_a_day() {
    let test = sqlite();
    recorded(&test.db, vec![sample(1, 1, "1.0")]).await;
    let mut app = app(test.db.clone());
    has_room(&app, "editor", u64::MAX).await.unwrap();
    with(&mut app, |config| config.master.collecting.quota = Some(10));
    has_room(&app, "editor", 7).await.unwrap();
    for _ in 0..2 {
        let full = has_room(&app, "editor", 8).await.unwrap_err();
        assert!(matches!(full, Error::NoRoom(_)), "{full}");
    }
    let all = test
        .db
        .read("test", |conn| events::after(conn, 0))
        .await
        .unwrap();
    let told = all.iter().filter(|event| event.kind == "store.full");
    assert_eq!(told.count(), 1);
    let shown = show(&app, &CLI).await.unwrap();
    assert_eq!((shown.bytes, shown.quota), (3, Some(10)));
    assert_eq!(START, app.clock.now());
}
