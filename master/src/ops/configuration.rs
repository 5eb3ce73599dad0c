//! Bringing the configuration into force: rows of what it names are made or changed.

use std::sync::Arc;

use crate::clock::Time;
use crate::config::Config;
use crate::db::{Conn, Db, agents, sync};
use crate::error::Result;

/// Makes the rows of projects, repositories, agents and builders fit `config`. What vanished from
/// it becomes inactive and keeps its history. At the `start` of a master nobody is connected.
pub async fn apply(db: &Db, now: Time, config: Arc<Config>, start: bool) -> Result<()> {
    let work = move |conn: &mut Conn| {
        sync::apply(conn, now, &config)?;
        if start {
            agents::forget_connections(conn)?;
        }
        Ok(())
    };
    Ok(db.tx("configuration", work).await?)
}

#[cfg(test)]
mod tests;
