//! Plain words of the domain that several floors share. States are enums with one table of
//! allowed transitions each; no diesel, no HTTP.

mod names;
mod states;
mod tree;

pub use names::{Name, NameError};
pub use states::{
    AuditOutcome, BuildResult, BuildState, ProductState, RequestState, Role, StepState,
};
pub use tree::{TreeEntry, TreeKind, TreeStats};
