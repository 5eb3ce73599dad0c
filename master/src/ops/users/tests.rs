//! Users: who may add them, and what is refused.

use super::*;
use crate::app::tests::app;
use crate::db::tests::engines;

const CLI: Identity = Identity::Local { name: "cli" };

fn new(name: &str, role: Role, password: Option<&str>) -> NewUser {
    NewUser {
        name: name.to_owned(),
        email: None,
        role,
        password: password.map(str::to_owned),
    }
}

#[tokio::test]
async fn only_an_administrator_adds_users_and_refusals_are_audited() {
    for test in engines() {
        let app = app(test.db.clone());
        let id = add(&app, &CLI, new("qa", Role::Qa, None)).await.unwrap();
        let (name, role) = ("qa".to_owned(), Role::Qa);
        let qa = Identity::User { id, name, role };
        let refused = add(&app, &qa, new("bob", Role::Admin, None)).await;
        assert!(matches!(refused, Err(Error::Forbidden("administer"))));
        let anonymous = Identity::Anonymous { may_read: true };
        let refused = add(&app, &anonymous, new("bob", Role::Admin, None)).await;
        assert!(matches!(refused, Err(Error::Unauthenticated("administer"))));
        let rows = crate::ops::audit::list(&app, &CLI, None).await.unwrap();
        let told: Vec<_> = rows
            .items
            .iter()
            .map(|row| (row.actor.as_str(), row.object_id.as_str(), row.outcome))
            .collect();
        let expected = [
            ("qa", "bob", AuditOutcome::Refused),
            ("cli", "qa", AuditOutcome::Done),
        ];
        assert_eq!(told, expected);
        assert_eq!(list(&app, &CLI).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let test = crate::db::tests::sqlite();
    let app = app(test.db.clone());
    let refusal = async |user: NewUser| add(&app, &CLI, user).await.unwrap_err().to_string();
    let text = refusal(new("a b", Role::Qa, None)).await;
    assert!(text.starts_with("name: `a b` is not a name"), "{text}");
    let text = refusal(new("ann", Role::Qa, Some("short"))).await;
    assert!(text.starts_with("password: too short"), "{text}");
    let mut user = new("ann", Role::Qa, None);
    user.email = Some("x@y\r\nBcc: z@z".to_owned());
    let text = refusal(user).await;
    assert!(text.starts_with("email: expected"), "{text}");
    add(&app, &CLI, new("ann", Role::Qa, None)).await.unwrap();
    let text = refusal(new("ann", Role::Qa, None)).await;
    assert!(text.starts_with("name: there is a user `ann`"), "{text}");
}

#[tokio::test]
async fn nobody_takes_their_own_rights_away() {
    let test = crate::db::tests::sqlite();
    let app = app(test.db.clone());
    let id = add(&app, &CLI, new("ann", Role::Admin, None))
        .await
        .unwrap();
    let (name, role) = ("ann".to_owned(), Role::Admin);
    let ann = Identity::User { id, name, role };
    assert!(set_role(&app, &ann, "ann", Role::Qa, false).await.is_err());
    assert!(set_role(&app, &CLI, "ann", Role::Qa, true).await.is_ok());
    let unknown = set_role(&app, &CLI, "bob", Role::Qa, true).await;
    assert_eq!(unknown.unwrap_err().to_string(), "there is no user `bob`");
}
