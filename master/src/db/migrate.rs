//! The migrations, embedded in the binary: twin folders of the same names, one per engine.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::{Conn, DbError, DbResult};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgresql");

/// Applies what is missing.
pub(super) fn run(conn: &mut Conn) -> DbResult<()> {
    let outcome = match conn {
        Conn::Sqlite(inner) => inner.run_pending_migrations(SQLITE).map(|_| ()),
        Conn::Postgres(inner) => {
            // One master at a time; the lock ends with the connection.
            super::conn::execute_lock(inner)?;
            inner.run_pending_migrations(POSTGRES).map(|_| ())
        }
    };
    outcome.map_err(|error| DbError::Open(format!("cannot migrate the database: {error}")))
}
