//! The audit trail as REST shows it.

use super::AuditOutcome;
use crate::clock::Time;
use crate::ids::AuditId;

/// One thing somebody did or tried.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Its id; rises with time.
    pub id: AuditId,
    /// When.
    pub at: Time,
    /// Name of the user, `anonymous`, `cli` or an actor of the master.
    pub actor: String,
    /// Noun and verb, such as `user.add`.
    pub action: String,
    /// Noun of what it was done to, such as `user`.
    pub object_kind: String,
    /// Its id or name.
    pub object_id: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// What else matters; never a secret.
    pub detail: String,
}
