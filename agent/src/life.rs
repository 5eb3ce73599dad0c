//! One life of the agent: key, state, signals, the connection for as long as it lasts, and handing
//! over to a new program. Not here: the command line; what happens on the connection.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::agent::Agent;
use crate::commands::Launch;
use crate::config::{Config, Way};
use crate::log::log;
use crate::session::Stop;
use crate::upgrade::guard;
use crate::{BAD_USAGE, connect, key, status, sys};

/// How long killed commands get when the agent is asked twice to stop.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Bytes of a path of the state folder below which a socket's fits: macOS lets that have 104, and
/// the folder of a command takes 43 of them.
const STATE_PATH_MAX: usize = 60;

/// How this program was started.
pub(crate) struct Start {
    /// Its own file, if that may be replaced.
    pub(crate) program: Option<PathBuf>,
    /// Its arguments, without its name and without `probation`.
    pub(crate) args: Vec<OsString>,
    /// A guard watches whether it reaches its master.
    pub(crate) on_probation: bool,
    /// A service manager owns this process and starts the program again when it fails.
    pub(crate) managed: bool,
    /// How it starts what watches over a command.
    pub(crate) launch: Launch,
}

/// Runs until asked to stop; the status is that of the program.
pub(crate) fn run(config: &Config, start: Start) -> ExitCode {
    // Where we stand when the arguments are read again by the one that takes over.
    let here = std::env::current_dir();
    let config = &match standing_near_state(config) {
        Ok(config) => config,
        Err(error) => {
            log!("state {}: cannot enter it: {error}", config.state.display());
            return ExitCode::FAILURE;
        }
    };
    let key = match key::read_key(&config.key_file) {
        Ok(key) => key,
        Err(error) => {
            log!("{error}");
            return ExitCode::from(BAD_USAGE);
        }
    };
    let mut agent = match Agent::open(config, start.launch) {
        Ok(agent) => agent,
        Err(error) => {
            log!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let stop = Stop::default();
    agent.program = start.program.filter(|_| config.way != Way::Stdio);
    if start.on_probation {
        // It may be replaced again only when it has replaced the old one.
        agent.program = None;
        agent.call_when_ready(guard::heed_guard(&stop));
    }
    let agent = Arc::new(agent);
    let (on_signal, of_signal) = (stop.clone(), Arc::clone(&agent));
    let notify = move || {
        if !on_signal.request() {
            log!("asked twice to stop; stopping at once");
            of_signal.commands.leave();
            if of_signal.commands.are_ending() {
                of_signal.commands.wait_idle(LAST_WAIT);
            }
            std::process::exit(1);
        }
    };
    if let Err(error) = sys::notify_on_terminate(notify) {
        log!("cannot watch for signals: {error}");
        return ExitCode::FAILURE;
    }
    log!("{} works in {}", config.name, agent.root.path().display());
    let good = connect::serve(config, &agent, key, &stop);
    if let Some(successor) = stop.successor() {
        if let Ok(here) = here {
            let _ = std::env::set_current_dir(here);
        }
        agent.let_go();
        let bound_ms = agent.policy.upgrade_ms;
        let word = match start.managed {
            true => guard::GUARD_ONCE,
            false => guard::GUARD,
        };
        let error = guard::become_guard(word, &successor, &agent.state, bound_ms, &start.args);
        log!("cannot hand over to {}: {error}", successor.version);
        return ExitCode::FAILURE;
    }
    log!("stopped");
    status(good)
}

/// Shims are reached by sockets below the state folder. Where its path is too long for that, the
/// agent enters it, and takes its paths from where it stood.
fn standing_near_state(config: &Config) -> std::io::Result<Config> {
    let mut config = config.clone();
    std::fs::create_dir_all(&config.state)?;
    config.state = sys::canonical(&config.state)?;
    if config.state.as_os_str().len() > STATE_PATH_MAX {
        for path in [&mut config.key_file, &mut config.root]
            .into_iter()
            .chain(&mut config.trust.ca)
        {
            *path = std::path::absolute(&path)?;
        }
        if let Way::Command { folder, .. } = &mut config.way {
            *folder = Some(std::env::current_dir()?);
        }
        std::env::set_current_dir(&config.state)?;
    }
    Ok(config)
}
