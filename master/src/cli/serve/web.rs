//! The pages' server: where it listens, and its time-outs and limits. What it answers is `web`'s.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::Server;

use crate::app::App;
use crate::web::envelope;

/// Threads that answer: pages wait for the database, not for the processor.
const WORKERS: usize = 2;
/// Time for the head of a request: slow enough for bad lines, short enough for idle openers.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// An idle connection is kept for the next page this long.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Time for a client to take the end of an answer.
const DISCONNECT_MAX: Duration = Duration::from_secs(5);
/// Connections per worker: page streams hold one each, and so do slow openers.
const CONNECTIONS_MAX: usize = 4_000;
/// Requests under way get this long when the master stops, in seconds.
const SHUTDOWN_SECONDS: u64 = 10;

/// A server that listens and has not begun.
pub(super) struct Web {
    pub(super) server: Server,
    pub(super) address: SocketAddr,
}

/// Opens the pages' door where the configuration says.
pub(super) fn open(app: &App) -> Result<Web, String> {
    let wanted = app.config().master.web_listen;
    let app = app.clone();
    let server = HttpServer::new(move || envelope::application(&app))
        .workers(WORKERS)
        .client_request_timeout(HEAD_MAX)
        .client_disconnect_timeout(DISCONNECT_MAX)
        .keep_alive(KEEP_ALIVE)
        .max_connections(CONNECTIONS_MAX)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .bind(wanted)
        .map_err(|error| format!("cannot listen for browsers at {wanted}: {error}"))?;
    let address = server.addrs().first().copied().unwrap_or(wanted);
    let server = server.run();
    Ok(Web { server, address })
}
