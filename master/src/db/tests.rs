//! A fresh database per engine for tests: SQLite in a temporary folder, and PostgreSQL where
//! `WINDLASS_TEST_POSTGRES` holds a URL of a server that lets us create databases.

use super::{Db, conn};

/// A database of one test; it is removed when this is dropped.
pub(crate) struct TestDb {
    /// The database, migrated and empty.
    pub(crate) db: Db,
    home: Home,
}

impl TestDb {
    /// Another connection to it, for a test that looks on from outside.
    pub(crate) fn connect(&self) -> conn::Conn {
        match &self.home {
            Home::Folder { folder } => {
                let path = folder.path().join("windlass.sqlite");
                conn::connect_sqlite(&path.to_string_lossy()).unwrap()
            }
            Home::Postgres { url, .. } => conn::connect_postgres(url).unwrap(),
        }
    }

    /// The same database as another process has it.
    pub(crate) fn another(&self) -> Db {
        match &self.home {
            Home::Folder { folder } => Db::open_sqlite(&folder.path().join("windlass.sqlite")),
            Home::Postgres { url, .. } => Db::open_postgres(url),
        }
        .unwrap()
    }
}

enum Home {
    Folder {
        folder: tempfile::TempDir,
    },
    Postgres {
        /// URL of the server's own database, where databases are created and dropped.
        server: String,
        name: String,
        /// URL of this one.
        url: String,
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
    let home = Home::Folder { folder };
    TestDb { db, home }
}

fn postgres(server: String) -> TestDb {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).unwrap();
    let name = format!("windlass_test_{:016x}", u64::from_be_bytes(bytes));
    let mut conn = conn::connect_postgres(&server).unwrap();
    conn::execute(&mut conn, &format!("CREATE DATABASE {name}")).unwrap();
    let (address, query) = server.split_once('?').unwrap_or((&server, ""));
    let (base, _) = address.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}?{query}");
    let db = Db::open_postgres(&url).unwrap();
    let home = Home::Postgres { server, name, url };
    TestDb { db, home }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Self::Postgres { server, name, .. } = self
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

/// References that nothing is looked up by, or of tables as small as the configuration and the
/// people: going through those costs nothing.
const NOT_LOOKED_UP: [&str; 16] = [
    "artifacts.step_id",
    "branches.follows_branch_id",
    "builders.project_id",
    "commands.log_id",
    "holds.lifted_by",
    "repositories.project_id",
    "retention_items.product_id",
    "retention_latest.after_product_id",
    "retention_latest.before_product_id",
    "retention_latest.branch_id",
    "schedule_cursors.repository_id",
    "sessions.user_id",
    "shutoffs.branch_id",
    "signoffs.user_id",
    "source_stamps.repository_id",
    "tokens.user_id",
];

/// References without an index that begins with them.
const WITHOUT_INDEX: &str = "
    SELECT t.name || '.' || f.\"from\" AS name
    FROM sqlite_master t, pragma_foreign_key_list(t.name) f
    WHERE t.type = 'table' AND NOT EXISTS (
        SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c
        WHERE c.seqno = 0 AND c.name = f.\"from\")
    ORDER BY 1";

#[derive(diesel::QueryableByName)]
struct Reference {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

#[tokio::test]
async fn what_grows_is_found_by_an_index_and_not_by_reading_all_of_it() {
    use diesel::RunQueryDsl as _;
    let read = |conn: &mut conn::Conn| {
        let found: Vec<Reference> = diesel::sql_query(WITHOUT_INDEX).load(conn)?;
        Ok(found)
    };
    let found = sqlite().db.read("test", read).await.unwrap();
    let names: Vec<String> = found.into_iter().map(|row| row.name).collect();
    assert_eq!(names, NOT_LOOKED_UP);
}
