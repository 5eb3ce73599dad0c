//! One-time tokens that machines enrol with. What a token allows is decided here, in the
//! transaction that stores the agent's key; who may make one is decided by the operation.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::schema::{agent_tokens, agents as agent_rows};
use super::{Conn, DbError, DbResult, agents};
use crate::clock::Time;
use crate::ids::{AgentId, AgentTokenId};
use crate::model::{AgentToken, Name};

/// Tokens told at once, newest first.
const LISTED_MAX: i64 = 200;
/// Why a token does nothing, to somebody who has proved that they hold it.
pub const SPENT: &str = "the token was used already";
/// The same of one that is for other names.
pub const OTHER_NAME: &str = "the token is for another name";
/// The same of one whose name is another machine's.
pub const NAME_TAKEN: &str =
    "the name is another machine's: a token for exactly this name may take it over";
/// The same of one that is over.
pub const OVER: &str = "the token has expired or was revoked";

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewAgentToken {
    /// What the agent names it by.
    pub public_id: String,
    /// Its secret as 64 hex digits.
    pub secret_hex: String,
    /// A name, or a pattern with one `*` at its end.
    pub names: String,
    /// Labels of the agent, where the configuration does not name it.
    pub labels: BTreeMap<String, String>,
    /// Builds at a time, likewise.
    pub slots: u32,
    /// Who made it.
    pub created_by: String,
    /// When it ends.
    pub expires_at: Time,
}

/// Somebody who has proved the secret of a token and wants a key for it.
#[derive(Debug, Clone)]
pub struct Asking {
    /// The token.
    pub public_id: String,
    /// The name they want.
    pub name: String,
    /// Their installation.
    pub installation: String,
    /// The key that both sides derived, 64 hex digits.
    pub key_hex: String,
}

type Row = (
    i64,
    String,
    String,
    String,
    i64,
    String,
    i64,
    i64,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

/// Adds a token, and forgets the secrets of those that are over.
pub fn insert(conn: &mut Conn, now: Time, new: &NewAgentToken) -> DbResult<AgentTokenId> {
    let over = agent_tokens::table
        .filter(agent_tokens::secret_hex.is_not_null())
        .filter(agent_tokens::expires_at.le(now.0));
    diesel::update(over)
        .set(agent_tokens::secret_hex.eq(None::<String>))
        .execute(conn)?;
    let id: i64 = diesel::insert_into(agent_tokens::table)
        .values((
            agent_tokens::public_id.eq(&new.public_id),
            agent_tokens::secret_hex.eq(&new.secret_hex),
            agent_tokens::names.eq(&new.names),
            agent_tokens::labels.eq(agents::json(&new.labels)),
            agent_tokens::slots.eq(i64::from(new.slots)),
            agent_tokens::created_by.eq(&new.created_by),
            agent_tokens::created_at.eq(now.0),
            agent_tokens::expires_at.eq(new.expires_at.0),
        ))
        .returning(agent_tokens::id)
        .get_result(conn)?;
    Ok(AgentTokenId(id))
}

/// The newest tokens, without their secrets.
pub fn list(conn: &mut Conn) -> DbResult<Vec<AgentToken>> {
    let rows: Vec<Row> = agent_tokens::table
        .left_join(agent_rows::table)
        .order(agent_tokens::id.desc())
        .limit(LISTED_MAX)
        .select((
            agent_tokens::id,
            agent_tokens::public_id,
            agent_tokens::names,
            agent_tokens::labels,
            agent_tokens::slots,
            agent_tokens::created_by,
            agent_tokens::created_at,
            agent_tokens::expires_at,
            agent_tokens::used_at,
            agent_rows::name.nullable(),
            agent_tokens::settled_at,
            agent_tokens::revoked_at,
        ))
        .load(conn)?;
    Ok(rows.into_iter().map(token).collect())
}

/// The secret (64 hex digits) of a token that is not over; `None` for every other.
pub fn secret(conn: &mut Conn, now: Time, public_id: &str) -> DbResult<Option<String>> {
    let found: Option<Option<String>> = agent_tokens::table
        .filter(agent_tokens::public_id.eq(public_id))
        .filter(agent_tokens::expires_at.gt(now.0))
        .filter(agent_tokens::revoked_at.is_null())
        .select(agent_tokens::secret_hex)
        .first(conn)
        .optional()?;
    Ok(found.flatten())
}

/// Uses a token: the agent, its key and the token's use in one transaction. The same installation
/// may do it again until its key was used. `Err` in the result says why not; nothing is written
/// then.
pub fn enrol(
    conn: &mut Conn,
    now: Time,
    asking: &Asking,
) -> DbResult<Result<AgentId, &'static str>> {
    type Found = (
        i64,
        String,
        String,
        i64,
        i64,
        Option<i64>,
        Option<String>,
        Option<i64>,
    );
    let found: Option<Found> = agent_tokens::table
        .filter(agent_tokens::public_id.eq(&asking.public_id))
        .filter(agent_tokens::revoked_at.is_null())
        .select((
            agent_tokens::id,
            agent_tokens::names,
            agent_tokens::labels,
            agent_tokens::slots,
            agent_tokens::expires_at,
            agent_tokens::agent_id,
            agent_tokens::installation,
            agent_tokens::settled_at,
        ))
        .first(conn)
        .optional()?;
    let Some((id, names, labels, slots, expires_at, agent, installation, settled)) = found else {
        return Ok(Err(OVER));
    };
    if expires_at <= now.0 {
        return Ok(Err(OVER));
    }
    if settled.is_some()
        || installation
            .as_ref()
            .is_some_and(|by| *by != asking.installation)
    {
        return Ok(Err(SPENT));
    }
    if !fits(&names, &asking.name) || asking.name.parse::<Name>().is_err() {
        return Ok(Err(OTHER_NAME));
    }
    let before = match agents::by_name(conn, &asking.name) {
        Err(DbError::NotFound) => None,
        found => Some(found?),
    };
    let is_own = before.as_ref().is_some_and(|row| agent == Some(row.id.0));
    let is_taken = before.is_some_and(|row| row.has_key);
    if agent.is_some() && !is_own {
        // The same machine, by another name.
        return Ok(Err(SPENT));
    }
    if is_taken && !is_own && names != asking.name {
        return Ok(Err(NAME_TAKEN));
    }
    let new = agents::Enrolled {
        name: asking.name.clone(),
        key_hex: asking.key_hex.clone(),
        labels: agents::map(&labels),
        slots: u32::try_from(slots).unwrap_or(1),
        again: is_own,
    };
    let agent = agents::enrol(conn, now, &new)?;
    let unused = agent_tokens::table
        .find(id)
        .filter(agent_tokens::settled_at.is_null())
        .filter(
            agent_tokens::installation
                .is_null()
                .or(agent_tokens::installation.eq(&asking.installation)),
        );
    let used = diesel::update(unused)
        .set((
            agent_tokens::used_at.eq(now.0),
            agent_tokens::agent_id.eq(agent.0),
            agent_tokens::installation.eq(&asking.installation),
        ))
        .execute(conn)?;
    match used {
        1 => Ok(Ok(agent)),
        // Another was faster: the transaction is undone.
        _ => Err(DbError::Changed),
    }
}

/// The installation that used a token has its key: the token is spent for good, and the key that
/// was in force before has ended.
pub fn settle(conn: &mut Conn, now: Time, agent: AgentId, installation: &str) -> DbResult<()> {
    let open = agent_tokens::table
        .filter(agent_tokens::agent_id.eq(agent.0))
        .filter(agent_tokens::installation.eq(installation))
        .filter(agent_tokens::settled_at.is_null());
    let settled = diesel::update(open)
        .set((
            agent_tokens::settled_at.eq(now.0),
            agent_tokens::secret_hex.eq(None::<String>),
        ))
        .execute(conn)?;
    if settled > 0 {
        match agents::retire_previous_key(conn, agent) {
            Ok(()) | Err(DbError::Changed) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Ends the tokens that an agent has used and could use again: it is removed.
pub fn end_of(conn: &mut Conn, now: Time, agent: AgentId) -> DbResult<()> {
    let open = agent_tokens::table
        .filter(agent_tokens::agent_id.eq(agent.0))
        .filter(agent_tokens::settled_at.is_null());
    diesel::update(open)
        .set((
            agent_tokens::settled_at.eq(now.0),
            agent_tokens::secret_hex.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends a token that was not used. [`DbError::Changed`] when it was, or is over already.
pub fn revoke(conn: &mut Conn, now: Time, id: AgentTokenId) -> DbResult<()> {
    let open = agent_tokens::table
        .find(id.0)
        .filter(agent_tokens::used_at.is_null())
        .filter(agent_tokens::revoked_at.is_null());
    let changed = diesel::update(open)
        .set((
            agent_tokens::revoked_at.eq(now.0),
            agent_tokens::secret_hex.eq(None::<String>),
        ))
        .execute(conn)?;
    match changed {
        1 => Ok(()),
        _ => Err(DbError::Changed),
    }
}

/// Whether a name is one that the token is for.
fn fits(names: &str, name: &str) -> bool {
    match names.strip_suffix('*') {
        Some(beginning) => name.len() > beginning.len() && name.starts_with(beginning),
        None => names == name,
    }
}

fn token(row: Row) -> AgentToken {
    let (id, public_id, names, labels, slots, created_by, created, expires, used, agent, ..) = row;
    AgentToken {
        id: AgentTokenId(id),
        public_id,
        names,
        labels: agents::map(&labels),
        slots: u32::try_from(slots).unwrap_or(1),
        created_by,
        created_at: Time(created),
        expires_at: Time(expires),
        used_at: used.map(Time),
        agent,
        settled_at: row.10.map(Time),
        revoked_at: row.11.map(Time),
    }
}

#[cfg(test)]
mod tests;
