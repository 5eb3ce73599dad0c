//! One connection on either engine, and the macro for what the two do not share.

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;

use super::{DbError, DbResult};

/// A connection to either engine.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// The embedded default.
    Sqlite(diesel::SqliteConnection),
    /// For several masters on one database.
    Postgres(diesel::PgConnection),
}

impl Conn {
    /// The engine behind.
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }
}

/// The engine behind a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite in WAL mode.
    Sqlite,
    /// PostgreSQL 13 or later.
    Postgres,
}

/// Compiles a body once per engine, for upserts, multi-row inserts and `as_returning`, which
/// diesel's `MultiConnection` cannot do.
macro_rules! per_engine {
    ($conn:expr, $inner:ident => $body:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite($inner) => $body,
            $crate::db::Conn::Postgres($inner) => $body,
        }
    };
}
pub(super) use per_engine;

/// WAL keeps readers and the writer out of each other's way; 5 s is far above any commit.
const SQLITE_SETUP: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
     PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;";

pub(super) fn connect_sqlite(path: &str) -> DbResult<Conn> {
    let mut conn = diesel::SqliteConnection::establish(path)
        .map_err(|error| DbError::Open(format!("cannot open the database {path}: {error}")))?;
    conn.batch_execute(SQLITE_SETUP)?;
    Ok(Conn::Sqlite(conn))
}

pub(super) fn connect_postgres(url: &str) -> DbResult<Conn> {
    let mut conn = diesel::PgConnection::establish(url)
        .map_err(|error| DbError::Open(format!("cannot reach the PostgreSQL database: {error}")))?;
    conn.batch_execute("SET statement_timeout = '60s'; SET lock_timeout = '10s'")?;
    Ok(Conn::Postgres(conn))
}

/// Runs plain SQL without a result.
pub(super) fn execute(conn: &mut Conn, sql: &str) -> DbResult<()> {
    per_engine!(conn, inner => inner.batch_execute(sql)).map_err(DbError::from)
}

/// Takes the session-wide lock that keeps two masters from migrating at once. The number is
/// arbitrary and ours alone.
pub(super) fn execute_lock(conn: &mut diesel::PgConnection) -> DbResult<()> {
    conn.batch_execute("SELECT pg_advisory_lock(7719030417)")
        .map_err(DbError::from)
}
