//! What version control can answer instead of a result.

/// Outcome of asking version control.
pub type VcsResult<T> = Result<T, VcsError>;

/// Why version control gave no answer. The texts are for people and hold no passwords.
#[derive(Debug, thiserror::Error)]
pub enum VcsError {
    /// The program took too long and was ended.
    #[error("`git {what}` took longer than {seconds} s and was ended")]
    TimedOut {
        /// The subcommand.
        what: String,
        /// Seconds it was given.
        seconds: u64,
    },
    /// The master stops, or the build was cancelled.
    #[error("stopped while asking version control")]
    Cancelled,
    /// The program said no; holds the end of what it said.
    #[error("`git {what}` failed: {text}")]
    Failed {
        /// The subcommand.
        what: String,
        /// The last of its error output.
        text: String,
    },
    /// There is no such branch or revision.
    #[error("{0}")]
    Unknown(String),
    /// The program could not be started or talked to.
    #[error("cannot run `git {what}`: {error}")]
    Io {
        /// The subcommand.
        what: String,
        /// The system's answer.
        #[source]
        error: std::io::Error,
    },
    /// The program answered something that it never should.
    #[error("`git {what}` answered what was not expected: {text}")]
    Unexpected {
        /// The subcommand.
        what: String,
        /// What was wrong with it.
        text: String,
    },
}
