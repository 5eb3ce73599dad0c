//! `windlass init DIR`: a commented configuration, the data folder and the first user.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::output::Problem;
use super::user::{self, CLI};
use super::{check, handles};
use crate::config;
use crate::model::Role;
use crate::ops::users::{self, NewUser};

/// The configuration that is written: good as it is, with what comes next in comments.
const TEMPLATE: &str = include_str!("init/windlass.toml");

/// Arguments of `windlass init`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder to make; what is in it already stays
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Login name of the first user, an administrator
    #[arg(long, value_name = "NAME", default_value = "admin")]
    user: String,
    /// Read the password of the first user from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

/// Does it.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Problem> {
    let folder = &arguments.folder;
    let (password, made) = user::password(arguments.password_stdin)?;
    let name: Result<crate::model::Name, _> = arguments.user.parse();
    name.map_err(|error| Problem::Usage(format!("--user: {error}")))?;
    crate::auth::password::check_rules(&arguments.user, &password)
        .map_err(|text| Problem::Usage(format!("the password: {text}")))?;
    let file = folder.join("windlass.toml");
    write(folder, &file)?;
    let config = config::load(&file)?;
    println!("made {}", file.display());
    let app = handles::beside(&file).await?;
    println!("made {}", config.master.data.display());
    let new = NewUser {
        name: arguments.user.clone(),
        email: None,
        role: Role::Admin,
        password: Some(password.clone()),
    };
    users::add(&app, &CLI, new).await?;
    println!("added the user {}, who may do everything", arguments.user);
    user::tell_password(&password, made);
    println!("\n{}", check::summary(&config));
    let shown = file.display();
    println!("Next: windlass serve --config {shown}");
    println!("then open {} and log in.", config.master.url);
    Ok(())
}

fn write(folder: &Path, file: &Path) -> Result<(), Problem> {
    let problem = |what: &Path, error: std::io::Error| {
        Problem::Other(format!("cannot make {}: {error}", what.display()))
    };
    fs::create_dir_all(folder).map_err(|error| problem(folder, error))?;
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    let mut made = made.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Problem::Other(format!(
            "{} is there already: choose another folder, or edit it and run `windlass check`",
            file.display()
        )),
        _ => problem(file, error),
    })?;
    made.write_all(TEMPLATE.as_bytes())
        .and_then(|()| made.sync_all())
        .map_err(|error| problem(file, error))
}
