//! Facts of the deployment that are made once and kept: its id. What a user configures is not here.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::settings;
use super::{Conn, DbError, DbResult};

/// Name of the row with the deployment's id.
const DEPLOYMENT: &str = "deployment";

/// The deployment's id, 32 hexadecimal digits: made at random on the first call, which must be in
/// a transaction, and the same ever after.
pub fn deployment(conn: &mut Conn) -> DbResult<String> {
    if let Some(id) = known(conn)? {
        return Ok(id);
    }
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| DbError::Open(format!("no random numbers: {error}")))?;
    let id = format!("{:032x}", u128::from_be_bytes(bytes));
    let values = (settings::name.eq(DEPLOYMENT), settings::value.eq(&id));
    per_engine!(conn, inner => diesel::insert_into(settings::table)
        .values(values)
        .on_conflict(settings::name)
        .do_nothing()
        .execute(inner))?;
    // Another transaction may have been faster: its id is the deployment's.
    known(conn)?.ok_or(DbError::NotFound)
}

fn known(conn: &mut Conn) -> DbResult<Option<String>> {
    Ok(settings::table
        .find(DEPLOYMENT)
        .select(settings::value)
        .first(conn)
        .optional()?)
}

#[cfg(test)]
mod tests;
