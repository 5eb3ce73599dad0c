//! The audit trail: noting what was refused, and reading it.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::audit;
use crate::error::{Error, Result};
use crate::ids::AuditId;
use crate::model::{AuditEntry, AuditOutcome, Page};

/// What somebody wants to do to what, for the audit trail.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Noun and verb, such as `user.add`.
    pub action: &'static str,
    /// Noun of what it is done to.
    pub object_kind: &'static str,
    /// Its id or name.
    pub object_id: &'a str,
}

/// Refuses unless `identity` has `permission`; a refusal of somebody known leaves an audit row.
pub async fn authorise(
    app: &App,
    identity: &Identity,
    permission: Permission,
    attempt: Attempt<'_>,
) -> Result<()> {
    let outcome = identity.require(permission);
    if let Err(error @ Error::Forbidden(_)) = &outcome {
        note_refused(app, identity, attempt, &error.to_string()).await?;
    }
    outcome
}

/// Adds the row of something refused.
pub async fn note_refused(
    app: &App,
    identity: &Identity,
    attempt: Attempt<'_>,
    reason: &str,
) -> Result<()> {
    let (now, actor, reason) = (
        app.clock.now(),
        identity.name().to_owned(),
        reason.to_owned(),
    );
    let (action, kind, id) = (
        attempt.action,
        attempt.object_kind,
        attempt.object_id.to_owned(),
    );
    let refused = AuditOutcome::Refused;
    app.db
        .tx_progress("audit refused", move |conn| {
            audit::append(conn, now, &actor, action, kind, &id, refused, &reason)
        })
        .await?;
    Ok(())
}

/// The trail before `before`, newest first.
pub async fn list(
    app: &App,
    identity: &Identity,
    before: Option<AuditId>,
) -> Result<Page<AuditEntry, AuditId>> {
    identity.require(Permission::Administer)?;
    let read = move |conn: &mut _| audit::newest(conn, before);
    let rows = app.db.read("audit list", read).await?;
    Ok(Page::of(rows, |entry| entry.id))
}
