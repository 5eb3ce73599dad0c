//! Coming together with the master for ever, and waiting between two tries. Not here: what is
//! said; the ways themselves.

mod listen;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass_protocol::{CloseReason, Key};

use crate::agent::Agent;
use crate::backoff::Backoff;
use crate::clock;
use crate::config::Config;
use crate::key;
use crate::log::log;
use crate::session::{self, Stop};
use crate::sys;
use crate::transport::way::Way;
use crate::transport::{Transport, dial};

/// How long killed commands get to write their ends when there was no session to do it.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves the master until asked to stop, or over standard input and output to its end. `false`
/// if that end was not the master's wish.
pub(crate) fn serve(config: &Config, agent: &Arc<Agent>, key: Key, stop: &Stop) -> bool {
    let good = match &config.way {
        Way::Listen(address) => listen::serve(address, config, agent, key, stop),
        _ => dial_on(config, agent, key, stop),
    };
    end_commands(agent);
    good
}

fn dial_on(config: &Config, agent: &Arc<Agent>, mut key: Key, stop: &Stop) -> bool {
    let mut backoff = Backoff::new(config.reconnect_min_ms, config.reconnect_max_ms);
    let mut good = true;
    while !stop.is_requested() {
        key = reread(&config.key_file, key);
        let mut asked = Duration::ZERO;
        good = false;
        match open(config).and_then(|to| session::serve(agent, stop, key.clone(), to)) {
            Ok(outcome) => {
                log!("{}: {}", config.way, describe(&outcome.reason));
                if outcome.proven {
                    backoff.succeed();
                }
                good = matches!(outcome.reason, CloseReason::Bye | CloseReason::Ended);
                let most = config.reconnect_max_ms;
                let retry = match outcome.reason {
                    CloseReason::Refused { retry_ms, .. } => retry_ms,
                    _ => outcome.retry_ms,
                };
                asked = Duration::from_millis(retry.min(most));
            }
            Err(error) => log!("{}: {error}", config.way),
        }
        if config.way == Way::Stdio {
            break;
        }
        if !stop.is_requested() {
            stop.wait(clock::real(backoff.fail(random()).max(asked)));
        }
    }
    good || config.way != Way::Stdio
}

/// Opens the transport that the configuration names.
pub(crate) fn open(config: &Config) -> io::Result<Transport> {
    let mut transport = dial::open(&config.way, &config.trust)?;
    transport.confidential &= !config.readable;
    Ok(transport)
}

/// Reads the key again, so that a new one needs no restart; a broken file keeps the old one.
fn reread(path: &Path, old: Key) -> Key {
    key::read_key(path).unwrap_or_else(|error| {
        log!("{error}; going on with the key read before");
        old
    })
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    match sys::fill_random(&mut bytes) {
        Ok(()) => u64::from_ne_bytes(bytes),
        // Only the wait loses its jitter; a session needs randomness and reports it.
        Err(_) => 0,
    }
}

/// Why a connection ended, for the log.
pub(crate) fn describe(reason: &CloseReason) -> String {
    match reason {
        CloseReason::Ended => "hung up".into(),
        CloseReason::Bye => "the master hung up".into(),
        CloseReason::Refused { code, text, .. } => format!("refused: {code}: {text}"),
        CloseReason::AuthFailed => "the master does not know our key; refused it".into(),
        CloseReason::Lost => "connection lost".into(),
        CloseReason::Silent => "the master is silent".into(),
        CloseReason::Protocol(error) => format!("the peer is no proper master: {error}"),
    }
}

/// Commands that are ended, not left to their shims, are waited for.
fn end_commands(agent: &Agent) {
    agent.commands.leave();
    let running = agent.commands.count_running();
    if !agent.commands.are_ending() {
        log!("{running} command(s) go on without the agent");
    } else if !agent.commands.wait_idle(END_TIMEOUT) {
        let left = agent.commands.count_running();
        log!("{left} command(s) did not end in time");
    }
}
