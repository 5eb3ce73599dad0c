//! Facts of the deployment that are made once and kept: its id. What a user configures is not here.

use diesel::prelude::*;

use super::schema::settings;
use super::{Conn, DbError, DbResult};

/// Name of the row with the deployment's id.
const DEPLOYMENT: &str = "deployment";

/// The deployment's id, 32 hexadecimal digits: made at random on the first call, which must be in
/// a transaction, and the same ever after.
pub fn deployment(conn: &mut Conn) -> DbResult<String> {
    let known: Option<String> = settings::table
        .find(DEPLOYMENT)
        .select(settings::value)
        .first(conn)
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| DbError::Open(format!("no random numbers: {error}")))?;
    let id = format!("{:032x}", u128::from_be_bytes(bytes));
    diesel::insert_into(settings::table)
        .values((settings::name.eq(DEPLOYMENT), settings::value.eq(&id)))
        .execute(conn)?;
    Ok(id)
}

#[cfg(test)]
mod tests;
