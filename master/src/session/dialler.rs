//! Dialling agents that listen: one task for each that the configuration names, for ever. Not
//! here: what is said.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::entrance::Entrance;
use super::wire::{Way, Wire};
use crate::config::Config;

/// How long an agent may take to accept.
const DIAL_MAX: Duration = Duration::from_secs(10);
/// First wait before dialling again: an agent that restarts is back within a second.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// Longest wait: a machine that was off for a night is found within a minute.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Dials every agent that has `dial`, as the configuration in force says, until `stop`.
pub async fn dial(
    entrance: Entrance,
    mut config: watch::Receiver<Arc<Config>>,
    stop: CancellationToken,
) {
    let mut dialled: HashMap<String, (String, DropGuard)> = HashMap::new();
    loop {
        let wanted = wanted(&config.borrow_and_update());
        dialled.retain(|name, (address, _)| wanted.get(name) == Some(address));
        for (name, address) in wanted {
            // The entry of another address is gone already.
            let Entry::Vacant(place) = dialled.entry(name) else {
                continue;
            };
            let over = stop.child_token();
            let (name, its) = (place.key().clone(), address.clone());
            entrance.spawn(keep(entrance.clone(), name, its, over.clone()));
            place.insert((address, over.drop_guard()));
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = config.changed() => if changed.is_err() {
                stop.cancelled().await;
                return;
            },
        }
    }
}

fn wanted(config: &Config) -> HashMap<String, String> {
    let agents = config.agents.iter();
    let dialled = agents.filter_map(|(name, agent)| Some((name.clone(), agent.dial.clone()?)));
    dialled.collect()
}

/// Dials one agent again and again.
async fn keep(entrance: Entrance, name: String, address: String, over: CancellationToken) {
    let mut failures = 0;
    loop {
        let opened = tokio::select! {
            () = over.cancelled() => return,
            opened = connect(&address) => opened,
        };
        // A connection that stands ends by the entrance, which says goodbye, or by the registry.
        let is_proved = match opened {
            Ok((peer, wire)) => match entrance.visit(peer) {
                Some(visit) => entrance.serve(visit, wire, Some(name.clone())).await,
                None => false,
            },
            Err(error) => {
                tracing::warn!(agent = name, address, %error, "the agent cannot be dialled");
                false
            }
        };
        failures = if is_proved { 0 } else { failures + 1 };
        tokio::select! {
            () = over.cancelled() => return,
            () = tokio::time::sleep(wait(failures)) => {}
        }
    }
}

async fn connect(address: &str) -> std::io::Result<(std::net::SocketAddr, Wire)> {
    let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "it does not accept");
    let stream = tokio::time::timeout(DIAL_MAX, TcpStream::connect(address))
        .await
        .map_err(|_| late())??;
    let peer = stream.peer_addr()?;
    Ok((peer, Wire::tcp(stream, peer, Way::Dialled)?))
}

/// Full jitter below a ceiling that doubles, as agents do it.
fn wait(failures: u32) -> Duration {
    // 2^6 seconds are over the longest wait.
    let ceiling = WAIT_MAX.min(WAIT_MIN * 2_u32.pow(failures.min(6)));
    let drawn = super::random::<4>().map_or(u32::MAX, u32::from_be_bytes);
    let spread = ceiling.saturating_sub(WAIT_MIN);
    WAIT_MIN + spread.mul_f64(f64::from(drawn) / f64::from(u32::MAX))
}
