//! Users and their tokens as operations and faces see them; never a secret.

use crate::clock::Time;
use crate::ids::{TokenId, UserId};
use crate::model::Role;

/// A person or service that may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Login name.
    pub name: String,
    /// Mail address, for mails about one's own changes.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether logging in is switched off.
    pub disabled: bool,
    /// When it was added.
    pub created_at: Time,
}

/// A bearer token of a user, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Whose it is.
    pub user: UserId,
    /// What it is for, in its owner's words.
    pub name: String,
    /// Most that it may do; never more than its user.
    pub role: Role,
    /// When it was made.
    pub created_at: Time,
    /// When it ends to be valid; never when absent.
    pub expires_at: Option<Time>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}
