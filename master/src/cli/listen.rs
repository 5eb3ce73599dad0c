//! `windlass serve` as a process: threads, log lines and signals. What runs is `serve`'s.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::output::{self, Problem};
use super::serve::{self, Running};

/// Which log lines are written; `RUST_LOG`'s syntax.
const LOG_VARIABLE: &str = "WINDLASS_LOG";
/// Ours, and of the pages' server only what went wrong.
const LOG_LINES: &str = "info,actix_server=warn";

/// Runs a command's future on threads of its own.
pub(super) fn block_on(work: impl Future<Output = Result<(), Problem>>) -> Result<(), Problem> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Problem::Other(format!("cannot start threads: {error}")))?;
    runtime.block_on(work)
}

/// Runs the master until SIGTERM or SIGINT.
pub(super) fn serve(file: &Path) -> ExitCode {
    let filter =
        EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new(LOG_LINES));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    output::end(block_on(run(file)))
}

async fn run(file: &Path) -> Result<(), Problem> {
    let problem = |error: std::io::Error| Problem::Other(format!("cannot watch signals: {error}"));
    let mut term = signal(SignalKind::terminate()).map_err(problem)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(problem)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(problem)?;
    let running = serve::start(serve::Options::new(file)).await?;
    let (web, agents) = (running.web_addr(), running.agent_addr());
    println!("windlass serves http://{web}/ to browsers and {agents} to agents");
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => reload(&running).await,
            why = running.failed() => {
                running.stop().await;
                return Err(Problem::Other(why));
            }
        }
    }
    tracing::info!("stopping; running commands go on at their agents");
    tokio::select! {
        () = running.stop() => tracing::info!("stopped"),
        _ = term.recv() => tracing::warn!("asked twice to stop; stopping at once"),
        _ = interrupt.recv() => tracing::warn!("asked twice to stop; stopping at once"),
    }
    Ok(())
}

async fn reload(running: &Running) {
    match running.reload().await {
        Ok(()) => tracing::info!("the configuration was read again"),
        Err(error) => tracing::error!("the configuration stays as it was:\n{error}"),
    }
}
