//! Users, sessions and tokens on both engines.

use std::time::Duration;

use super::*;
use crate::db::tests::engines;
use crate::db::{DbError, sessions, tokens};

#[tokio::test]
async fn a_user_name_is_taken_once() {
    for test in engines() {
        let add = |conn: &mut Conn| insert(conn, Time(1), "ann", None, Role::Qa, Some("hash"));
        let id = test.db.tx("add", add).await.unwrap();
        let again = test.db.tx("add", add).await;
        assert!(matches!(again, Err(DbError::Taken(_))));
        let found = test.db.read("find", |conn| credentials(conn, "ann")).await;
        let found = found.unwrap().unwrap();
        assert_eq!((found.user.id, found.user.role), (id, Role::Qa));
        assert_eq!(found.password_hash.as_deref(), Some("hash"));
    }
}

#[tokio::test]
async fn sessions_end_at_their_time_and_by_logout() {
    for test in engines() {
        let later = Time(1).after(Duration::from_secs(60));
        let made = test.db.tx("make", move |conn| {
            let id = insert(conn, Time(1), "ann", None, Role::Qa, None)?;
            sessions::insert(conn, Time(1), "one", id, later)?;
            sessions::insert(conn, Time(1), "two", id, later)?;
            Ok(id)
        });
        let id = made.await.unwrap();
        let looks = test.db.tx("look", move |conn| {
            let valid = sessions::find(conn, Time(2), "one")?.map(|found| found.user.id);
            let over = sessions::find(conn, later, "one")?.is_some();
            sessions::delete(conn, "one")?;
            let out = sessions::find(conn, Time(2), "one")?.is_some();
            sessions::delete_of_user(conn, id)?;
            let rest = sessions::find(conn, Time(2), "two")?.is_some();
            Ok((valid, over, out, rest))
        });
        assert_eq!(looks.await.unwrap(), (Some(id), false, false, false));
    }
}

#[tokio::test]
async fn a_token_ends_by_time_by_revoking_and_with_its_user() {
    for test in engines() {
        let end = Time(1).after(Duration::from_secs(60));
        let seen = test.db.tx("all", move |conn| {
            let user = insert(conn, Time(1), "ann", None, Role::Engineer, None)?;
            let role = Role::Engineer;
            let id = tokens::insert(conn, Time(1), user, "ci", "h1", role, Some(end))?;
            tokens::insert(conn, Time(1), user, "ci2", "h2", role, None)?;
            let now = Time(2);
            let mut seen = vec![tokens::find(conn, now, "h1")?.is_some()];
            seen.push(tokens::find(conn, end, "h1")?.is_some());
            tokens::revoke(conn, now, id)?;
            seen.push(tokens::find(conn, now, "h1")?.is_some());
            seen.push(tokens::find(conn, end, "h2")?.is_some());
            set_role(conn, user, role, true)?;
            seen.push(tokens::find(conn, end, "h2")?.is_some());
            Ok(seen)
        });
        assert_eq!(seen.await.unwrap(), [true, false, false, true, false]);
    }
}
