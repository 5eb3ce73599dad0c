//! How much somebody sees of the projects.

/// Which projects somebody is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All of them.
    Everything,
    /// Those that are not private: the others' names, numbers and rows are not there for them.
    Public,
}
