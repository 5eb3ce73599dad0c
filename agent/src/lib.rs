//! The Windlass agent: dials its master, proves itself, has the master prove itself, and then
//! runs commands and moves files below its root, and knows nothing else. Here: from the
//! arguments to what they ask for. The protocol itself is in its own crate.

mod agent;
mod backoff;
mod clock;
mod commands;
pub mod config;
mod connect;
#[doc(hidden)]
pub mod decoders;
mod enroll;
mod failure;
mod files;
mod install;
mod key;
mod life;
mod log;
mod places;
mod relay;
mod root;
#[cfg(test)]
mod scratch;
mod selftest;
mod session;
mod shim;
mod sys;
mod transport;
mod upgrade;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use commands::Launch;
use config::args::{self, Asked};
use life::Start;
use log::log;
pub use sys::Memory;
use upgrade::guard;

/// Exit status for a wrong command line, configuration or key file, as most programs use it.
const BAD_USAGE: u8 = 2;

/// The program `windlass-agent`: like `run`, and the master may replace its file if the owner
/// allows it.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args: Vec<OsString> = args.into_iter().collect();
    // Shims that ended while the program before this one was being replaced.
    sys::take_ended_children();
    let launch = Launch::of_this_program(args.len());
    for word in [guard::GUARD, guard::GUARD_ONCE] {
        if args.first().is_some_and(|first| first == word) {
            return guard::run(word, args.split_off(1));
        }
    }
    if args.first().is_some_and(|word| word == SERVICE) {
        return serve_as_service(args.split_off(1), launch);
    }
    let on_probation = args.first().is_some_and(|word| word == guard::PROBATION);
    if on_probation {
        args.remove(0);
    }
    start(Start {
        program: std::env::current_exe().ok(),
        args,
        on_probation,
        managed: false,
        launch,
    })
}

/// The word with which the service manager of Windows starts the program; arguments of `run`
/// follow, the configuration file among them.
const SERVICE: &str = "service";

/// Runs the agent under the service manager. Its log is a file beside the configuration.
fn serve_as_service(args: Vec<OsString>, launch: Launch) -> ExitCode {
    let after = args.iter().skip_while(|word| *word != "--config").nth(1);
    let log = Path::new(after.map_or("windlass-agent".as_ref(), |file| file.as_os_str()));
    let log = log.with_extension("log");
    let start = Start {
        launch,
        program: std::env::current_exe().ok(),
        args,
        on_probation: false,
        managed: true,
    };
    match sys::run_as_service(&log, || self::start(start)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log!("service: {error}; only a service manager starts it like this");
            ExitCode::from(BAD_USAGE)
        }
    }
}

/// Runs the agent with these arguments (without the program's name) until it is asked to stop by
/// SIGTERM or SIGINT, or over standard input and output until the master hangs up; or does what
/// else they ask for. Ends with 0 then, with 1 if root or state cannot be used, that master was
/// lost or the work was not done, and with 2 on bad usage; every error is one line on standard
/// error that says what would be right.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    start(Start {
        program: None,
        launch: Launch::of_this_program(args.len()),
        args,
        on_probation: false,
        managed: false,
    })
}

/// Like [`run`], in a program that cannot be started again as an agent: its commands are watched
/// over by threads of this process, and are lost when it ends.
pub fn run_alone(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    start(Start {
        program: None,
        args: args.into_iter().collect(),
        on_probation: false,
        managed: false,
        launch: Launch::Threads,
    })
}

/// Kills every command that an agent which is gone has left running, for at most that long;
/// `state` is its state folder. Commands outlive their agent, and this is for whoever wants
/// nothing of it to stay.
///
/// # Errors
///
/// An agent still uses the folder, or a command did not end in time; the text says which.
pub fn end_commands(state: &Path, time: Duration) -> Result<(), String> {
    let folder = state.join("cmd");
    if !folder.exists() {
        return Ok(());
    }
    let _alone = agent::lock(state)?;
    commands::end_left_behind(&folder, time)
}

fn start(start: Start) -> ExitCode {
    if start.args.first().is_some_and(|word| word == shim::WORD) {
        return shim::run(start.args.get(1).and_then(|word| word.to_str()));
    }
    match args::parse_args(start.args.iter().cloned()) {
        Ok(Asked::Run(config)) => life::run(&config, start),
        Ok(Asked::Print(text)) => end(Ok(text)),
        Ok(Asked::Enroll(enroll)) => end(enroll::run(&enroll)),
        Ok(Asked::Selftest) => {
            let (text, good) = selftest::run();
            print!("{text}");
            status(good)
        }
        Ok(Asked::Install(service)) => end(install::install(&service)),
        Ok(Asked::Uninstall(service)) => end(install::uninstall(&service)),
        Ok(Asked::Status(service)) => end(install::status(&service)),
        Err(error) => {
            log!("{error}");
            ExitCode::from(BAD_USAGE)
        }
    }
}

fn status(good: bool) -> ExitCode {
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Prints what a command did, or logs why it could not.
fn end(result: Result<String, String>) -> ExitCode {
    match result {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            log!("{error}");
            ExitCode::FAILURE
        }
    }
}
