//! Permissions, which role has which, and the identity that an operation is done under.

use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::model::{Role, Sight};

/// What a route or an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Open to everybody, always: the login page, feeds and their files, health.
    Public,
    /// See builders, builds, logs, changes, agents and products.
    Read,
    /// Ask for builds.
    Force,
    /// Stop builds and take requests back.
    Cancel,
    /// Keep products and lift holds, set labels, give verdicts.
    Keep,
    /// Upload and record products.
    Record,
    /// Offer products to applications, and stop it; sign off.
    Release,
    /// Collect products, restore them, work on the store.
    Collect,
    /// Manage users, tokens and agents.
    Administer,
}

impl Permission {
    /// Every permission.
    pub const ALL: &'static [Self] = &[
        Self::Public,
        Self::Read,
        Self::Force,
        Self::Cancel,
        Self::Keep,
        Self::Record,
        Self::Release,
        Self::Collect,
        Self::Administer,
    ];

    /// The word in error texts, audit rows and the REST description.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Read => "read",
            Self::Force => "force",
            Self::Cancel => "cancel",
            Self::Keep => "keep",
            Self::Record => "record",
            Self::Release => "release",
            Self::Collect => "collect",
            Self::Administer => "administer",
        }
    }

    /// Whether `role` has it.
    #[must_use]
    pub fn is_held_by(self, role: Role) -> bool {
        match self {
            Self::Public | Self::Read => true,
            Self::Keep => matches!(role, Role::Qa | Role::Engineer | Role::Admin),
            Self::Force | Self::Cancel | Self::Record | Self::Release | Self::Collect => {
                matches!(role, Role::Engineer | Role::Admin)
            }
            Self::Administer => role == Role::Admin,
        }
    }
}

/// Who does an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Nobody said who they are; may read where the configuration allows it.
    Anonymous {
        /// `anonymous_read` of the configuration.
        may_read: bool,
    },
    /// A user, by session or token.
    User {
        /// Their id.
        id: UserId,
        /// Their login name.
        name: String,
        /// The role they act in: the lower of user and token.
        role: Role,
    },
    /// The operator at the machine's command line, or the master itself.
    Local {
        /// `cli` or the actor's name.
        name: &'static str,
    },
}

impl Identity {
    /// Refuses unless this identity has `permission`.
    pub fn require(&self, permission: Permission) -> Result<()> {
        match self {
            Self::Local { .. } => Ok(()),
            Self::User { role, .. } if permission.is_held_by(*role) => Ok(()),
            Self::User { .. } => Err(Error::Forbidden(permission.as_str())),
            Self::Anonymous { .. } if permission == Permission::Public => Ok(()),
            Self::Anonymous { may_read: true } if permission == Permission::Read => Ok(()),
            Self::Anonymous { .. } => Err(Error::Unauthenticated(permission.as_str())),
        }
    }

    /// Whether it sees private projects: everybody does who has said who they are.
    #[must_use]
    pub fn sees_private(&self) -> bool {
        !matches!(self, Self::Anonymous { .. })
    }

    /// Which projects it is told of.
    #[must_use]
    pub fn sight(&self) -> Sight {
        match self.sees_private() {
            true => Sight::Everything,
            false => Sight::Public,
        }
    }

    /// The name in audit rows.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous { .. } => "anonymous",
            Self::User { name, .. } => name,
            Self::Local { name } => name,
        }
    }

    /// The user's id, where there is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::Anonymous { .. } | Self::Local { .. } => None,
        }
    }
}
