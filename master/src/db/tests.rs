//! A fresh database per engine for tests: SQLite in a temporary folder, and PostgreSQL where
//! `WINDLASS_TEST_POSTGRES` holds a URL of a server that lets us create databases.

use super::{Db, conn};

/// A database of one test; it is removed when this is dropped.
pub(crate) struct TestDb {
    /// The database, migrated and empty.
    pub(crate) db: Db,
    _home: Home,
}

enum Home {
    Folder {
        _folder: tempfile::TempDir,
    },
    Postgres {
        /// URL of the server's own database, where databases are created and dropped.
        server: String,
        name: String,
    },
}

/// One fresh database per engine that is at hand; SQLite always is.
pub(crate) fn engines() -> Vec<TestDb> {
    let mut all = vec![sqlite()];
    if let Ok(server) = std::env::var("WINDLASS_TEST_POSTGRES") {
        all.push(postgres(server));
    }
    all
}

/// A fresh SQLite database, for tests that are not about the engine.
pub(crate) fn sqlite() -> TestDb {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("windlass.sqlite")).unwrap();
    let home = Home::Folder { _folder: folder };
    TestDb { db, _home: home }
}

fn postgres(server: String) -> TestDb {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).unwrap();
    let name = format!("windlass_test_{:016x}", u64::from_be_bytes(bytes));
    let mut conn = conn::connect_postgres(&server).unwrap();
    conn::execute(&mut conn, &format!("CREATE DATABASE {name}")).unwrap();
    let (address, query) = server.split_once('?').unwrap_or((&server, ""));
    let (base, _) = address.rsplit_once('/').unwrap();
    let db = Db::open_postgres(&format!("{base}/{name}?{query}")).unwrap();
    let home = Home::Postgres { server, name };
    TestDb { db, _home: home }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Self::Postgres { server, name } = self
            && let Ok(mut conn) = conn::connect_postgres(server)
        {
            // What is left over after a failed test is harmless; the server is thrown away too.
            let _ = conn::execute(&mut conn, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Runs plain SQL, for tests that need rows which no operation makes.
pub(crate) fn sql(conn: &mut super::Conn, text: &str) -> super::DbResult<()> {
    conn::execute(conn, text)
}
