//! What a verdict needs, and what is refused.

use super::*;
use crate::app::tests::app;
use crate::db::holds::tests::user;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::sqlite;
use crate::model::Role;
use crate::ops::products;

fn bad() -> NewJudgement {
    NewJudgement {
        verdict: Verdict::Bad,
        comment: " it falls over ".to_owned(),
        bug: None,
        checklist: Vec::new(),
    }
}

#[test]
fn a_bad_verdict_needs_a_bug_where_the_project_says_so_and_a_bug_is_an_address() {
    let strict = Project {
        title: "Editor".to_owned(),
        bad_needs_bug: true,
        checklist: vec!["installs".to_owned(), "starts".to_owned()],
        ..Project::default()
    };
    assert!(checked(bad(), None).is_ok());
    assert!(checked(bad(), Some(&strict)).is_err());
    for (bug, is_fine) in [
        ("https://bugs.example/7", true),
        ("http://bugs.example/7", true),
        ("javascript:alert(1)", false),
        ("https://", false),
        ("https:///x", false),
        ("bugs.example/7", false),
        ("https://bugs.example/7 8", false),
    ] {
        let bug = Some(bug.to_owned());
        let new = NewJudgement {
            bug: bug.clone(),
            ..bad()
        };
        assert_eq!(checked(new, Some(&strict)).is_ok(), is_fine, "{bug:?}");
    }
    let ticked = |items: &[&str]| NewJudgement {
        verdict: Verdict::Good,
        checklist: items.iter().map(|item| (*item).to_owned()).collect(),
        ..bad()
    };
    let both = checked(ticked(&["starts", "installs"]), Some(&strict)).unwrap();
    assert_eq!(both.checklist, ["installs", "starts"]);
    assert_eq!(both.comment, "it falls over");
    assert!(checked(ticked(&["flies"]), Some(&strict)).is_err());
}

#[tokio::test]
async fn a_verdict_shows_on_the_product_with_its_label_and_in_the_audit_trail() {
    let test = sqlite();
    let id = recorded(&test.db, vec![sample(1, 1, "1.0")]).await[0];
    let user = user(&test.db).await;
    let as_role = |role| Identity::User {
        id: user,
        name: "quinn".to_owned(),
        role,
    };
    let app = app(test.db.clone());
    let refused = judge(&app, &as_role(Role::Viewer), id, bad()).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    let quinn = as_role(Role::Qa);
    let good = NewJudgement {
        verdict: Verdict::Good,
        ..bad()
    };
    judge(&app, &quinn, id, good).await.unwrap();
    let shown = products::show(&app, &quinn, id).await.unwrap();
    assert_eq!(shown.product.verdict, Verdict::Good);
    assert_eq!(shown.labels[0].label, labels::LAST_GOOD);
    let read = |conn: &mut Conn| Ok((audit::newest(conn, None)?, events::after(conn, 0)?));
    let (rows, all) = test.db.read("test", read).await.unwrap();
    assert!(rows.iter().any(|row| row.action == "product.judge"
        && row.outcome == AuditOutcome::Done
        && row.detail.contains("it falls over")));
    assert!(all.iter().any(|event| event.kind == "product.judged"));
}
