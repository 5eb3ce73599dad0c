//! `windlass token …`.

use std::time::Duration;

use super::output::Problem;
use super::user::CLI;
use super::{ConfigFile, handles};
use crate::clock::Time;
use crate::config::units::parse_duration;
use crate::ids::TokenId;
use crate::model::{Role, Token};
use crate::ops::tokens::{self, NewToken};
use crate::ops::users;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a token, which is shown once
    Create {
        /// Whose it is
        #[arg(long, value_name = "NAME")]
        user: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// Most it may do [default: the user's role]
        #[arg(long)]
        role: Option<Role>,
        /// How long it is valid, such as 90d [default: for ever]
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<Duration>,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// List the tokens, without their secrets
    List(ConfigFile),
    /// End a token
    Revoke {
        /// Its number in the list
        id: TokenId,
        #[command(flatten)]
        file: ConfigFile,
    },
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::Create {
            user,
            name,
            role,
            expires,
            file,
        } => {
            let app = handles::beside(&file.config).await?;
            let new = NewToken {
                user: user.clone(),
                name: name.clone(),
                role: *role,
                expires_at: expires.map(|span| app.clock.now().after(span)),
            };
            let made = tokens::create(&app, &CLI, new).await?;
            eprintln!("token {} of {user}, {}; shown once:", made.id, made.role);
            println!("{}", made.secret);
        }
        Command::List(file) => {
            let app = handles::beside(&file.config).await?;
            let now = app.clock.now();
            let people = users::list(&app, &CLI).await?;
            for token in tokens::list(&app, &CLI, None).await? {
                let owner = people.iter().find(|user| user.id == token.user);
                let owner = owner.map_or("?", |user| user.name.as_str());
                println!("{}", line(&token, owner, now));
            }
        }
        Command::Revoke { id, file } => {
            let app = handles::beside(&file.config).await?;
            tokens::revoke(&app, &CLI, *id).await?;
            println!("token {id} is no longer valid");
        }
    }
    Ok(())
}

fn line(token: &Token, owner: &str, now: Time) -> String {
    let state = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= now => format!("expired {at}"),
        (None, Some(at)) => format!("valid until {at}"),
        (None, None) => "valid".to_owned(),
    };
    format!(
        "{:>5}  {owner:<20} {:<9} {:<30} {state}",
        token.id, token.role, token.name
    )
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|span| !span.is_zero())
        .ok_or_else(|| "write a number with its unit, such as 12h or 90d".to_owned())
}
