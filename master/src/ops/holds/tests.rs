//! Who may keep and lift, what is written down, and what is refused.

use super::*;
use crate::app::tests::{START, app};
use crate::db::holds::tests::user;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::sqlite;
use crate::model::Role;
use crate::ops::products;

fn quinn(id: UserId, role: Role) -> Identity {
    let name = "quinn".to_owned();
    Identity::User { id, name, role }
}

#[tokio::test]
async fn a_kept_product_says_so_until_it_is_lifted_and_both_are_written_down() {
    let test = sqlite();
    let id = recorded(&test.db, vec![sample(1, 1, "1.0"), sample(2, 2, "1.1")]).await[0];
    let quinn = quinn(user(&test.db).await, Role::Qa);
    let app = app(test.db.clone());
    let until = START.after(Duration::from_secs(60));
    let hold = keep(&app, &quinn, id, " for QA ", Some(until))
        .await
        .unwrap();
    assert_eq!(
        (hold.reason.as_str(), hold.owner.as_str()),
        ("for QA", "quinn")
    );
    let shown = products::show(&app, &quinn, id).await.unwrap();
    assert!(shown.product.held);
    assert_eq!(
        shown.why_kept,
        [
            "quinn keeps it since 2026-01-02 03:04 UTC until 2026-01-02 03:05 UTC: for QA",
            "no [retention.NAME] is about its project and branch"
        ]
    );
    lift(&app, &quinn, hold.id, "shipped").await.unwrap();
    let again = lift(&app, &quinn, hold.id, "shipped").await.unwrap_err();
    assert!(matches!(again, Error::Conflict(_)), "{again}");
    let shown = products::show(&app, &quinn, id).await.unwrap();
    assert_eq!(shown.why_kept.len(), 1, "{:?}", shown.why_kept);
    assert_eq!(shown.holds[0].lift_reason.as_deref(), Some("shipped"));
    let written = test.db.read("test", |conn| {
        let audit = audit::newest(conn, None)?;
        let events = events::after(conn, 0)?;
        Ok((audit, events))
    });
    let (audit, events) = written.await.unwrap();
    let actions: Vec<_> = audit.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["product.lift", "product.keep"]);
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds[2..], ["product.kept", "product.lifted"]);
}

#[tokio::test]
async fn who_may_not_keep_is_refused_and_a_known_one_is_written_down() {
    let test = sqlite();
    let id = recorded(&test.db, vec![sample(1, 1, "1.0")]).await[0];
    let viewer = quinn(user(&test.db).await, Role::Viewer);
    let app = app(test.db.clone());
    let nobody = Identity::Anonymous { may_read: true };
    let error = keep(&app, &nobody, id, "x", None).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated(_)));
    let error = keep(&app, &viewer, id, "x", None).await.unwrap_err();
    assert!(matches!(error, Error::Forbidden(_)));
    let cli = Identity::Local { name: "cli" };
    let error = keep(&app, &cli, id, "x", None).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated(_)));
    let audit = test.db.read("test", |conn| audit::newest(conn, None)).await;
    let audit = audit.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(audit[0].outcome, AuditOutcome::Refused);
}

#[tokio::test]
async fn a_hold_needs_a_reason_and_an_end_that_is_to_come() {
    let test = sqlite();
    let id = recorded(&test.db, vec![sample(1, 1, "1.0")]).await[0];
    let quinn = quinn(user(&test.db).await, Role::Qa);
    let app = app(test.db.clone());
    let far = START.after(UNTIL_MAX).after(Duration::from_secs(1));
    let long = "x".repeat(1_001);
    for (reason, until, field) in [
        ("", None, "reason"),
        (" \n ", None, "reason"),
        ("a\0b", None, "reason"),
        (long.as_str(), None, "reason"),
        ("why", Some(START), "until"),
        ("why", Some(far), "until"),
    ] {
        let error = keep(&app, &quinn, id, reason, until).await.unwrap_err();
        assert!(
            matches!(&error, Error::BadInput { field: f, .. } if f == field),
            "{error}"
        );
    }
    let missing = keep(&app, &quinn, ProductId(99), "why", None).await;
    assert!(matches!(missing.unwrap_err(), Error::NotFound(_)));
}
