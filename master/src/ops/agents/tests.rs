//! Keys of agents and pausing.

use super::*;
use crate::app::tests::app;
use crate::db::tests::engines;
use crate::model::Role;

const CLI: Identity = Identity::Local { name: "cli" };

#[tokio::test]
async fn a_key_is_shown_once_and_the_one_before_stays_valid() {
    for test in engines() {
        let app = app(test.db.clone());
        let first = add(&app, &CLI, "linux-1").await.unwrap();
        assert!(first.starts_with("wlk1_"), "{first}");
        let second = add(&app, &CLI, "linux-1").await.unwrap();
        assert_ne!(first, second);
        let keys = app.db.read("keys", |conn| agents::keys(conn, "linux-1"));
        let keys = keys.await.unwrap().unwrap().hex;
        assert_eq!(keys.len(), 2);
        assert!(!keys.contains(&first) && !keys.contains(&second));
    }
}

#[tokio::test]
async fn only_an_administrator_makes_keys_and_pauses() {
    let test = crate::db::tests::sqlite();
    let app = app(test.db.clone());
    add(&app, &CLI, "linux-1").await.unwrap();
    let engineer = Identity::User {
        id: crate::ids::UserId(1),
        name: "ann".to_owned(),
        role: Role::Engineer,
    };
    assert!(matches!(
        add(&app, &engineer, "x").await,
        Err(Error::Forbidden(_))
    ));
    assert!(set_paused(&app, &engineer, "linux-1", true).await.is_err());
    set_paused(&app, &CLI, "linux-1", true).await.unwrap();
    assert!(show(&app, &CLI, "linux-1").await.unwrap().paused);
    assert!(matches!(
        add(&app, &CLI, "a b").await,
        Err(Error::BadInput { .. })
    ));
}
