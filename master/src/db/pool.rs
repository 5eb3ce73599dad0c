//! Pools of reading connections, one per lane; on PostgreSQL they carry the transactions too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use diesel::r2d2::{ManageConnection, Pool};

use super::{Conn, DbError, DbResult, Engine, FeedEpochs, Lane, conn, events};

/// A page may wait this long for a connection before it says that the database is busy.
const CHECK_OUT_MAX: Duration = Duration::from_secs(2);
/// Connections per lane: more than the machine's cores help only against slow queries.
const LANE_CONNECTIONS: u32 = 6;
/// Runs of one transaction before its serialization failure is reported.
const ATTEMPTS_MAX: u32 = 8;

pub(super) struct Pools {
    engine: Engine,
    url: String,
    pages: Pool<Manager>,
    engine_lane: Pool<Manager>,
    agents: Pool<Manager>,
}

/// Opens connections for r2d2.
#[derive(Debug, Clone)]
struct Manager {
    url: String,
    engine: Engine,
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = DbError;

    fn connect(&self) -> DbResult<Conn> {
        match self.engine {
            Engine::Sqlite => {
                let mut conn = conn::connect_sqlite(&self.url)?;
                conn::execute(&mut conn, "PRAGMA query_only = ON")?;
                Ok(conn)
            }
            Engine::Postgres => conn::connect_postgres(&self.url),
        }
    }

    fn is_valid(&self, conn: &mut Conn) -> DbResult<()> {
        conn::execute(conn, "SELECT 1")
    }

    fn has_broken(&self, _: &mut Conn) -> bool {
        std::thread::panicking()
    }
}

impl Pools {
    pub(super) fn open(url: &str, engine: Engine) -> DbResult<Self> {
        let pool = || {
            Pool::builder()
                .max_size(LANE_CONNECTIONS)
                .min_idle(Some(0))
                .test_on_check_out(engine == Engine::Postgres)
                .connection_timeout(CHECK_OUT_MAX)
                .build(Manager {
                    url: url.to_owned(),
                    engine,
                })
                .map_err(|error| DbError::Open(error.to_string()))
        };
        Ok(Self {
            engine,
            url: url.to_owned(),
            pages: pool()?,
            engine_lane: pool()?,
            agents: pool()?,
        })
    }

    pub(super) fn engine(&self) -> Engine {
        self.engine
    }

    /// Where the PostgreSQL database is; nothing on SQLite.
    pub(super) fn postgres_url(&self) -> Option<&str> {
        let url = || self.url.as_str();
        (self.engine == Engine::Postgres).then(url)
    }

    fn lane(&self, lane: Lane) -> &Pool<Manager> {
        match lane {
            Lane::Pages => &self.pages,
            Lane::Engine => &self.engine_lane,
            Lane::Agents => &self.agents,
        }
    }

    pub(super) fn with<T>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut Conn) -> DbResult<T>,
    ) -> DbResult<T> {
        let mut conn = self.lane(lane).get().map_err(|_| DbError::Busy)?;
        work(&mut conn)
    }

    /// One PostgreSQL transaction, run again after a serialization failure.
    pub(super) fn transaction<T>(
        &self,
        lane: Lane,
        name: &'static str,
        feeds: &FeedEpochs,
        work: impl Fn(&mut Conn) -> DbResult<T>,
    ) -> DbResult<T> {
        let mut conn = self.lane(lane).get().map_err(|_| DbError::Busy)?;
        let mut attempt = 1;
        loop {
            conn::execute(&mut conn, "BEGIN")?;
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut conn)))
                .unwrap_or(Err(DbError::Panicked(name)))
                .and_then(|value| conn::execute(&mut conn, "COMMIT").map(|()| value));
            match outcome {
                Ok(value) => {
                    feeds.raise(&events::take_touched_feeds());
                    return Ok(value);
                }
                Err(error) => {
                    conn::execute(&mut conn, "ROLLBACK")?;
                    if !error.is_transient() || attempt == ATTEMPTS_MAX {
                        return Err(error);
                    }
                    attempt += 1;
                }
            }
        }
    }
}
