//! Logging in and out, and who is behind a session.

use std::time::Duration;

use crate::app::App;
use crate::auth::{Identity, token};
use crate::clock::Time;
use crate::db::{Conn, audit, sessions, users};
use crate::error::{Error, Result};
use crate::model::{AuditOutcome, User};

use super::audit::{Attempt, note_refused};

/// A session ends this long after login: a month of working days without typing a password.
pub const SESSION_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);
/// A session not used this long ends: a lost laptop is noticed within two weeks.
pub const SESSION_IDLE_MAX: Duration = Duration::from_secs(14 * 24 * 3_600);
/// Use is noted this coarsely, so that reading pages does not write each time.
const TOUCH_EVERY: Duration = Duration::from_secs(600);
/// Longest secret looked up; ours have 64 characters.
const SECRET_BYTES_MAX: usize = 200;

/// A session just opened.
#[derive(Clone)]
pub struct Login {
    /// The secret for the cookie.
    pub secret: String,
    /// Who logged in.
    pub identity: Identity,
    /// When the session ends.
    pub expires_at: Time,
}

/// Opens a session for `name`. `address` is where the asker comes from, for the limits.
///
/// Errors: `BadInput` for a wrong name or password (the text does not tell which), `TooOften`
/// after too many tries.
pub async fn login(app: &App, name: &str, password: &str, address: &str) -> Result<Login> {
    let now = app.clock.now();
    if !app.logins.allow(now, name, address) {
        let text = "too many tries: wait a minute and try again";
        return Err(Error::TooOften(text.to_owned()));
    }
    let wanted = name.to_owned();
    let read = move |conn: &mut Conn| match wanted.contains('\0') {
        true => Ok(None),
        false => users::credentials(conn, &wanted),
    };
    let found = app.db.read("login", read).await?;
    let hash = found.as_ref().and_then(|found| found.password_hash.clone());
    let fits = app.logins.verify(password.to_owned(), hash).await;
    let user = found.map(|found| found.user).filter(|user| !user.disabled);
    let Some(user) = user.filter(|_| fits) else {
        let attempt = Attempt {
            action: "session.login",
            object_kind: "user",
            object_id: name,
        };
        let anonymous = Identity::Anonymous { may_read: false };
        note_refused(app, &anonymous, attempt, &format!("from {address}")).await?;
        return Err(Error::bad_input(
            "password",
            "the name or the password is wrong",
        ));
    };
    app.logins.forget(name, address);
    open(app, now, user, address).await
}

async fn open(app: &App, now: Time, user: User, address: &str) -> Result<Login> {
    let issued = token::issue("");
    let expires_at = now.after(SESSION_MAX);
    let (id, name, from) = (user.id, user.name.clone(), format!("from {address}"));
    let work = move |conn: &mut Conn| {
        sessions::delete_expired(conn, now)?;
        sessions::insert(conn, now, &issued.hash, id, expires_at)?;
        let done = AuditOutcome::Done;
        audit::append(
            conn,
            now,
            &name,
            "session.login",
            "user",
            &name,
            done,
            &from,
        )?;
        Ok(())
    };
    app.db.tx("login", work).await?;
    Ok(Login {
        secret: issued.secret,
        identity: identity(user),
        expires_at,
    })
}

/// Who is behind the secret of a session cookie; nobody when it is unknown or over.
pub async fn lookup(app: &App, secret: &str) -> Result<Option<Identity>> {
    if secret.len() > SECRET_BYTES_MAX {
        return Ok(None);
    }
    let (now, hash) = (app.clock.now(), token::hash(secret));
    let wanted = hash.clone();
    let read = move |conn: &mut Conn| sessions::find(conn, now, &wanted);
    let Some(session) = app.db.read("session", read).await? else {
        return Ok(None);
    };
    let idle = now.since(session.last_seen_at);
    if idle >= SESSION_IDLE_MAX {
        return Ok(None);
    }
    if idle >= TOUCH_EVERY {
        let touch = move |conn: &mut Conn| sessions::touch(conn, now, &hash);
        app.db.tx_progress("session touch", touch).await?;
    }
    Ok(Some(identity(session.user)))
}

/// Ends a session; one that is over already is no error.
pub async fn logout(app: &App, secret: &str) -> Result<()> {
    let hash = token::hash(secret);
    let end = move |conn: &mut Conn| sessions::delete(conn, &hash);
    Ok(app.db.tx("logout", end).await?)
}

fn identity(user: User) -> Identity {
    Identity::User {
        id: user.id,
        name: user.name,
        role: user.role,
    }
}

#[cfg(test)]
mod tests;
