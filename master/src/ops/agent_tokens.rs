//! One-time tokens that machines enrol with: making, listing, taking back, and the line that a
//! person pastes on the machine.

use std::collections::BTreeMap;
use std::time::Duration;

use super::audit::{Attempt, authorise};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::config::Config;
use crate::db::{Conn, DbError, agent_tokens, audit};
use crate::error::{Error, Result};
use crate::ids::AgentTokenId;
use crate::model::{AgentToken, AuditOutcome, Name};
use crate::session;

/// How long a token may be used: a person walks to the machine and pastes it.
const LIFE: Duration = Duration::from_secs(3600);
/// Builds at a time on one machine, as in the configuration.
const SLOTS_MAX: u32 = 256;
/// Labels of one agent; builders choose by a handful.
const LABELS_MAX: usize = 32;
/// Longest label, name and value alike: a word.
const LABEL_CHARS_MAX: usize = 64;

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The name of the agent, or a beginning of names followed by `*`.
    pub names: String,
    /// Labels it gets where the configuration does not name it.
    pub labels: BTreeMap<String, String>,
    /// Builds at a time, likewise.
    pub slots: u32,
}

/// A token just made.
#[derive(Clone)]
pub struct Created {
    /// Its id.
    pub id: AgentTokenId,
    /// The token (`wlt1_…`): shown once and never again.
    pub secret: String,
    /// When it ends.
    pub expires_at: Time,
    /// What to paste on the machine.
    pub lines: Lines,
}

/// What to paste on a machine, each one line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Lines {
    /// For a shell on Linux and other Unix.
    pub unix: String,
    /// For PowerShell.
    pub windows: String,
}

/// Makes a token. It is good once and for an hour, and gives its agent a key of its own.
pub async fn create(app: &App, identity: &Identity, new: NewToken) -> Result<Created> {
    let attempt = attempt("agent.token", &new.names);
    authorise(app, identity, Permission::Administer, attempt).await?;
    let config = app.config();
    check(&new, &config)?;
    let (secret, public_id, secret_hex) = session::new_token().map_err(Error::internal)?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let expires_at = now.after(LIFE);
    let lines = lines(&config, &new.names, &secret);
    let row = agent_tokens::NewAgentToken {
        public_id,
        secret_hex,
        names: new.names,
        labels: new.labels,
        slots: new.slots,
        created_by: actor.clone(),
        expires_at,
    };
    let work = move |conn: &mut Conn| {
        let id = agent_tokens::insert(conn, now, &row)?;
        let (done, detail) = (AuditOutcome::Done, format!("token {}", row.public_id));
        audit::append(
            conn,
            now,
            &actor,
            "agent.token",
            "agent",
            &row.names,
            done,
            &detail,
        )?;
        Ok(id)
    };
    let id = app.db.tx("agent token", work).await?;
    Ok(Created {
        id,
        secret,
        expires_at,
        lines,
    })
}

/// The newest tokens, without their secrets.
pub async fn list(app: &App, identity: &Identity) -> Result<Vec<AgentToken>> {
    identity.require(Permission::Administer)?;
    Ok(app.db.read("agent tokens", agent_tokens::list).await?)
}

/// Takes back a token that was not used. Conflict when it was.
pub async fn revoke(app: &App, identity: &Identity, id: AgentTokenId) -> Result<()> {
    let what = id.to_string();
    let attempt = attempt("agent.revoke_token", &what);
    authorise(app, identity, Permission::Administer, attempt).await?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        agent_tokens::revoke(conn, now, id)?;
        let (done, action) = (AuditOutcome::Done, "agent.revoke_token");
        audit::append(conn, now, &actor, action, "agent_token", &what, done, "")?;
        Ok(())
    };
    match app.db.tx("agent token revoke", work).await {
        Err(DbError::Changed) => {
            let text = format!("there is no unused token {id}");
            Err(Error::Conflict(text))
        }
        done => Ok(done?),
    }
}

/// The lines for a token, from the addresses of the configuration.
#[must_use]
pub fn lines(config: &Config, names: &str, secret: &str) -> Lines {
    let url = &config.master.url;
    // A token for many names leaves the choice to the machine.
    let (unix, windows) = match names.ends_with('*') {
        true => (String::new(), String::new()),
        false => (
            format!("WINDLASS_NAME={names} "),
            format!("$env:WINDLASS_NAME='{names}'; "),
        ),
    };
    Lines {
        unix: format!("curl -fsSL {url}/agent/install.sh | {unix}WINDLASS_TOKEN={secret} sh"),
        windows: format!(
            "{windows}$env:WINDLASS_TOKEN='{secret}'; irm {url}/agent/install.ps1 | iex"
        ),
    }
}

fn check(new: &NewToken, config: &Config) -> Result<()> {
    let beginning = new.names.strip_suffix('*');
    let sample = match beginning {
        // Whatever follows: the beginning alone must be one of names.
        Some(beginning) => format!("{beginning}0"),
        None => new.names.clone(),
    };
    sample
        .parse::<Name>()
        .map_err(|error| Error::bad_input("name", error.to_string()))?;
    if config.agent_defaults.named_only && !config.agents.contains_key(&new.names) {
        let text = "[agents] has `named_only`: name an agent that has a table [agent.NAME]";
        return Err(Error::bad_input("name", text));
    }
    if !(1..=SLOTS_MAX).contains(&new.slots) {
        let text = format!("from 1 to {SLOTS_MAX} is possible");
        return Err(Error::bad_input("slots", text));
    }
    let fits = |text: &String| {
        let chars = text.chars().count();
        (1..=LABEL_CHARS_MAX).contains(&chars) && !text.chars().any(char::is_control)
    };
    let all_fit = new
        .labels
        .iter()
        .all(|(name, value)| fits(name) && fits(value));
    if new.labels.len() > LABELS_MAX || !all_fit {
        let text = format!(
            "at most {LABELS_MAX} labels of 1 to {LABEL_CHARS_MAX} plain characters are possible"
        );
        return Err(Error::bad_input("labels", text));
    }
    Ok(())
}

fn attempt<'a>(action: &'static str, id: &'a str) -> Attempt<'a> {
    Attempt {
        action,
        object_kind: "agent",
        object_id: id,
    }
}
