//! Rows of users. Hashes leave this module only through [`credentials`].

use diesel::prelude::*;

use super::schema::users;
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::UserId;
use crate::model::{Role, User};

/// Most users one read returns; an installation has hundreds.
const USERS_READ_MAX: i64 = 5_000;

type Row = (i64, String, Option<String>, String, bool, i64);

/// What a login is checked against.
#[derive(Clone)]
pub struct Credentials {
    /// Who it would be.
    pub user: User,
    /// PHC string of the password, where one is set.
    pub password_hash: Option<String>,
}

macro_rules! columns {
    () => {
        (
            users::id,
            users::name,
            users::email,
            users::role,
            users::disabled,
            users::created_at,
        )
    };
}

/// Adds a user. [`DbError::Taken`](super::DbError::Taken) when the name is.
pub fn insert(
    conn: &mut Conn,
    now: Time,
    name: &str,
    email: Option<&str>,
    role: Role,
    password_hash: Option<&str>,
) -> DbResult<UserId> {
    let id: i64 = diesel::insert_into(users::table)
        .values((
            users::name.eq(name),
            users::email.eq(email),
            users::role.eq(role.as_str()),
            users::password_hash.eq(password_hash),
            users::disabled.eq(false),
            users::created_at.eq(now.0),
        ))
        .returning(users::id)
        .get_result(conn)?;
    Ok(UserId(id))
}

/// The user with that id.
pub fn find(conn: &mut Conn, id: UserId) -> DbResult<User> {
    let row: Row = users::table.find(id.0).select(columns!()).first(conn)?;
    Ok(user(row))
}

/// The user of that name, if any.
pub fn by_name(conn: &mut Conn, name: &str) -> DbResult<Option<User>> {
    let row: Option<Row> = users::table
        .filter(users::name.eq(name))
        .select(columns!())
        .first(conn)
        .optional()?;
    Ok(row.map(user))
}

/// What a login under `name` is checked against, if there is such a user.
pub fn credentials(conn: &mut Conn, name: &str) -> DbResult<Option<Credentials>> {
    let row: Option<(Row, Option<String>)> = users::table
        .filter(users::name.eq(name))
        .select((columns!(), users::password_hash))
        .first(conn)
        .optional()?;
    Ok(row.map(|(row, password_hash)| Credentials {
        user: user(row),
        password_hash,
    }))
}

/// Every user by name.
pub fn list(conn: &mut Conn) -> DbResult<Vec<User>> {
    let rows: Vec<Row> = users::table
        .select(columns!())
        .order(users::name)
        .limit(USERS_READ_MAX)
        .load(conn)?;
    Ok(rows.into_iter().map(user).collect())
}

/// Changes the password.
pub fn set_password(conn: &mut Conn, id: UserId, password_hash: &str) -> DbResult<()> {
    diesel::update(users::table.find(id.0))
        .set(users::password_hash.eq(password_hash))
        .execute(conn)?;
    Ok(())
}

/// Changes role and whether logging in is switched off.
pub fn set_role(conn: &mut Conn, id: UserId, role: Role, disabled: bool) -> DbResult<()> {
    diesel::update(users::table.find(id.0))
        .set((users::role.eq(role.as_str()), users::disabled.eq(disabled)))
        .execute(conn)?;
    Ok(())
}

fn user((id, name, email, role, disabled, created_at): Row) -> User {
    User {
        id: UserId(id),
        name,
        email,
        // The column's CHECK admits roles only; should one be unknown, it may do the least.
        role: role.parse().unwrap_or(Role::Viewer),
        disabled,
        created_at: Time(created_at),
    }
}

#[cfg(test)]
mod tests;
