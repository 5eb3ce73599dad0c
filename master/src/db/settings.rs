//! Facts of the deployment that are made once and kept: its id. What a user configures is not here.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::settings;
use super::{Conn, DbError, DbResult};

/// Name of the row with the deployment's id.
const DEPLOYMENT: &str = "deployment";
/// Name of the row with the keys that sign addresses of files, one per line.
const FILE_KEYS: &str = "file-keys";

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

/// The keys that sign addresses of files, the one in force first; made at random on the first call,
/// which must be in a transaction that may write.
pub fn file_keys(conn: &mut Conn) -> DbResult<Vec<String>> {
    let keys = known_file_keys(conn)?;
    match keys.is_empty() {
        true => rotate_file_key(conn),
        false => Ok(keys),
    }
}

/// The keys that sign addresses of files, the one in force first; none before the first was made.
pub fn known_file_keys(conn: &mut Conn) -> DbResult<Vec<String>> {
    let row = value(conn, FILE_KEYS)?;
    Ok(row.map_or_else(Vec::new, |row| row.lines().map(str::to_owned).collect()))
}

/// Makes a new key that signs from now on. What the last one signed stays good until its end; what
/// older ones signed does not.
pub fn rotate_file_key(conn: &mut Conn) -> DbResult<Vec<String>> {
    let mut keys = known_file_keys(conn)?;
    keys.insert(0, random_key()?);
    keys.truncate(2);
    put(conn, FILE_KEYS, &keys.join("\n"))?;
    Ok(keys)
}

/// 256 random bits in hex.
pub(super) fn random_key() -> DbResult<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| DbError::Open(format!("no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Sets a row.
pub fn put(conn: &mut Conn, name: &str, value: &str) -> DbResult<()> {
    let values = (settings::name.eq(name), settings::value.eq(value));
    per_engine!(conn, inner => diesel::insert_into(settings::table)
        .values(values)
        .on_conflict(settings::name)
        .do_update()
        .set(settings::value.eq(value))
        .execute(inner))?;
    Ok(())
}

/// The value of a row.
pub fn value(conn: &mut Conn, name: &str) -> DbResult<Option<String>> {
    let row = settings::table.find(name).select(settings::value);
    Ok(row.first(conn).optional()?)
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
