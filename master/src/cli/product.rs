//! `windlass product …`: recording products from a machine that is no agent, importing a folder of
//! installers, and looking at what is recorded. Over REST with `--url`, else in the data folder.

mod import;
mod look;
mod pattern;
mod record;
mod send;
mod way;

use super::output::Problem;
use super::rest::Master;

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
