//! `windlass project …`: the keys of private projects.

use super::output::Problem;
use super::user::CLI;
use super::{ConfigFile, handles};
use crate::ops::privacy;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show the keys with which the feeds of a private project answer, the one in force first
    FeedKeys {
        /// The project
        name: String,
        /// Make a new one first; the last one stays good until the next time
        #[arg(long)]
        rotate: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Make a new key for addresses of files that need no login
    RotateFileKey(ConfigFile),
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::FeedKeys { name, rotate, file } => {
            let app = handles::beside(&file.config).await?;
            let keys = match rotate {
                true => privacy::rotate_feed_key(&app, &CLI, name).await?,
                false => privacy::feed_keys(&app, &CLI, name).await?,
            };
            keys.iter().for_each(|key| println!("{key}"));
        }
        Command::RotateFileKey(file) => {
            let app = handles::beside(&file.config).await?;
            privacy::rotate_file_key(&app, &CLI).await?;
            println!("a new key signs from now on");
        }
    }
    Ok(())
}
