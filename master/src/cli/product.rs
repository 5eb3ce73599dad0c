//! `windlass product …`: recording products from a machine that is no agent, importing a folder of
//! installers, and looking at what is recorded. Over REST with `--url`, else in the data folder.

mod import;
mod look;
mod pattern;
mod record;
mod rest;
mod send;
mod way;

use super::ConfigFile;
use super::output::Problem;

/// Which master is meant.
#[derive(Debug, clap::Args)]
struct Master {
    /// Address of a running master [default: the data folder that the configuration names]
    #[arg(long, value_name = "URL", env = "WINDLASS_URL")]
    url: Option<String>,
    /// Bearer token, as `windlass token create` made it
    #[arg(
        long,
        value_name = "TOKEN",
        env = "WINDLASS_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Upload files and record them as a product; run again after a cut it goes on
    Record(Box<record::Arguments>),
    /// Record the installers of a folder by a pattern of their names
    Import(Box<import::Arguments>),
    /// List products, the newest recorded first
    List(Box<look::List>),
    /// Show a product with its files
    Show(look::Show),
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::Record(arguments) => record::run(arguments).await,
        Command::Import(arguments) => import::run(arguments).await,
        Command::List(arguments) => look::list(arguments).await,
        Command::Show(arguments) => look::show(arguments).await,
    }
}

#[cfg(test)]
mod tests;
