//! One master per database. On SQLite the lock of the data folder is enough; on PostgreSQL a lock
//! of the server, which ends with the connection that holds it, keeps a second machine out.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{Conn, Db, DbError, DbResult, conn};

/// Between two looks whether the lock is still ours: as long as two masters can be at work after
/// the server dropped the connection. Every claim is guarded besides.
const LOOK_EACH: Duration = Duration::from_secs(5);

/// The right to be this database's master; given back when it is dropped.
pub struct MasterLock {
    db: Db,
    /// Absent on SQLite.
    conn: Option<Conn>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

impl Db {
    /// Takes the lock; `None` when another master has it.
    pub async fn lock_master(&self) -> DbResult<Option<MasterLock>> {
        let db = self.clone();
        let take = move || {
            let Some(url) = db.shared.pools.postgres_url() else {
                return Ok(Some(MasterLock { db, conn: None }));
            };
            let conn = take(url)?;
            Ok(conn.map(|conn| MasterLock {
                db,
                conn: Some(conn),
            }))
        };
        run(take).await
    }
}

impl MasterLock {
    /// Returns when another master has taken the lock, which can be after the server dropped our
    /// connection; never otherwise.
    pub async fn lost(mut self) {
        loop {
            tokio::time::sleep(LOOK_EACH).await;
            let Some(mut conn) = self.conn.take() else {
                std::future::pending().await
            };
            let db = self.db.clone();
            let look = move || match conn::execute(&mut conn, "SELECT 1") {
                Ok(()) => Ok(Some(conn)),
                Err(error) => {
                    tracing::warn!(%error, "the connection that holds the master's lock is gone");
                    drop(conn);
                    again(&db)
                }
            };
            match run(look).await {
                Ok(Some(conn)) => self.conn = Some(conn),
                Ok(None) => return,
                // Panicked inside; the lock is let go.
                Err(_) => return,
            }
        }
    }
}

/// Takes the lock again once the server is back; `None` when another was faster.
fn again(db: &Db) -> DbResult<Option<Conn>> {
    let url = db.shared.pools.postgres_url().unwrap_or_default();
    loop {
        match take(url) {
            // Nobody has the lock of a server that does not answer.
            Err(error) => {
                tracing::warn!(%error, "the master's lock cannot be taken again yet");
                std::thread::sleep(LOOK_EACH);
            }
            taken => return taken,
        }
    }
}

/// The number is arbitrary and ours alone; locks of PostgreSQL are per database.
fn take(url: &str) -> DbResult<Option<Conn>> {
    let mut conn = conn::connect_postgres(url)?;
    let sql = "SELECT pg_try_advisory_lock(7719030418) AS taken";
    let answer: Answer = diesel::sql_query(sql).get_result(&mut conn)?;
    Ok(answer.taken.then_some(conn))
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> DbResult<T> + Send + 'static,
) -> DbResult<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| DbError::Panicked("master lock"))?
}

#[cfg(test)]
mod tests {
    //! The lock between two masters.

    use super::*;
    use crate::db::Engine;
    use crate::db::tests::engines;

    #[tokio::test]
    async fn a_second_master_of_a_postgresql_database_is_kept_out_until_the_first_ends() {
        for test in engines() {
            if test.db.engine() == Engine::Sqlite {
                // Its data folder is locked instead.
                assert!(test.db.lock_master().await.unwrap().is_some());
                continue;
            }
            let first = test.db.lock_master().await.unwrap();
            assert!(first.is_some());
            assert!(test.db.lock_master().await.unwrap().is_none());
            drop(first);
            // The server notices the end of a connection a moment later.
            let freed = async {
                while test.db.lock_master().await.unwrap().is_none() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), freed)
                .await
                .unwrap();
        }
    }
}
