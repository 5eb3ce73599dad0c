//! Newtypes of every database id, parsed at the edge. No table, no logic.

use std::fmt;
use std::str::FromStr;

/// Defines an id: a positive `i64` that cannot be mixed up with another noun's.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                match text.parse::<i64>() {
                    Ok(id) if id > 0 => Ok(Self(id)),
                    _ => Err(IdError(text.chars().take(40).collect())),
                }
            }
        }
    )*};
}

/// The text was no id; holds its first 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: a whole number from 1 up is expected")]
pub struct IdError(pub String);

ids! {
    /// A person or service that may log in.
    UserId;
    /// A bearer token of a user.
    TokenId;
    /// A row of the audit trail.
    AuditId;
    /// A product line.
    ProjectId;
    /// A place where source lives.
    RepositoryId;
    /// A branch of a project, which owns a feed token.
    BranchId;
    /// One commit seen on a branch.
    ChangeId;
    /// A recipe.
    BuilderId;
    /// A known build machine.
    AgentId;
    /// A one-time token that a machine enrols with.
    AgentTokenId;
    /// A new program sent to an agent.
    AgentUpgradeId;
    /// A build asked for.
    RequestId;
    /// One run of a builder.
    BuildId;
    /// One entry of a build.
    StepId;
    /// The output of a step.
    LogId;
    /// A file that a build uploaded.
    ArtifactId;
    /// A packaged build that was recorded.
    ProductId;
    /// A file of a product.
    ProductFileId;
    /// A reason why a product must not be collected.
    HoldId;
    /// A signature of a product's file.
    SignatureId;
    /// A product being uploaded.
    DraftId;
    /// A file of a product being uploaded.
    UploadId;
    /// What somebody who tested a product found.
    VerdictId;
    /// A name that points at one product of a branch and target.
    LabelId;
    /// A choice of the desk that a tester comes back to.
    DeskId;
    /// A product offered to applications.
    ReleaseId;
    /// Somebody's consent to a release.
    SignoffId;
    /// Updates stopped for a project or a branch.
    ShutoffId;
    /// A retention plan.
    PlanId;
    /// A notification waiting to be sent, or sent.
    OutboxId;
}
