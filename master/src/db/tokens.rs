//! Rows of bearer tokens, found by the hash of their secret.

use diesel::prelude::*;

use super::schema::{tokens, users};
use super::{Conn, DbError, DbResult};
use crate::clock::Time;
use crate::ids::{TokenId, UserId};
use crate::model::{Role, Token};

/// Most tokens one read returns, per user and over all.
const TOKENS_READ_MAX: i64 = 5_000;

type Row = (
    i64,
    i64,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

macro_rules! columns {
    () => {
        (
            tokens::id,
            tokens::user_id,
            tokens::name,
            tokens::role,
            tokens::created_at,
            tokens::expires_at,
            tokens::last_used_at,
            tokens::revoked_at,
        )
    };
}

/// Adds a token.
pub fn insert(
    conn: &mut Conn,
    now: Time,
    user: UserId,
    name: &str,
    token_hash: &str,
    role: Role,
    expires_at: Option<Time>,
) -> DbResult<TokenId> {
    let id: i64 = diesel::insert_into(tokens::table)
        .values((
            tokens::user_id.eq(user.0),
            tokens::name.eq(name),
            tokens::token_hash.eq(token_hash),
            tokens::role.eq(role.as_str()),
            tokens::created_at.eq(now.0),
            tokens::expires_at.eq(expires_at.map(|at| at.0)),
        ))
        .returning(tokens::id)
        .get_result(conn)?;
    Ok(TokenId(id))
}

/// The token behind a hash with its user's name and role, if it is valid at `now`.
pub fn find(
    conn: &mut Conn,
    now: Time,
    token_hash: &str,
) -> DbResult<Option<(Token, String, Role)>> {
    let row: Option<(Row, String, String)> = tokens::table
        .inner_join(users::table)
        .filter(tokens::token_hash.eq(token_hash))
        .filter(tokens::revoked_at.is_null())
        .filter(users::disabled.eq(false))
        .select((columns!(), users::name, users::role))
        .first(conn)
        .optional()?;
    Ok(row
        .map(|(row, name, role)| (token(row), name, role.parse().unwrap_or(Role::Viewer)))
        .filter(|(token, ..)| token.expires_at.is_none_or(|end| end > now)))
}

/// The tokens of `user`, or of everybody, newest first.
pub fn list(conn: &mut Conn, user: Option<UserId>) -> DbResult<Vec<Token>> {
    let mut query = tokens::table.select(columns!()).into_boxed();
    if let Some(user) = user {
        query = query.filter(tokens::user_id.eq(user.0));
    }
    let rows: Vec<Row> = query
        .order(tokens::id.desc())
        .limit(TOKENS_READ_MAX)
        .load(conn)?;
    Ok(rows.into_iter().map(token).collect())
}

/// The token with that id.
pub fn by_id(conn: &mut Conn, id: TokenId) -> DbResult<Token> {
    let row: Row = tokens::table.find(id.0).select(columns!()).first(conn)?;
    Ok(token(row))
}

/// Notes that a token was used.
pub fn touch(conn: &mut Conn, now: Time, id: TokenId) -> DbResult<()> {
    diesel::update(tokens::table.find(id.0))
        .set(tokens::last_used_at.eq(now.0))
        .execute(conn)?;
    Ok(())
}

/// Ends a token. [`DbError::Changed`] when it was revoked before.
pub fn revoke(conn: &mut Conn, now: Time, id: TokenId) -> DbResult<()> {
    let valid = tokens::table
        .find(id.0)
        .filter(tokens::revoked_at.is_null());
    let changed = diesel::update(valid)
        .set(tokens::revoked_at.eq(now.0))
        .execute(conn)?;
    if changed == 1 {
        Ok(())
    } else {
        Err(DbError::Changed)
    }
}

fn token((id, user, name, role, created, expires, used, revoked): Row) -> Token {
    Token {
        id: TokenId(id),
        user: UserId(user),
        name,
        role: role.parse().unwrap_or(Role::Viewer),
        created_at: Time(created),
        expires_at: expires.map(Time),
        last_used_at: used.map(Time),
        revoked_at: revoked.map(Time),
    }
}
