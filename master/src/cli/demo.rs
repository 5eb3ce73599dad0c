//! `windlass demo`: the whole chain on one machine in a fresh folder, from a commit to a product,
//! an update URL and a mail, with the real master, a real agent process and a real repository.

mod agent;
mod configuration;
mod journey;
mod outcome;
mod plan;
mod sample;
mod screen;

use std::path::PathBuf;
use std::process::ExitCode;

use journey::Journey;
use outcome::Outcome;
use plan::Plan;
use screen::Screen;

/// Exit status of wrong flags.
const BAD_USAGE: u8 = 2;

/// Flags of `windlass demo`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Arguments {
    /// End after the build, with one line of JSON last on standard output
    #[arg(long)]
    pub once: bool,
    /// Folder for everything; must be empty or not there yet [default: a new one in the folder
    /// for temporary files]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Port of the pages [default: 8010 if it is free, else any]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Git repository to build, a URL or a folder [default: a small sample that is made]
    #[arg(long, value_name = "URL|PATH")]
    pub repo: Option<String>,
    /// Branch to build [default: the repository's own]
    #[arg(long, value_name = "B")]
    pub branch: Option<String>,
    /// Shell command to build with; may be given several times, each is a step. Braces mean what
    /// they mean to the shell, except for names such as {agent.cpus}
    #[arg(long, value_name = "CMD")]
    pub run: Vec<String>,
    /// Files that are the product, such as 'dist/*.tar.gz'
    #[arg(long, value_name = "GLOB")]
    pub product: Option<String>,
    /// Version of the product, such as 1.2.0 [default: {describe}]
    #[arg(long, value_name = "V")]
    pub product_version: Option<String>,
}

/// Does what `arguments` say: 0 when all is well, 1 when the build or the demo failed, 2 when the
/// flags are wrong.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    let plan = match Plan::new(arguments) {
        Ok(plan) => plan,
        Err(text) => {
            eprintln!("windlass demo: {text}");
            return ExitCode::from(BAD_USAGE);
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("windlass demo: no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let screen = Screen::new();
    match runtime.block_on(perform(&plan, &screen)) {
        Ok(outcome) if outcome.is_good() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(text) => {
            screen.problem(&text);
            ExitCode::FAILURE
        }
    }
}

/// Starts everything, goes the way of one build, and ends everything again.
async fn perform(plan: &Plan, screen: &Screen) -> Result<Outcome, String> {
    screen.title(&plan.dir);
    let journey = Journey::start(plan, screen).await?;
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    let arrived = tokio::select! {
        arrived = journey.arrive(plan, screen) => arrived,
        _ = &mut interrupted => Err("interrupted".to_owned()),
    };
    let outcome = match arrived {
        Ok(outcome) => outcome,
        Err(text) => {
            journey.end(screen).await;
            return Err(text);
        }
    };
    if !plan.once {
        screen.addresses(&outcome, journey.password(), &plan.branch);
        interrupted.await;
    }
    journey.end(screen).await;
    if plan.once {
        println!("{}", outcome.json());
    }
    Ok(outcome)
}

/// Ends with the first SIGINT, SIGTERM or SIGHUP: none of them may leave the agent behind.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let mut signals: Vec<_> = kinds
        .into_iter()
        .filter_map(|kind| signal(kind).ok())
        .collect();
    let first = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
    futures_util::future::select_all(first).await;
}
