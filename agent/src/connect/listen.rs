//! Waiting for the master to dial, for machines that may not dial out. Strangers may knock as
//! well: each connection is served beside the others, and proves itself or ends. Not here: what
//! is said.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use windlass_protocol::Key;

use super::{describe, reread};
use crate::agent::Agent;
use crate::config::Config;
use crate::log::log;
use crate::session::{self, Stop};
use crate::transport::Transport;

/// Connections at once: the master's, its next one, and strangers, who have ten seconds each.
const CONNECTIONS_MAX: usize = 8;
/// Wait before accepting again after the system refused to (too many open files, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves whoever dials and proves itself, until asked to stop. `false` if the address cannot be
/// listened at.
pub(super) fn serve(
    address: &str,
    config: &Config,
    agent: &Arc<Agent>,
    mut key: Key,
    stop: &Stop,
) -> bool {
    let listener = match TcpListener::bind(address) {
        Ok(listener) => listener,
        Err(error) => {
            log!("cannot listen at {address}: {error}");
            return false;
        }
    };
    if let Ok(address) = listener.local_addr() {
        log!("listening at {address}");
    }
    // A stranger more may wait; the order to stop overtakes it.
    let (sender, arrivals) = mpsc::sync_channel(1);
    let to_stop = sender.clone();
    // It ends with the program: nothing wakes a thread that accepts.
    let accept = std::thread::Builder::new().name("accept".into());
    if let Err(error) = accept.spawn(move || accept_all(&listener, &sender)) {
        log!("cannot listen at {address}: {error}");
        return false;
    }
    let ticket = stop.attach(Box::new(move || {
        // A full queue wakes the loop below as well.
        let _ = to_stop.try_send(None);
    }));
    let mut sessions: Vec<JoinHandle<()>> = Vec::new();
    while let Ok(Some(stream)) = arrivals.recv()
        && !stop.is_requested()
    {
        sessions.retain(|session| !session.is_finished());
        if sessions.len() >= CONNECTIONS_MAX {
            log!("a connection is refused: {CONNECTIONS_MAX} are open");
            continue;
        }
        key = reread(&config.key_file, key);
        let (agent, stop, key, readable) =
            (agent.clone(), stop.clone(), key.clone(), config.readable);
        let work = move || serve_one(stream, &agent, &stop, key, readable);
        match std::thread::Builder::new()
            .name("session".into())
            .spawn(work)
        {
            Ok(session) => sessions.push(session),
            Err(error) => log!("a connection is refused: {error}"),
        }
    }
    stop.detach(ticket);
    // Each of them was told to stop, and does within its own bound.
    for session in sessions {
        let _ = session.join();
    }
    true
}

fn accept_all(listener: &TcpListener, arrivals: &SyncSender<Option<TcpStream>>) {
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => {
                if arrivals.send(Some(stream)).is_err() {
                    return;
                }
            }
            Err(error) => {
                log!("cannot accept a connection: {error}");
                std::thread::sleep(ACCEPT_PAUSE);
            }
        }
    }
}

fn serve_one(stream: TcpStream, agent: &Arc<Agent>, stop: &Stop, key: Key, readable: bool) {
    let peer = match stream.peer_addr() {
        Ok(peer) => peer.to_string(),
        Err(error) => return log!("a connection was lost at once: {error}"),
    };
    let transport = Transport::tcp(stream).map(|mut transport| {
        transport.confidential &= !readable;
        transport
    });
    match transport.and_then(|to| session::serve(agent, stop, key, to)) {
        Ok(outcome) => log!("{peer}: {}", describe(&outcome.reason)),
        Err(error) => log!("{peer}: {error}"),
    }
}
