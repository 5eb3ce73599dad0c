//! `windlass updates …`: stopping updates, letting them go on, and explaining an answer.

use super::output::Problem;
use super::user::CLI;
use super::{ConfigFile, handles};
use crate::ids::ShutoffId;
use crate::model::Shutoff;
use crate::ops::updates::{self, Asker, Place};
use crate::ops::{shutoffs, withdrawals};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Stop updates of a project or of one branch at once
    ShutOff {
        /// The project
        project: String,
        /// The branch [default: every branch]
        #[arg(long, value_name = "NAME")]
        branch: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// List what is shut off
    ShutOffs(ConfigFile),
    /// Let updates go on
    Resume {
        /// Number of the shut-off
        id: ShutoffId,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Withdraw a product: it is never offered, its files answer 410
    Withdraw {
        /// The product
        product: crate::ids::ProductId,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Take the withdrawal back
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Explain what an application would be told
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// The project
    project: String,
    /// The branch, or its part of feed URLs
    branch: String,
    /// The target
    target: String,
    /// The version that the application has
    #[arg(long)]
    has: Option<String>,
    /// The build that it came from
    #[arg(long, value_name = "NUMBER")]
    build: Option<i64>,
    /// Version of its operating system
    #[arg(long, value_name = "VERSION")]
    os_version: Option<String>,
    /// Its language runtime, such as "python 3.12.1"
    #[arg(long)]
    runtime: Option<String>,
    /// What it calls itself
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::ShutOff {
            project,
            branch,
            reason,
            file,
        } => {
            let app = handles::beside(&file.config).await?;
            let branch = branch.as_deref();
            let made = shutoffs::shut_off(&app, &CLI, project, branch, reason).await?;
            println!("{}", line(&made));
        }
        Command::ShutOffs(file) => {
            let app = handles::beside(&file.config).await?;
            for one in shutoffs::list(&app, &CLI, true, None).await?.items {
                println!("{}", line(&one));
            }
        }
        Command::Resume { id, file } => {
            let app = handles::beside(&file.config).await?;
            shutoffs::lift(&app, &CLI, *id).await?;
            println!("updates go on");
        }
        Command::Withdraw {
            product,
            reason,
            undo,
            file,
        } => {
            let app = handles::beside(&file.config).await?;
            let done = match undo {
                false => withdrawals::withdraw(&app, &CLI, *product, None, reason).await?,
                true => withdrawals::reinstate(&app, &CLI, *product, None, reason).await?,
            };
            println!("product {} is {}", done.id, done.state);
        }
        Command::Explain(asked) => explain(asked).await?,
    }
    Ok(())
}

async fn explain(asked: &Explain) -> Result<(), Problem> {
    let app = handles::beside(&asked.file.config).await?;
    let place = Place {
        project: asked.project.clone(),
        branch: asked.branch.clone(),
        target: asked.target.clone(),
    };
    let asker = Asker {
        version: asked.has.clone(),
        build: asked.build,
        os_version: asked.os_version.clone(),
        runtime: asked.runtime.clone(),
        id: asked.id.clone(),
        force: false,
    };
    let told = updates::explain(&app, &CLI, place, asker).await?;
    println!("{} {}", told.answer, told.version.unwrap_or_default());
    for rule in told.rules {
        println!("  {rule}");
    }
    Ok(())
}

fn line(one: &Shutoff) -> String {
    let branch = one.branch.as_deref().unwrap_or("(every branch)");
    format!("{:>5}  {} {branch}: {}", one.id, one.project, one.reason)
}
