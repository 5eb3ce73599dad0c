//! Rows of browser sessions, found by the hash of their secret.

use diesel::prelude::*;

use super::schema::{sessions, users};
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::UserId;
use crate::model::{Role, User};

/// A session that is valid now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who it belongs to; not disabled.
    pub user: User,
    /// When it was last used, coarsely.
    pub last_seen_at: Time,
    /// When it ends whatever happens.
    pub expires_at: Time,
}

type UserRow = (i64, String, Option<String>, String, i64);

/// Adds a session.
pub fn insert(
    conn: &mut Conn,
    now: Time,
    token_hash: &str,
    user: UserId,
    expires_at: Time,
) -> DbResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(token_hash),
            sessions::user_id.eq(user.0),
            sessions::created_at.eq(now.0),
            sessions::last_seen_at.eq(now.0),
            sessions::expires_at.eq(expires_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// The session behind a hash, if it is valid at `now` and its user is not disabled.
pub fn find(conn: &mut Conn, now: Time, token_hash: &str) -> DbResult<Option<Session>> {
    let row: Option<(i64, i64, UserRow)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(now.0))
        .filter(users::disabled.eq(false))
        .select((
            sessions::last_seen_at,
            sessions::expires_at,
            (
                users::id,
                users::name,
                users::email,
                users::role,
                users::created_at,
            ),
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(seen, expires, user)| Session {
        user: self::user(user),
        last_seen_at: Time(seen),
        expires_at: Time(expires),
    }))
}

/// Notes that a session was used.
pub fn touch(conn: &mut Conn, now: Time, token_hash: &str) -> DbResult<()> {
    diesel::update(sessions::table.find(token_hash))
        .set(sessions::last_seen_at.eq(now.0))
        .execute(conn)?;
    Ok(())
}

/// Ends one session.
pub fn delete(conn: &mut Conn, token_hash: &str) -> DbResult<()> {
    diesel::delete(sessions::table.find(token_hash)).execute(conn)?;
    Ok(())
}

/// Ends every session of a user.
pub fn delete_of_user(conn: &mut Conn, user: UserId) -> DbResult<()> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user.0))).execute(conn)?;
    Ok(())
}

/// Removes the rows of sessions that are over.
pub fn delete_expired(conn: &mut Conn, now: Time) -> DbResult<usize> {
    let over = sessions::table.filter(sessions::expires_at.le(now.0));
    Ok(diesel::delete(over).execute(conn)?)
}

fn user((id, name, email, role, created_at): UserRow) -> User {
    User {
        id: UserId(id),
        name,
        email,
        role: role.parse().unwrap_or(Role::Viewer),
        disabled: false,
        created_at: Time(created_at),
    }
}
