//! Who somebody is and what they may do. Passwords, sessions and tokens; no HTTP, no database.

pub mod links;
mod logins;
pub mod password;
mod permission;
pub mod token;

pub use logins::{Logins, TRIES_MAX};
pub use permission::{Identity, Permission};
