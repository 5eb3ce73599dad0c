//! Bearer tokens: making, listing, revoking, and who is behind one.

use std::time::Duration;

use crate::app::App;
use crate::auth::{Identity, Permission, token};
use crate::clock::Time;
use crate::db::{Conn, DbError, audit, tokens};
use crate::error::{Error, Result};
use crate::ids::{TokenId, UserId};
use crate::model::{AuditOutcome, Role, Token, User};

use super::audit::{Attempt, authorise};
use super::users;

/// Longest name of a token: a line on a page.
const NAME_CHARS_MAX: usize = 100;
/// Use is noted this coarsely, so that reading does not write each time.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
/// Longest secret looked up; ours have 73 characters.
const SECRET_BYTES_MAX: usize = 200;

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Name of its user.
    pub user: String,
    /// What it is for.
    pub name: String,
    /// Most it may do; the user's role when absent.
    pub role: Option<Role>,
    /// When it ends to be valid; never when absent.
    pub expires_at: Option<Time>,
}

/// A token just made.
#[derive(Clone)]
pub struct Created {
    /// Its id.
    pub id: TokenId,
    /// The secret: shown once and never again.
    pub secret: String,
    /// What it may do.
    pub role: Role,
}

/// Makes a token. People make their own, administrators anybody's; its role is never above the
/// user's nor the maker's.
pub async fn create(app: &App, identity: &Identity, new: NewToken) -> Result<Created> {
    let user = allowed_user(app, identity, &new.user, "token.create").await?;
    let name = new.name.trim().to_owned();
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        let text = format!("say what it is for in 1 to {NAME_CHARS_MAX} plain characters");
        return Err(Error::bad_input("name", text));
    }
    let role = allowed_role(identity, &user, new.role)?;
    let (now, expires_at) = (app.clock.now(), new.expires_at);
    if expires_at.is_some_and(|end| end <= now) {
        return Err(Error::bad_input(
            "expires",
            "this moment is over: choose a later one",
        ));
    }
    let issued = token::issue(token::TOKEN_PREFIX);
    let (hash, actor) = (issued.hash, identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let id = tokens::insert(conn, now, user.id, &name, &hash, role, expires_at)?;
        let (done, text) = (
            AuditOutcome::Done,
            format!("{name} of {} as {role}", user.name),
        );
        let what = id.to_string();
        audit::append(
            conn,
            now,
            &actor,
            "token.create",
            "token",
            &what,
            done,
            &text,
        )?;
        Ok(id)
    };
    let id = app.db.tx("token create", work).await?;
    let secret = issued.secret;
    Ok(Created { id, secret, role })
}

/// Who is behind the secret of an `Authorization: Bearer` header; nobody when it is not valid.
pub async fn lookup(app: &App, secret: &str) -> Result<Option<Identity>> {
    if secret.len() > SECRET_BYTES_MAX || !secret.starts_with(token::TOKEN_PREFIX) {
        return Ok(None);
    }
    let (now, hash) = (app.clock.now(), token::hash(secret));
    let read = move |conn: &mut Conn| tokens::find(conn, now, &hash);
    let Some((token, name, role)) = app.db.read("token", read).await? else {
        return Ok(None);
    };
    let used = token.last_used_at;
    if used.is_none_or(|used| now.since(used) >= TOUCH_EVERY) {
        let touch = move |conn: &mut Conn| tokens::touch(conn, now, token.id);
        app.db.tx_progress("token touch", touch).await?;
    }
    Ok(Some(Identity::User {
        id: token.user,
        name,
        role: token.role.lower(role),
    }))
}

/// The tokens of `user` (a name), or of everybody for an administrator.
pub async fn list(app: &App, identity: &Identity, user: Option<&str>) -> Result<Vec<Token>> {
    let user: Option<UserId> = match user {
        Some(name) => Some(allowed_user(app, identity, name, "token.list").await?.id),
        None => {
            identity.require(Permission::Administer)?;
            None
        }
    };
    let read = move |conn: &mut Conn| tokens::list(conn, user);
    Ok(app.db.read("token list", read).await?)
}

/// Ends a token: its owner or an administrator may.
pub async fn revoke(app: &App, identity: &Identity, id: TokenId) -> Result<()> {
    let read = move |conn: &mut Conn| tokens::by_id(conn, id);
    let token = match app.db.read("token by id", read).await {
        Err(DbError::NotFound) => return Err(Error::NotFound(format!("there is no token {id}"))),
        found => found?,
    };
    if identity.user() != Some(token.user) {
        let what = id.to_string();
        let attempt = attempt("token.revoke", &what);
        authorise(app, identity, Permission::Administer, attempt).await?;
    }
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        tokens::revoke(conn, now, id)?;
        let (done, what) = (AuditOutcome::Done, id.to_string());
        audit::append(
            conn,
            now,
            &actor,
            "token.revoke",
            "token",
            &what,
            done,
            &token.name,
        )?;
        Ok(())
    };
    Ok(app.db.tx("token revoke", work).await?)
}

/// The user of that name, when it is oneself or one is an administrator.
async fn allowed_user(
    app: &App,
    identity: &Identity,
    name: &str,
    action: &'static str,
) -> Result<User> {
    let own = identity.user().is_some() && identity.name() == name;
    if !own {
        let attempt = attempt(action, name);
        authorise(app, identity, Permission::Administer, attempt).await?;
    }
    users::by_name(app, name).await
}

fn allowed_role(identity: &Identity, user: &User, wanted: Option<Role>) -> Result<Role> {
    let most = match identity {
        Identity::User { role, .. } => user.role.lower(*role),
        Identity::Local { .. } | Identity::Anonymous { .. } => user.role,
    };
    match wanted {
        Some(wanted) if wanted.lower(most) != wanted => Err(Error::bad_input(
            "role",
            format!("`{wanted}` is above what is allowed here: `{most}` at most"),
        )),
        wanted => Ok(wanted.unwrap_or(most)),
    }
}

fn attempt<'a>(action: &'static str, id: &'a str) -> Attempt<'a> {
    Attempt {
        action,
        object_kind: "token",
        object_id: id,
    }
}

#[cfg(test)]
mod tests;
