//! `windlass agent …`. Being an agent is the agent crate's affair.

use std::ffi::OsString;
use std::net::SocketAddr;

use super::output::Problem;
use super::user::CLI;
use super::{ConfigFile, agent_token, handles};
use crate::ids::AgentTokenId;
use crate::model::{AgentSummary, AgentUpgrade};
use crate::ops::agents;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a key for an agent and say what to do on its machine
    Add {
        /// Its name, as in [agent.NAME]
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Make a one-time token and print the line that a machine enrols with
    Token(agent_token::Arguments),
    /// List the tokens, without their secrets
    Tokens(ConfigFile),
    /// Take back a token that was not used
    RevokeToken {
        /// Its number in the list
        id: AgentTokenId,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// End the older of an agent's two keys, once the new one is in use
    RetireKey {
        /// Its name
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Send an agent the program that the master hands out for its system
    Upgrade {
        /// Its name
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Let an agent go that came by a token: its keys end
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// List the agents
    List(ConfigFile),
    /// Keep new builds from an agent
    Pause {
        /// Its name
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Let builds come to an agent again
    Resume {
        /// Its name
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Be an agent: `windlass agent run --help` lists its own flags
    #[command(disable_help_flag = true)]
    Run {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        arguments: Vec<OsString>,
    },
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::Add { name, file } => {
            let app = handles::beside(&file.config).await?;
            let key = agents::add(&app, &CLI, name).await.map_err(of)?;
            let config = app.config();
            let configured = config.agents.contains_key(name);
            print!(
                "{}",
                advice(name, &key, config.master.agent_listen, configured)
            );
        }
        Command::List(file) => {
            let app = handles::beside(&file.config).await?;
            let all = agents::list(&app, &CLI).await.map_err(of)?;
            all.iter().for_each(|agent| println!("{}", line(agent)));
        }
        Command::Token(arguments) => agent_token::make(arguments).await?,
        Command::Tokens(file) => agent_token::list(file).await?,
        Command::RevokeToken { id, file } => agent_token::revoke(*id, file).await?,
        Command::RetireKey { name, file } => {
            let app = handles::beside(&file.config).await?;
            agents::retire_key(&app, &CLI, name).await.map_err(of)?;
            println!("{name} has its newest key only");
        }
        Command::Upgrade { name, file } => {
            let app = handles::beside(&file.config).await?;
            agents::upgrade(&app, &CLI, name).await.map_err(of)?;
            println!("asked for; `windlass agent list` tells how far it is");
        }
        Command::Remove { name, file } => {
            let app = handles::beside(&file.config).await?;
            agents::remove(&app, &CLI, name).await.map_err(of)?;
            println!("{name} is removed: it cannot connect any more");
        }
        Command::Pause { name, file } => {
            let app = handles::beside(&file.config).await?;
            agents::set_paused(&app, &CLI, name, true)
                .await
                .map_err(of)?;
            println!("{name} gets no new builds");
        }
        Command::Resume { name, file } => {
            let app = handles::beside(&file.config).await?;
            agents::set_paused(&app, &CLI, name, false)
                .await
                .map_err(of)?;
            println!("{name} gets builds again");
        }
        Command::Run { .. } => {
            let text = "write `agent run` first: windlass agent run --master …";
            return Err(Problem::Usage(text.to_owned()));
        }
    }
    Ok(())
}

/// What to do on the agent's machine.
fn advice(name: &str, key: &str, listen: SocketAddr, configured: bool) -> String {
    let mut text = format!(
        "The key of agent {name}, shown once:\n\n    {key}\n\nOn its machine:\n\n    \
         (umask 077; echo {key} > {name}.key)\n    \
         windlass agent run --master {listen} --name {name} --key-file {name}.key\n\n\
         `windlass-agent` takes the same flags and needs nothing else installed.\n\
         `windlass agent token {name}` prints one line that does all of this instead.\n"
    );
    if listen.ip().is_loopback() {
        text.push_str(
            "The master listens for agents of this machine only: set `agent_listen` in [master] \
             for others.\n",
        );
    } else if listen.ip().is_unspecified() {
        text.push_str("Write the master's name or address instead of the zeros.\n");
    }
    if !configured {
        text.push_str(&format!(
            "The configuration does not name it yet: add a table [agent.{name}].\n"
        ));
    }
    text
}

fn line(agent: &AgentSummary) -> String {
    // Beside the master nobody holds a connection; the master's own account of them counts.
    let mut state = match (agent.connected_at, agent.last_seen_at) {
        (Some(at), _) => format!("connected since {at}"),
        (None, Some(at)) => format!("away since {at}"),
        (None, None) => "never seen".to_owned(),
    };
    for (told, word) in [
        (agent.paused, "paused"),
        (!agent.has_key, "no key: windlass agent add"),
        (agent.has_old_key, "an older key is valid too"),
        (!agent.active, "not in the configuration"),
    ] {
        if told {
            state.push_str(", ");
            state.push_str(word);
        }
    }
    if let Some(upgrade) = &agent.upgrade {
        let AgentUpgrade {
            state: now,
            state_text,
            ..
        } = upgrade;
        state.push_str(&format!(", upgrade {now}: {state_text}"));
    }
    if let Some(why) = &agent.refuses {
        state.push_str(", takes no work: ");
        state.push_str(why);
    }
    let machine = [&agent.os, &agent.arch].map(|word| word.as_deref().unwrap_or("-"));
    format!("{:<20} {:<18} {state}", agent.name, machine.join(" "))
}

fn of(error: crate::error::Error) -> Problem {
    Problem::of(error, |_| "NAME".to_owned())
}

#[cfg(test)]
mod tests;
