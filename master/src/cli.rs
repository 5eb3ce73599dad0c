//! The `windlass` command: its arguments, and one module per subcommand. What a subcommand does to
//! the database, it does through `ops`.

mod agent;
mod agent_token;
mod check;
pub mod demo;
mod handles;
mod init;
mod listen;
mod output;
mod product;
mod project;
mod qa;
mod release;
mod rest;
mod retention;
pub mod serve;
mod store;
mod token;
mod updates;
mod user;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Exit status of a command that was tried and did not work.
const FAILED: u8 = 1;
/// Exit status of wrong arguments, as clap uses it.
const BAD_USAGE: u8 = 2;

/// A build system: the master, and the commands to care for it
#[derive(Debug, Parser)]
#[command(name = "windlass", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
struct ConfigFile {
    /// The configuration
    #[arg(
        long,
        value_name = "FILE",
        env = "WINDLASS_CONFIG",
        default_value = "windlass.toml"
    )]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a folder with a commented configuration, the data folder and the first user
    Init(init::Arguments),
    /// Read the configuration and tell every mistake in it
    Check(ConfigFile),
    /// Run the master until it is asked to stop
    Serve(ConfigFile),
    /// Care for agents, or be one
    #[command(subcommand)]
    Agent(agent::Command),
    /// Care for users
    #[command(subcommand)]
    User(user::Command),
    /// Care for the bearer tokens of REST
    #[command(subcommand)]
    Token(token::Command),
    /// Offer products to applications
    #[command(subcommand)]
    Release(release::Command),
    /// Stop updates, let them go on, explain an answer
    #[command(subcommand)]
    Updates(updates::Command),
    /// Record products and look at them
    #[command(subcommand)]
    Product(product::Command),
    /// Test builds: what is new, verdicts, holds, labels
    #[command(subcommand)]
    Qa(qa::Command),
    /// Care for private projects
    #[command(subcommand)]
    Project(project::Command),
    /// Care for the stores of files
    #[command(subcommand)]
    Store(store::Command),
    /// Look at what may be collected, collect it, and take it back
    #[command(subcommand)]
    Retention(retention::Command),
    /// Show the whole chain on this machine in a fresh folder
    Demo(demo::Arguments),
}

/// Runs the command that the arguments (with the program's name first) ask for. Ends with 0 when
/// it was done, with 1 when it did not work, and with 2 when the arguments are wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // The agent reads its own arguments, wherever it is started from.
    if let [_, agent, run, rest @ ..] = arguments.as_slice()
        && agent == "agent"
        && run == "run"
    {
        return windlass_agent::run(rest.to_vec());
    }
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are printed this way too; a closed pipe is nobody's fault.
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::from(BAD_USAGE), From::from);
        }
    };
    match parsed.command {
        Command::Init(arguments) => output::end(listen::block_on(init::run(&arguments))),
        Command::Check(file) => check::run(&file.config),
        Command::Serve(file) => listen::serve(&file.config),
        Command::Agent(command) => output::end(listen::block_on(agent::run(&command))),
        Command::User(command) => output::end(listen::block_on(user::run(&command))),
        Command::Token(command) => output::end(listen::block_on(token::run(&command))),
        Command::Release(command) => output::end(listen::block_on(release::run(&command))),
        Command::Updates(command) => output::end(listen::block_on(updates::run(&command))),
        Command::Product(command) => output::end(listen::block_on(product::run(&command))),
        Command::Qa(command) => output::end(listen::block_on(qa::run(&command))),
        Command::Project(command) => output::end(listen::block_on(project::run(&command))),
        Command::Store(command) => output::end(listen::block_on(store::run(&command))),
        Command::Retention(command) => output::end(listen::block_on(retention::run(&command))),
        Command::Demo(arguments) => demo::run(&arguments),
    }
}

#[cfg(test)]
mod tests;
