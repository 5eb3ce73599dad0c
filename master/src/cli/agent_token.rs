//! `windlass agent token`, `tokens` and `revoke-token`.

use super::output::Problem;
use super::user::CLI;
use super::{ConfigFile, handles};
use crate::clock::Time;
use crate::ids::AgentTokenId;
use crate::model::AgentToken;
use crate::ops::agent_tokens::{self, NewToken};
use crate::ops::programs;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Name of the agent, or a beginning of names followed by `*`
    name: String,
    /// A label it gets unless the configuration names it; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Builds at a time, unless the configuration names it
    #[arg(long, default_value_t = 1)]
    slots: u32,
    #[command(flatten)]
    file: ConfigFile,
}

/// Makes a token; the line for a shell alone goes to standard output.
pub(super) async fn make(arguments: &Arguments) -> Result<(), Problem> {
    let app = handles::beside(&arguments.file.config).await?;
    let new = NewToken {
        names: arguments.name.clone(),
        labels: arguments.labels.iter().cloned().collect(),
        slots: arguments.slots,
    };
    let made = agent_tokens::create(&app, &CLI, new).await;
    let made = made.map_err(|error| Problem::of(error, flag_of))?;
    eprintln!(
        "The token for {}, shown once; good for one machine until {}.\n\
         On Linux and other Unix, in a shell:\n",
        arguments.name, made.expires_at
    );
    println!("{}", made.lines.unix);
    eprintln!("\nOn Windows, in PowerShell:\n\n{}\n", made.lines.windows);
    for program in programs::list(&app, &CLI).await? {
        eprintln!("{}  {}", program.sha256, program.file);
    }
    advise(&app);
    Ok(())
}

/// What may keep the machine from coming.
fn advise(app: &crate::app::App) {
    let config = app.config();
    let master = &config.master;
    if app.programs.list().is_ok_and(|all| all.is_empty()) {
        eprintln!(
            "The master has no programs to hand out: put what `agent/dist` makes into {}.",
            master.data.join("agents").display()
        );
    }
    eprintln!("Agents dial {}.", master.dialled_address());
}

/// Prints every token without its secret.
pub(super) async fn list(file: &ConfigFile) -> Result<(), Problem> {
    let app = handles::beside(&file.config).await?;
    let now = app.clock.now();
    for token in agent_tokens::list(&app, &CLI).await? {
        println!("{}", line(&token, now));
    }
    Ok(())
}

/// Takes a token back.
pub(super) async fn revoke(id: AgentTokenId, file: &ConfigFile) -> Result<(), Problem> {
    let app = handles::beside(&file.config).await?;
    agent_tokens::revoke(&app, &CLI, id).await?;
    println!("token {id} is no longer valid");
    Ok(())
}

fn line(token: &AgentToken, now: Time) -> String {
    let state = match (token.revoked_at, token.used_at, &token.agent) {
        (Some(at), ..) => format!("revoked {at}"),
        (None, Some(at), Some(agent)) => format!("used by {agent} {at}"),
        _ if token.expires_at <= now => format!("expired {}", token.expires_at),
        _ => format!("valid until {}", token.expires_at),
    };
    format!(
        "{:>5}  {:<30} {:<20} {state}",
        token.id, token.names, token.created_by
    )
}

fn flag_of(field: &str) -> String {
    match field {
        "name" => "NAME".to_owned(),
        "labels" => "--label".to_owned(),
        other => format!("--{other}"),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write it as NAME=VALUE, such as pool=lab")?;
    Ok((name.to_owned(), value.to_owned()))
}
