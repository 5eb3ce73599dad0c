//! Private projects: who may see their products, the keys with which their feeds answer, and
//! addresses of files that are good for a while and need no login.

use std::time::Duration;

use super::audit::{Attempt, authorise};
use crate::app::App;
use crate::auth::links::{self, Claim};
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::{Conn, DbError, DbResult, Lane, audit, projects, settings};
use crate::error::{Error, Result};
use crate::model::{AuditOutcome, Blob};
use crate::updates;

/// How long the addresses are good that a private feed hands out: an application that was asked to
/// update in the evening may do it in the morning.
const FEED_LINK_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Longest life of an address that a person asks for: what must be had for longer is given a login.
const LINK_LIFE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Somebody who may see the products of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Whether the project is private: then no shared cache may keep the answer.
    pub is_private: bool,
    /// The key that signs addresses of files, where the project is private.
    key: Option<String>,
}

impl Admitted {
    /// Path and query of a file: a plain one, or for a private project one that is good for a day
    /// and needs no login.
    #[must_use]
    pub fn file_path(&self, sha256: &str, name: &str, now: Time) -> String {
        let path = updates::file_path(sha256, name);
        match self.claim(sha256, name, now) {
            None => path,
            Some(claim) => links::with_claim(&path, &claim),
        }
    }

    /// What such an address claims; nothing where the project is not private.
    #[must_use]
    pub fn claim(&self, sha256: &str, name: &str, now: Time) -> Option<Claim> {
        let name = name.rsplit('/').next().unwrap_or(name);
        let key = self.key.as_ref()?;
        Some(links::sign(key, sha256, name, now, FEED_LINK_LIFE))
    }
}

/// An address of a file that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Link {
    /// The whole address.
    pub url: String,
    /// When it ends.
    pub expires_at: Time,
}

/// Lets those in who may see products of the project: everybody unless it is private; else who has
/// said who they are, and who brings one of its feed keys.
///
/// Errors: `NotFound`, in the same words as for a project that there is not.
pub async fn admit(
    app: &App,
    identity: &Identity,
    project: &str,
    feed_key: Option<&str>,
) -> Result<Admitted> {
    let unknown = || {
        let name: String = project.chars().take(64).collect();
        Error::NotFound(format!("there is no project `{name}`"))
    };
    if project.contains('\0') {
        return Err(unknown());
    }
    let wanted = project.to_owned();
    let read = move |conn: &mut Conn| {
        let privacy = projects::privacy(conn, &wanted)?;
        let keys = match privacy.is_private {
            true => settings::known_file_keys(conn)?,
            false => Vec::new(),
        };
        Ok((privacy, keys))
    };
    let found = app.db.lane(Lane::Pages).read("privacy.admit", read).await;
    let (privacy, mut keys) = found.map_err(|error| match error {
        DbError::NotFound => unknown(),
        other => other.into(),
    })?;
    if !privacy.is_private {
        return Ok(Admitted {
            is_private: false,
            key: None,
        });
    }
    let has_key = feed_key.is_some_and(|key| {
        let is_it = |known: &String| links::same(known, key);
        privacy.feed_keys.iter().any(is_it)
    });
    if !has_key && !identity.sees_private() {
        return Err(unknown());
    }
    if keys.is_empty() {
        let make = |conn: &mut Conn| settings::file_keys(conn);
        keys = app.db.tx("privacy.key", make).await?;
    }
    Ok(Admitted {
        is_private: true,
        key: keys.into_iter().next(),
    })
}

/// Makes an address of a file that needs no login and ends after about `life`, of whatever project
/// the file is. It is good for those who are given it; nothing is stored.
pub async fn sign(
    app: &App,
    identity: &Identity,
    sha256: &str,
    name: &str,
    life: Duration,
) -> Result<Link> {
    let attempt = attempt("file.sign", "file", sha256);
    authorise(app, identity, Permission::Keep, attempt).await?;
    if !Blob::is_sha256(sha256) {
        let text = "write the SHA-256 as 64 digits of 0-9a-f";
        return Err(Error::bad_input("sha256", text));
    }
    if life.is_zero() || life > LINK_LIFE_MAX {
        let text = "an address lives between a second and 30 days";
        return Err(Error::bad_input("life_seconds", text));
    }
    let name = name.rsplit('/').next().unwrap_or(name).to_owned();
    // The file must be one that the asker could fetch.
    super::artifacts::file(app, identity, sha256, &name, None).await?;
    let (now, actor, object) = (
        app.clock.now(),
        identity.name().to_owned(),
        sha256.to_owned(),
    );
    let detail = format!("{name}, {} s", life.as_secs());
    let make = move |conn: &mut Conn| {
        let done = AuditOutcome::Done;
        audit::append(
            conn,
            now,
            &actor,
            "file.sign",
            "file",
            &object,
            done,
            &detail,
        )?;
        settings::file_keys(conn)
    };
    let keys = app.db.tx("privacy.sign", make).await?;
    let key = keys
        .first()
        .ok_or_else(|| Error::internal("no key was made"))?;
    let claim = links::sign(key, sha256, &name, now, life);
    let path = links::with_claim(&updates::file_path(sha256, &name), &claim);
    Ok(Link {
        url: format!("{}{path}", app.config().master.url),
        expires_at: Time::from_unix_seconds(claim.expires),
    })
}

/// Whether a claim is good for this file now.
pub(super) fn is_good(
    conn: &mut Conn,
    now: Time,
    sha256: &str,
    name: &str,
    claim: &Claim,
) -> DbResult<bool> {
    let keys = settings::known_file_keys(conn)?;
    Ok(links::holds(&keys, sha256, name, now, claim))
}

/// The keys with which the feeds of a private project answer, the one in force first.
pub async fn feed_keys(app: &App, identity: &Identity, project: &str) -> Result<Vec<String>> {
    let attempt = attempt("project.feed-key.read", "project", project);
    authorise(app, identity, Permission::Release, attempt).await?;
    let wanted = project.to_owned();
    let read = move |conn: &mut Conn| projects::privacy(conn, &wanted);
    let found = app.db.lane(Lane::Pages).read("privacy.keys", read).await;
    let privacy = found.map_err(|error| no_project(error, project))?;
    Ok(privacy.feed_keys)
}

/// Gives a project a new feed key. The last one stays good until the next time, so that
/// applications in the field can follow.
pub async fn rotate_feed_key(app: &App, identity: &Identity, project: &str) -> Result<Vec<String>> {
    let attempt = attempt("project.feed-key", "project", project);
    authorise(app, identity, Permission::Release, attempt).await?;
    let (now, actor, wanted) = (
        app.clock.now(),
        identity.name().to_owned(),
        project.to_owned(),
    );
    let work = move |conn: &mut Conn| {
        let keys = projects::rotate_feed_key(conn, &wanted)?;
        let (done, action) = (AuditOutcome::Done, "project.feed-key");
        audit::append(conn, now, &actor, action, "project", &wanted, done, "")?;
        Ok(keys)
    };
    let made = app.db.tx("privacy.rotate", work).await;
    made.map_err(|error| no_project(error, project))
}

/// Makes a new key for addresses of files; those that were signed with the last one stay good until
/// they end, and older ones do not.
pub async fn rotate_file_key(app: &App, identity: &Identity) -> Result<()> {
    let attempt = attempt("file.key", "settings", "file-keys");
    authorise(app, identity, Permission::Administer, attempt).await?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        settings::rotate_file_key(conn)?;
        let (done, name) = (AuditOutcome::Done, "file-keys");
        audit::append(conn, now, &actor, "file.key", "settings", name, done, "")?;
        Ok(())
    };
    Ok(app.db.tx("privacy.file-key", work).await?)
}

fn no_project(error: DbError, project: &str) -> Error {
    match error {
        DbError::NotFound => Error::NotFound(format!("there is no project `{project}`")),
        other => other.into(),
    }
}

fn attempt<'a>(action: &'static str, object_kind: &'static str, object_id: &'a str) -> Attempt<'a> {
    Attempt {
        action,
        object_kind,
        object_id,
    }
}

#[cfg(test)]
mod tests;
