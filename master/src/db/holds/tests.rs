//! Keeping and lifting, also at once, on both engines.

use super::*;
use crate::db::products::tests::{recorded, sample};
use crate::db::products::{set_state, view};
use crate::db::tests::engines;
use crate::model::ProductState;

/// Makes the user `quinn`.
pub(crate) async fn user(db: &crate::db::Db) -> UserId {
    let insert = |conn: &mut Conn| {
        let id: i64 = diesel::insert_into(users::table)
            .values((
                users::name.eq("quinn"),
                users::role.eq("qa"),
                users::disabled.eq(false),
                users::created_at.eq(1),
            ))
            .returning(users::id)
            .get_result(conn)?;
        Ok(UserId(id))
    };
    db.tx("test", insert).await.unwrap()
}

#[tokio::test]
async fn a_hold_is_lifted_once_and_its_history_stays() {
    for test in engines() {
        let product = recorded(&test.db, vec![sample(1, 1, "1.0")]).await[0];
        let quinn = user(&test.db).await;
        let add = move |conn: &mut Conn| keep(conn, Time(3), product, quinn, "for QA", None);
        let hold = test.db.tx("test", add).await.unwrap();
        let all =
            |conn: &mut Conn| live(conn, Sight::Everything, Time(9), &HoldFilter::default(), 10);
        assert_eq!(test.db.read("test", all).await.unwrap().len(), 1);
        let end = move |conn: &mut Conn| lift(conn, Time(4), hold, quinn, "done");
        assert_eq!(test.db.tx("test", end).await.unwrap(), product);
        let again = test.db.tx("test", end).await.unwrap_err();
        assert!(matches!(again, DbError::Changed));
        let read = move |conn: &mut Conn| of_product(conn, product);
        let history = test.db.read("test", read).await.unwrap();
        assert_eq!(history.len(), 1);
        assert_eq!(history[0].owner, "quinn");
        assert_eq!(history[0].lifted_by.as_deref(), Some("quinn"));
        assert!(!history[0].is_live(Time(5)));
        assert!(test.db.read("test", all).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn keeping_and_collecting_at_once_end_one_after_the_other_and_never_both() {
    for test in engines() {
        let quinn = user(&test.db).await;
        let products = (1..=12).map(|n| sample(n, n, "1.0")).collect();
        for product in recorded(&test.db, products).await {
            let add = move |conn: &mut Conn| keep(conn, Time(3), product, quinn, "for QA", None);
            let collect =
                move |conn: &mut Conn| set_state(conn, product, 1, ProductState::Expired, "old");
            let (kept, collected) =
                tokio::join!(test.db.tx("keep", add), test.db.tx("collect", collect));
            assert_ne!(kept.is_ok(), collected.is_ok(), "{kept:?} {collected:?}");
            let read = move |conn: &mut Conn| view::find(conn, Time(5), product);
            let now = test.db.read("test", read).await.unwrap();
            assert_eq!(now.held, now.state == ProductState::Recorded);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_kept_nor_lifted() {
    for test in engines() {
        let quinn = user(&test.db).await;
        let add = move |conn: &mut Conn| keep(conn, Time(3), ProductId(77), quinn, "x", None);
        let error = test.db.tx("test", add).await.unwrap_err();
        assert!(matches!(error, DbError::NotFound));
        let end = move |conn: &mut Conn| lift(conn, Time(3), HoldId(77), quinn, "x");
        let error = test.db.tx("test", end).await.unwrap_err();
        assert!(matches!(error, DbError::NotFound));
    }
}
