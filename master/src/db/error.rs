//! What the database can answer instead of a result.

/// Outcome of database work.
pub type DbResult<T> = Result<T, DbError>;

/// Why database work was not done.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No such row.
    #[error("no such row")]
    NotFound,
    /// A unique key is taken; holds the engine's text.
    #[error("already there: {0}")]
    Taken(String),
    /// A guarded update found another state than expected: somebody was faster.
    #[error("changed by another in between")]
    Changed,
    /// A text that the engine does not store: PostgreSQL refuses NUL characters.
    #[error("a NUL character cannot be part of a text")]
    Unstorable,
    /// No connection came free in time.
    #[error("the database is busy")]
    Busy,
    /// The database's disk has no room.
    #[error("the disk of the database is full")]
    Full,
    /// The database could not be opened, migrated or reached.
    #[error("{0}")]
    Open(String),
    /// The named work panicked; its transaction was undone.
    #[error("the database work `{0}` failed inside")]
    Panicked(&'static str),
    /// Any other answer of the engine.
    #[error(transparent)]
    Engine(diesel::result::Error),
}

impl From<diesel::result::Error> for DbError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error};
        match error {
            Error::NotFound => Self::NotFound,
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, what) => {
                Self::Taken(what.message().to_owned())
            }
            Error::DatabaseError(_, what) if what.message().contains("invalid byte sequence") => {
                Self::Unstorable
            }
            Error::DatabaseError(_, what) if is_full(what.message()) => Self::Full,
            other => Self::Engine(other),
        }
    }
}

/// Whether an engine says that there is no room: SQLite, then PostgreSQL.
fn is_full(message: &str) -> bool {
    message.contains("disk is full") || message.contains("No space left on device")
}

impl From<DbError> for crate::error::Error {
    fn from(error: DbError) -> Self {
        match error {
            DbError::NotFound => Self::NotFound("there is no such thing here".to_owned()),
            DbError::Changed => {
                Self::Conflict("somebody changed it in between: look again".to_owned())
            }
            DbError::Unstorable => Self::bad_input("text", error.to_string()),
            DbError::Busy => Self::Busy("the database is busy: try again in a moment".to_owned()),
            DbError::Full => Self::NoRoom(error.to_string()),
            other => Self::internal(other),
        }
    }
}

impl DbError {
    /// Whether running the same transaction again may help.
    pub(super) fn is_transient(&self) -> bool {
        use diesel::result::{DatabaseErrorKind, Error};
        let Self::Engine(Error::DatabaseError(kind, what)) = self else {
            return false;
        };
        matches!(kind, DatabaseErrorKind::SerializationFailure)
            || what.message().contains("deadlock detected")
            || what.message().contains("database is locked")
    }
}
