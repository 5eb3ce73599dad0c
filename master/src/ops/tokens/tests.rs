//! Tokens never do more than their user, and end when they should.

use super::*;
use crate::app::tests::app;
use crate::db::tests::{engines, sqlite};
use crate::ops::users::NewUser;

const CLI: Identity = Identity::Local { name: "cli" };

async fn add(app: &App, name: &str, role: Role) -> Identity {
    let user = NewUser {
        name: name.to_owned(),
        email: None,
        role,
        password: None,
    };
    let id = users::add(app, &CLI, user).await.unwrap();
    let name = name.to_owned();
    Identity::User { id, name, role }
}

fn wish(user: &str, role: Option<Role>) -> NewToken {
    NewToken {
        user: user.to_owned(),
        name: "ci".to_owned(),
        role,
        expires_at: None,
    }
}

#[tokio::test]
async fn a_token_is_never_above_its_user_even_when_the_user_sinks() {
    for test in engines() {
        let app = app(test.db.clone());
        let ann = add(&app, "ann", Role::Engineer).await;
        let above = create(&app, &ann, wish("ann", Some(Role::Admin))).await;
        let text = above.err().unwrap().to_string();
        assert_eq!(
            text,
            "role: `admin` is above what is allowed here: `engineer` at most"
        );
        let made = create(&app, &ann, wish("ann", None)).await.unwrap();
        assert_eq!(lookup(&app, &made.secret).await.unwrap(), Some(ann.clone()));
        let sink = users::set_role(&app, &CLI, "ann", Role::Viewer, false);
        sink.await.unwrap();
        let Some(Identity::User { role, .. }) = lookup(&app, &made.secret).await.unwrap() else {
            panic!("the token is still valid");
        };
        assert_eq!(role, Role::Viewer);
        revoke(&app, &ann, made.id).await.unwrap();
        assert_eq!(lookup(&app, &made.secret).await.unwrap(), None);
        assert!(matches!(
            revoke(&app, &ann, made.id).await,
            Err(Error::Conflict(_))
        ));
    }
}

#[tokio::test]
async fn nobody_makes_or_revokes_the_token_of_another() {
    let test = sqlite();
    let app = app(test.db.clone());
    let ann = add(&app, "ann", Role::Engineer).await;
    let bob = add(&app, "bob", Role::Engineer).await;
    assert!(create(&app, &bob, wish("ann", None)).await.is_err());
    let made = create(&app, &ann, wish("ann", None)).await.unwrap();
    assert!(matches!(
        revoke(&app, &bob, made.id).await,
        Err(Error::Forbidden(_))
    ));
    assert!(list(&app, &bob, Some("ann")).await.is_err());
    assert!(list(&app, &bob, None).await.is_err());
    assert_eq!(list(&app, &ann, Some("ann")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_low_token_makes_no_higher_one_and_an_old_one_ends() {
    let test = sqlite();
    let app = app(test.db.clone());
    let ann = add(&app, "ann", Role::Admin).await;
    let mut new = wish("ann", Some(Role::Qa));
    new.expires_at = Some(app.clock.now().after(Duration::from_secs(60)));
    let low = create(&app, &ann, new.clone()).await.unwrap().secret;
    let as_low = lookup(&app, &low).await.unwrap().unwrap();
    let higher = create(&app, &as_low, wish("ann", Some(Role::Admin))).await;
    assert!(matches!(higher, Err(Error::BadInput { .. })));
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(lookup(&app, &low).await.unwrap(), None);
    let late = create(&app, &ann, new).await.err().unwrap().to_string();
    assert_eq!(late, "expires: this moment is over: choose a later one");
}
