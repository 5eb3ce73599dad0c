//! Who somebody is and what they may do. Passwords, sessions and tokens; no HTTP, no database.

mod permission;

pub use permission::{Identity, Permission};
