//! Users: adding, listing, passwords, roles.

use crate::app::App;
use crate::auth::{Identity, Permission, password};
use crate::clock::Time;
use crate::db::{Conn, DbError, DbResult, audit, sessions, users};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::model::{AuditOutcome, Name, Role, User};

use super::audit::{Attempt, authorise};

/// Longest mail address, by RFC 5321.
const EMAIL_BYTES_MAX: usize = 254;

/// A user to add.
#[derive(Clone)]
pub struct NewUser {
    /// Login name, as [`Name`].
    pub name: String,
    /// Mail address.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Without one they cannot log in, but may own tokens.
    pub password: Option<String>,
}

/// Adds a user.
pub async fn add(app: &App, identity: &Identity, new: NewUser) -> Result<UserId> {
    let attempt = attempt("user.add", &new.name);
    authorise(app, identity, Permission::Administer, attempt).await?;
    let name: Name = new.name.parse().map_err(|e| bad("name", &e))?;
    if let Some(email) = &new.email {
        check_email(email)?;
    }
    let hash = match new.password {
        Some(password) => Some(checked_hash(app, name.as_str(), password).await?),
        None => None,
    };
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let (email, role, taken) = (new.email, new.role, new.name);
    let work = move |conn: &mut Conn| {
        let name = name.as_str();
        let id = users::insert(conn, now, name, email.as_deref(), role, hash.as_deref())?;
        note(conn, now, &actor, "user.add", name, role.as_str())?;
        Ok(id)
    };
    match app.db.tx("user add", work).await {
        Err(DbError::Taken(_)) => Err(Error::bad_input(
            "name",
            format!("there is a user `{taken}` already: choose another name"),
        )),
        other => Ok(other?),
    }
}

/// Every user by name.
pub async fn list(app: &App, identity: &Identity) -> Result<Vec<User>> {
    identity.require(Permission::Administer)?;
    Ok(app.db.read("user list", users::list).await?)
}

/// Sets a user's password and ends their sessions. Everybody may set their own.
pub async fn set_password(
    app: &App,
    identity: &Identity,
    name: &str,
    password: String,
) -> Result<()> {
    let user = by_name(app, name).await?;
    if identity.user() != Some(user.id) {
        let attempt = attempt("user.set_password", name);
        authorise(app, identity, Permission::Administer, attempt).await?;
    }
    let hash = checked_hash(app, name, password).await?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        users::set_password(conn, user.id, &hash)?;
        sessions::delete_of_user(conn, user.id)?;
        note(conn, now, &actor, "user.set_password", &user.name, "")
    };
    Ok(app.db.tx("user set password", work).await?)
}

/// Changes what a user may do. A disabled user's sessions end.
pub async fn set_role(
    app: &App,
    identity: &Identity,
    name: &str,
    role: Role,
    disabled: bool,
) -> Result<()> {
    let attempt = attempt("user.set_role", name);
    authorise(app, identity, Permission::Administer, attempt).await?;
    let user = by_name(app, name).await?;
    if identity.user() == Some(user.id) && (disabled || role != Role::Admin) {
        let text = "you cannot take your own rights away: let another administrator do it";
        return Err(Error::bad_input("role", text));
    }
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        users::set_role(conn, user.id, role, disabled)?;
        if disabled {
            sessions::delete_of_user(conn, user.id)?;
        }
        let detail = format!("{role}{}", if disabled { ", disabled" } else { "" });
        note(conn, now, &actor, "user.set_role", &user.name, &detail)
    };
    Ok(app.db.tx("user set role", work).await?)
}

/// The user of that name; a clear error when there is none.
pub(super) async fn by_name(app: &App, name: &str) -> Result<User> {
    let wanted = name.to_owned();
    let read = move |conn: &mut Conn| users::by_name(conn, &wanted);
    let found = app.db.read("user by name", read).await?;
    found.ok_or_else(|| Error::NotFound(format!("there is no user `{name}`")))
}

async fn checked_hash(app: &App, name: &str, password: String) -> Result<String> {
    password::check_rules(name, &password).map_err(|text| Error::bad_input("password", text))?;
    app.logins.hash(password).await.map_err(Error::internal)
}

fn check_email(email: &str) -> Result<()> {
    let parts = email.split_once('@');
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | ',');
    let fits = email.len() <= EMAIL_BYTES_MAX
        && email.chars().all(plain)
        && parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
    if fits {
        Ok(())
    } else {
        Err(Error::bad_input(
            "email",
            "expected an address such as ann@acme.example",
        ))
    }
}

fn attempt<'a>(action: &'static str, name: &'a str) -> Attempt<'a> {
    Attempt {
        action,
        object_kind: "user",
        object_id: name,
    }
}

fn note(
    conn: &mut Conn,
    now: Time,
    actor: &str,
    action: &str,
    name: &str,
    detail: &str,
) -> DbResult<()> {
    let done = AuditOutcome::Done;
    audit::append(conn, now, actor, action, "user", name, done, detail).map(|_| ())
}

fn bad(field: &str, error: &dyn std::error::Error) -> Error {
    Error::bad_input(field, error.to_string())
}

#[cfg(test)]
mod tests;
