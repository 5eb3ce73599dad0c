//! Logging in: right, wrong, too often, too late.

use super::*;
use crate::app::tests::app;
use crate::db::tests::{engines, sqlite};
use crate::model::Role;
use crate::ops::users::{self as user_ops, NewUser};

const CLI: Identity = Identity::Local { name: "cli" };
const PASSWORD: &str = "correct horse battery";

async fn add_ann(app: &App) {
    let ann = NewUser {
        name: "ann".to_owned(),
        email: None,
        role: Role::Qa,
        password: Some(PASSWORD.to_owned()),
    };
    user_ops::add(app, &CLI, ann).await.unwrap();
}

#[tokio::test]
async fn a_login_opens_a_session_that_logout_ends() {
    for test in engines() {
        let app = app(test.db.clone());
        add_ann(&app).await;
        let login = login(&app, "ann", PASSWORD, "::1").await.unwrap();
        let seen = lookup(&app, &login.secret).await.unwrap();
        assert_eq!(seen, Some(login.identity));
        logout(&app, &login.secret).await.unwrap();
        assert_eq!(lookup(&app, &login.secret).await.unwrap(), None);
        assert_eq!(lookup(&app, "no such").await.unwrap(), None);
    }
}

#[tokio::test]
async fn unknown_name_and_wrong_password_read_the_same_and_are_audited() {
    let test = sqlite();
    let app = app(test.db.clone());
    add_ann(&app).await;
    let refused = async |name: &str, password: &str| {
        let outcome = login(&app, name, password, "::1").await;
        outcome.err().map(|error| error.to_string())
    };
    let wrong = refused("ann", "wrong horse battery").await;
    assert_eq!(wrong, refused("bob", PASSWORD).await);
    assert_eq!(wrong, refused("b\0b", PASSWORD).await);
    assert!(wrong.unwrap().contains("the name or the password is wrong"));
    let rows = crate::ops::audit::list(&app, &CLI, None).await.unwrap();
    let refusals = rows
        .items
        .iter()
        .filter(|row| row.outcome == AuditOutcome::Refused);
    assert_eq!(refusals.count(), 3);
}

#[tokio::test]
async fn the_eleventh_wrong_try_waits_a_minute_even_with_the_right_password() {
    let test = sqlite();
    let app = app(test.db.clone());
    add_ann(&app).await;
    for _ in 0..crate::auth::TRIES_MAX {
        let wrong = login(&app, "ann", "wrong horse battery", "::1").await;
        assert!(matches!(wrong, Err(Error::BadInput { .. })));
    }
    let locked = login(&app, "ann", PASSWORD, "::1").await;
    assert!(matches!(locked, Err(Error::TooOften(_))));
    assert!(login(&app, "ann", PASSWORD, "::2").await.is_ok());
    app.clock.advance(Duration::from_secs(60));
    assert!(login(&app, "ann", PASSWORD, "::1").await.is_ok());
}

#[tokio::test]
async fn an_idle_and_an_old_session_end_and_a_disabled_user_is_out() {
    let test = sqlite();
    let app = app(test.db.clone());
    add_ann(&app).await;
    let day = Duration::from_secs(24 * 3_600);
    let used = login(&app, "ann", PASSWORD, "::1").await.unwrap().secret;
    let idle = login(&app, "ann", PASSWORD, "::1").await.unwrap().secret;
    for _ in 0..3 {
        app.clock.advance(9 * day);
        assert!(lookup(&app, &used).await.unwrap().is_some());
    }
    assert_eq!(lookup(&app, &idle).await.unwrap(), None);
    app.clock.advance(4 * day);
    assert_eq!(lookup(&app, &used).await.unwrap(), None);
    let fresh = login(&app, "ann", PASSWORD, "::1").await.unwrap().secret;
    user_ops::set_role(&app, &CLI, "ann", Role::Qa, true)
        .await
        .unwrap();
    assert_eq!(lookup(&app, &fresh).await.unwrap(), None);
    assert!(login(&app, "ann", PASSWORD, "::1").await.is_err());
}
