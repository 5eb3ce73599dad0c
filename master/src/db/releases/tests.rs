//! Rows of releases, on both engines; the whole way of one is tested with the operations.

use super::*;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::engines;

fn draft(product: ProductId, branch: BranchId) -> NewRelease {
    NewRelease {
        branch,
        target: "x86_64-linux".to_owned(),
        product,
        fallback: None,
        rollback_of: None,
        rollout_percent: 100,
        salt: "salt".to_owned(),
        watershed: true,
        critical: true,
        override_reason: String::new(),
        signoffs_needed: Vec::new(),
        created_by: "erin".to_owned(),
    }
}

#[tokio::test]
async fn of_two_that_change_a_release_at_once_one_is_told() {
    for test in engines() {
        let product = recorded(&test.db, vec![sample(1, 1, "1.0")]).await[0];
        let make = move |conn: &mut Conn| {
            let branch = products::branch(conn, product)?;
            let id = insert(conn, Time(5), &draft(product, branch))?;
            find(conn, id)
        };
        let seen = test.db.tx("test", make).await.unwrap();
        assert!(seen.watershed && seen.critical);
        assert_eq!(seen.product_state, ProductState::Candidate);
        let change = |percent| {
            let seen = seen.clone();
            move |conn: &mut Conn| set_percent(conn, &seen, percent)
        };
        test.db.tx("test", change(10)).await.unwrap();
        let second = test.db.tx("test", change(20)).await.unwrap_err();
        assert!(matches!(second, DbError::Changed));
    }
}

#[tokio::test]
async fn a_draft_that_is_given_up_leaves_its_product_as_it_was() {
    for test in engines() {
        let product = recorded(&test.db, vec![sample(1, 1, "1.0")]).await[0];
        let work = move |conn: &mut Conn| {
            let branch = products::branch(conn, product)?;
            let one = insert(conn, Time(5), &draft(product, branch))?;
            let two = insert(conn, Time(5), &draft(product, branch))?;
            let (one, two) = (find(conn, one)?, find(conn, two)?);
            finish(conn, Time(6), &one, ReleaseState::Withdrawn, "no")?;
            let between = products::standing(conn, product)?.state;
            finish(conn, Time(6), &two, ReleaseState::Withdrawn, "no")?;
            Ok((between, products::standing(conn, product)?.state))
        };
        let (between, after) = test.db.tx("test", work).await.unwrap();
        assert_eq!(between, ProductState::Candidate);
        assert_eq!(after, ProductState::Recorded);
    }
}

#[test]
fn what_has_ended_never_begins_again() {
    for state in ReleaseState::ALL {
        assert!(!ReleaseState::Withdrawn.may_become(*state));
        assert!(!ReleaseState::RolledBack.may_become(*state));
        assert!(!state.may_become(ReleaseState::Draft) || *state == ReleaseState::Scheduled);
        assert!(!state.may_become(*state), "{state}");
    }
}
