//! How an application is built so that it asks the feeds of its branch.

/// The guide of one branch and target.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Guide {
    /// Name of the project.
    pub project: String,
    /// Name of the branch.
    pub branch: String,
    /// The target.
    pub target: String,
    /// Every target that the branch has products of.
    pub targets: Vec<String>,
    /// The families of update clients that run there.
    pub families: Vec<ClientFamily>,
}

/// A family of update clients.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ClientFamily {
    /// What they are called.
    pub name: String,
    /// The address that is built in; the environment of a build has it as `variable`.
    pub url: String,
    /// The environment variable of `run` steps that holds the address of the branch.
    pub variable: String,
    /// What such a client asks for on this target; to be looked at.
    pub asks: String,
    /// What is written where.
    pub lines: Vec<GuideLines>,
}

/// Lines to copy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct GuideLines {
    /// Where they stand, such as `electron-builder.yml`.
    pub place: String,
    /// The lines.
    pub text: String,
}
