//! What can go wrong in an operation, as a face shows it. Adapters have error types of their own.

/// The outcome of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation was not done. The text is for the user and names the field and what would be
/// right; what stays inside (`Internal`) is logged once, by the face that answers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong. `field` names the form field, JSON key or flag.
    #[error("{field}: {text}")]
    BadInput {
        /// Form field, JSON key or flag at fault.
        field: String,
        /// What is wrong and what would be right.
        text: String,
    },
    /// There is no such thing, or the asker may not know of it.
    #[error("{0}")]
    NotFound(String),
    /// The asker has not said who they are.
    #[error("log in first: this needs the permission `{0}`")]
    Unauthenticated(&'static str),
    /// The asker's role does not allow it.
    #[error("your role does not allow this: it needs the permission `{0}`")]
    Forbidden(&'static str),
    /// A browser sent it from a page that is not ours.
    #[error("this was not sent by a page of this master: open the page here and try again")]
    Foreign,
    /// Asked for too often. Trying again after a minute helps.
    #[error("{0}")]
    TooOften(String),
    /// The thing is in a state that does not allow it, or was changed by another in between.
    #[error("{0}")]
    Conflict(String),
    /// An upload goes on at another byte than the one that was sent.
    #[error("the upload has {received} bytes: go on there")]
    WrongOffset {
        /// Bytes that are stored.
        received: u64,
    },
    /// What is sent is larger than is taken at once.
    #[error("{0}")]
    TooLarge(String),
    /// There is no room for what is to come.
    #[error("{0}")]
    NoRoom(String),
    /// The guard of a write does not fit: another changed the thing in between.
    #[error("{0}")]
    Stale(String),
    /// A write came without the guard that it needs.
    #[error("{0}")]
    Unguarded(String),
    /// It was there and is gone for good.
    #[error("{0}")]
    Gone(String),
    /// Not now: a pool is empty or the engine is stopping. Trying again helps.
    #[error("{0}")]
    Busy(String),
    /// A fault of ours or of the machine.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Bad input in `field`.
    pub fn bad_input(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self::BadInput {
            field: field.into(),
            text: text.into(),
        }
    }

    /// A fault with its cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}
