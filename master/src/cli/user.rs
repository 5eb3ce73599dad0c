//! `windlass user …`.

use std::io::Read as _;

use super::output::Problem;
use super::{ConfigFile, handles};
use crate::auth::{Identity, password};
use crate::model::{Role, User};
use crate::ops::users::{self, NewUser};

/// Who the command line is in the audit trail.
pub(super) const CLI: Identity = Identity::Local { name: "cli" };

/// Most bytes of a password read from standard input.
const INPUT_BYTES_MAX: u64 = 4_096;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a user; without --password-stdin a password is made and shown once
    Add {
        /// Login name
        name: String,
        /// What they may do: viewer, qa, engineer or admin
        #[arg(long)]
        role: Role,
        /// Mail address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// List the users
    List(ConfigFile),
    /// Set a user's password and end their sessions
    Password {
        /// Login name
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Change what a user may do
    Role {
        /// Login name
        name: String,
        /// What they may do: viewer, qa, engineer or admin
        role: Role,
        /// Switch logging in off as well
        #[arg(long)]
        disabled: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::Add {
            name,
            role,
            email,
            password_stdin,
            file,
        } => {
            let app = handles::beside(&file.config).await?;
            let (password, made) = password(*password_stdin)?;
            let new = NewUser {
                name: name.clone(),
                email: email.clone(),
                role: *role,
                password: Some(password.clone()),
            };
            users::add(&app, &CLI, new).await.map_err(of)?;
            println!("added the user {name} with the role {role}");
            tell_password(&password, made);
        }
        Command::List(file) => {
            let app = handles::beside(&file.config).await?;
            let all = users::list(&app, &CLI).await.map_err(of)?;
            all.iter().for_each(|user| println!("{}", line(user)));
        }
        Command::Password {
            name,
            password_stdin,
            file,
        } => {
            let app = handles::beside(&file.config).await?;
            let (password, made) = password(*password_stdin)?;
            let set = users::set_password(&app, &CLI, name, password.clone());
            set.await.map_err(of)?;
            println!("{name} has a new password and is logged out everywhere");
            tell_password(&password, made);
        }
        Command::Role {
            name,
            role,
            disabled,
            file,
        } => {
            let app = handles::beside(&file.config).await?;
            let set = users::set_role(&app, &CLI, name, *role, *disabled);
            set.await.map_err(of)?;
            let off = if *disabled { ", cannot log in" } else { "" };
            println!("{name} is {role} now{off}");
        }
    }
    Ok(())
}

/// A password from standard input, or a made one (then the second is true).
pub(super) fn password(from_stdin: bool) -> Result<(String, bool), Problem> {
    if !from_stdin {
        return Ok((password::generate(), true));
    }
    let mut text = String::new();
    let read = std::io::stdin()
        .take(INPUT_BYTES_MAX)
        .read_to_string(&mut text);
    read.map_err(|error| Problem::Other(format!("--password-stdin: cannot read: {error}")))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        let help = "--password-stdin: nothing came in: send the password as one line";
        return Err(Problem::Usage(help.to_owned()));
    }
    Ok((line.to_owned(), false))
}

/// Shows a made password, once.
pub(super) fn tell_password(password: &str, made: bool) {
    if made {
        println!("password: {password}  (shown once)");
    }
}

fn line(user: &User) -> String {
    let email = user.email.as_deref().unwrap_or("-");
    let off = if user.disabled { "  disabled" } else { "" };
    format!("{:<20} {:<9} {email}{off}", user.name, user.role)
}

fn of(error: crate::error::Error) -> Problem {
    Problem::of(error, |field| match field {
        "name" => "NAME".to_owned(),
        "password" => "the password".to_owned(),
        other => format!("--{other}"),
    })
}
