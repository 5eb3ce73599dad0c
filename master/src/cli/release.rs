//! `windlass release …`: releases from the machine of the master.

use super::output::Problem;
use super::user::CLI;
use super::{ConfigFile, handles};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::ids::{ProductId, ReleaseId};
use crate::model::{Release, ReleaseDetail, ReleaseFilter, ReleaseState, Role};
use crate::ops::releases::{self, Preparation, Rollback, Step};
use crate::ops::users;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List releases, the newest first
    List {
        /// Of this project
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
        /// Of this branch
        #[arg(long, value_name = "NAME")]
        branch: Option<String>,
        /// Of this target
        #[arg(long)]
        target: Option<String>,
        /// In this state
        #[arg(long)]
        state: Option<ReleaseState>,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Prepare a release of a product: a draft that offers nothing yet
    Create(Create),
    /// Sign a release off in the name of a user
    Sign {
        /// The release
        id: ReleaseId,
        /// Who signs
        #[arg(long, value_name = "NAME")]
        user: String,
        /// In which role [default: the user's]
        #[arg(long)]
        role: Option<Role>,
        /// What is to be said
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Begin a release now, or at a time
    Go {
        /// The release
        id: ReleaseId,
        /// When it begins by itself, such as 2027-03-31T09:00:00Z
        #[arg(long, value_name = "TIME", value_parser = moment)]
        at: Option<Time>,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Make a scheduled release a draft again
    Unschedule(One),
    /// Change how many of a hundred get a release
    Rollout {
        /// The release
        id: ReleaseId,
        /// From 0 to 100
        percent: i64,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Offer a release to nobody new
    Pause(Why),
    /// Go on after a pause
    Resume(One),
    /// Take a release back; who has it keeps it
    Withdraw(Why),
    /// Move those who have a release down to a lower product
    Rollback {
        /// The release
        id: ReleaseId,
        /// The lower product
        #[arg(long, value_name = "PRODUCT")]
        to: ProductId,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Why that one, though testers say it is bad
        #[arg(long, value_name = "TEXT", default_value = "")]
        override_reason: String,
        #[command(flatten)]
        file: ConfigFile,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// The product
    product: ProductId,
    /// What those outside the rollout get [default: what was offered before]
    #[arg(long, value_name = "PRODUCT")]
    fallback: Option<ProductId>,
    /// How many of a hundred get it
    #[arg(long, default_value_t = 100)]
    percent: i64,
    /// Nobody may leap over it
    #[arg(long)]
    watershed: bool,
    /// Applications should insist
    #[arg(long)]
    critical: bool,
    /// Why, though testers say it is bad
    #[arg(long, value_name = "TEXT", default_value = "")]
    override_reason: String,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// The release
    id: ReleaseId,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub(super) struct Why {
    /// The release
    id: ReleaseId,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    file: ConfigFile,
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::List {
            project,
            branch,
            target,
            state,
            file,
        } => {
            let filter = ReleaseFilter {
                project: project.clone(),
                branch: branch.clone(),
                target: target.clone(),
                state: *state,
                before: None,
            };
            list(file, filter).await
        }
        Command::Create(new) => create(new).await,
        Command::Sign {
            id,
            user,
            role,
            comment,
            file,
        } => {
            let app = handles::beside(&file.config).await?;
            let signer = signer(&app, user).await?;
            tell(&releases::sign(&app, &signer, *id, *role, comment).await?);
            Ok(())
        }
        Command::Go { id, at, file } => {
            let go = at.map_or(Step::Go, Step::Schedule);
            step(file, *id, go).await
        }
        Command::Unschedule(one) => step(&one.file, one.id, Step::Unschedule).await,
        Command::Rollout { id, percent, file } => step(file, *id, Step::Rollout(*percent)).await,
        Command::Pause(why) => step(&why.file, why.id, Step::Pause(why.reason.clone())).await,
        Command::Resume(one) => step(&one.file, one.id, Step::Resume).await,
        Command::Withdraw(why) => step(&why.file, why.id, Step::Withdraw(why.reason.clone())).await,
        Command::Rollback {
            id,
            to,
            reason,
            override_reason,
            file,
        } => {
            let wanted = Rollback {
                to: *to,
                reason: reason.clone(),
                override_reason: override_reason.clone(),
            };
            let app = handles::beside(&file.config).await?;
            tell(&releases::rollback(&app, &CLI, *id, None, wanted).await?);
            Ok(())
        }
    }
}

async fn list(file: &ConfigFile, filter: ReleaseFilter) -> Result<(), Problem> {
    let app = handles::beside(&file.config).await?;
    for release in releases::list(&app, &CLI, filter).await?.items {
        println!("{}", line(&release));
    }
    Ok(())
}

async fn create(new: &Create) -> Result<(), Problem> {
    let app = handles::beside(&new.file.config).await?;
    let wanted = Preparation {
        product: new.product,
        fallback: new.fallback,
        rollout_percent: new.percent,
        watershed: new.watershed,
        critical: new.critical,
        override_reason: new.override_reason.clone(),
    };
    let made = releases::create(&app, &CLI, wanted).await;
    tell(&made.map_err(|error| Problem::of(error, flag_of))?);
    Ok(())
}

async fn step(file: &ConfigFile, id: ReleaseId, step: Step) -> Result<(), Problem> {
    let app = handles::beside(&file.config).await?;
    tell(&releases::step(&app, &CLI, id, None, step).await?);
    Ok(())
}

/// The user of this name, in whose name the operator of the machine signs.
async fn signer(app: &App, name: &str) -> Result<Identity, Problem> {
    let all = users::list(app, &CLI).await?;
    let user = all
        .into_iter()
        .find(|user| user.name == name && !user.disabled);
    let user = user.ok_or_else(|| Problem::Other(format!("there is no active user `{name}`")))?;
    Ok(Identity::User {
        id: user.id,
        name: user.name,
        role: user.role,
    })
}

fn tell(detail: &ReleaseDetail) {
    println!("{}", line(&detail.release));
    for need in &detail.signoffs_missing {
        eprintln!(
            "still needed: {} sign-off of role {}",
            need.count, need.role
        );
    }
}

fn line(release: &Release) -> String {
    format!(
        "{:>5}  {:<11} {:>3} %  {:<20} {}/{} {}",
        release.id,
        release.state,
        release.rollout_percent,
        release.version,
        release.project,
        release.branch,
        release.target
    )
}

fn flag_of(field: &str) -> String {
    match field {
        "rollout_percent" => "--percent".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    }
}

fn moment(text: &str) -> Result<Time, String> {
    let moment: jiff::Timestamp = text
        .parse()
        .map_err(|_| "write a moment such as 2027-03-31T09:00:00Z".to_owned())?;
    Ok(Time(moment.as_microsecond()))
}
