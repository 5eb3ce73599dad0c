//! The Windlass agent: dials its master, proves itself, has the master prove itself, and then
//! runs commands and moves files below its root, and knows nothing else. Here: the way from
//! arguments to the loop that serves. The protocol itself is in its own crate.

mod agent;
mod backoff;
mod clock;
mod commands;
pub mod config;
mod connect;
mod enroll;
mod failure;
mod files;
mod key;
mod log;
mod places;
mod relay;
mod root;
#[cfg(test)]
mod scratch;
mod session;
mod sys;
mod transport;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use windlass_protocol::CancelMode;

use agent::Agent;
use config::args::{self, Asked};
use log::log;
use session::Stop;

/// Exit status for a wrong command line, configuration or key file, as most programs use it.
const BAD_USAGE: u8 = 2;

/// How long killed commands get when the agent is asked twice to stop.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Runs the agent with these arguments (without the program's name) until it is asked to stop by
/// SIGTERM or SIGINT, or over standard input and output until the master hangs up. Ends with 0
/// then, with 1 if root or state cannot be used or that master was lost, and with 2 on bad usage; every error is one line on standard error that says what would be right.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let config = match args::parse_args(args) {
        Ok(Asked::Run(config)) => config,
        Ok(Asked::Print(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Ok(Asked::Enroll(enroll)) => return end(enroll::run(&enroll)),
        Ok(_) => return ExitCode::from(BAD_USAGE),
        Err(error) => {
            log!("{error}");
            return ExitCode::from(BAD_USAGE);
        }
    };
    let key = match key::read_key(&config.key_file) {
        Ok(key) => key,
        Err(error) => {
            log!("{error}");
            return ExitCode::from(BAD_USAGE);
        }
    };
    let agent = match Agent::open(&config) {
        Ok(agent) => Arc::new(agent),
        Err(error) => {
            log!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let stop = Stop::default();
    let (on_signal, of_signal) = (stop.clone(), Arc::clone(&agent));
    let notify = move || {
        if !on_signal.request() {
            log!("asked twice to stop; stopping at once");
            of_signal.commands.end_all(CancelMode::Kill);
            of_signal.commands.wait_idle(LAST_WAIT);
            std::process::exit(1);
        }
    };
    if let Err(error) = sys::notify_on_terminate(notify) {
        log!("cannot watch for signals: {error}");
        return ExitCode::FAILURE;
    }
    log!("{} works in {}", config.name, agent.root.path().display());
    let good = connect::serve(&config, &agent, key, &stop);
    log!("stopped");
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
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
