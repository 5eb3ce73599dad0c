//! Version control, asked through its own programs. One mirror per repository; no database.

mod error;
pub mod git;
mod mirrors;

pub use error::{VcsError, VcsResult};
pub use git::{Commit, Mirror, RevisionFacts, Tree};
pub use mirrors::Mirrors;
