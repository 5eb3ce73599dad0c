//! `windlass retention …`.

use super::output::Problem;
use super::user::CLI;
use super::{ConfigFile, handles};
use crate::ids::{PlanId, ProductId};
use crate::model::{Plan, PlanState};
use crate::ops::retention;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Find out what may go, and store it as a plan
    Plan {
        /// Store nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Show the plans, or the products of one
    Show {
        /// Number of the plan
        plan: Option<PlanId>,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Put the products of a plan into the trash
    Apply {
        /// Number of the plan
        plan: PlanId,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// List the products in the trash
    Trash(ConfigFile),
    /// Take a product out of the trash
    Restore {
        /// Id of the product
        product: ProductId,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Tell why a product is kept
    Why {
        /// Id of the product
        product: ProductId,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Have the master read every stored file now, to see whether it is right
    Scrub(ConfigFile),
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::Plan { dry_run, file } => plan(*dry_run, file).await,
        Command::Show { plan, file } => show(*plan, file).await,
        Command::Apply { plan, file } => {
            let app = handles::beside(&file.config).await?;
            retention::apply(&app, &CLI, *plan).await?;
            // A master that runs does the same; who comes second finds nothing left.
            let done = retention::apply_here(&app, &CLI, *plan).await?;
            println!("{}", line(&done));
            Ok(())
        }
        Command::Trash(file) => trash(file).await,
        Command::Restore {
            product,
            reason,
            file,
        } => {
            let app = handles::beside(&file.config).await?;
            retention::restore(&app, &CLI, *product, None, reason).await?;
            println!("product {product} is what it was");
            Ok(())
        }
        Command::Why { product, file } => {
            let app = handles::beside(&file.config).await?;
            let why = retention::why(&app, &CLI, *product).await?;
            println!("product {product}: {}", why.fate);
            for reason in why.reasons {
                println!("  {reason}");
            }
            Ok(())
        }
        Command::Scrub(file) => {
            let app = handles::beside(&file.config).await?;
            retention::scrub(&app, &CLI).await?;
            println!("the master reads every file with its next round; /retention tells of damage");
            Ok(())
        }
    }
}

async fn plan(dry_run: bool, file: &ConfigFile) -> Result<(), Problem> {
    let app = handles::beside(&file.config).await?;
    let planned = retention::make(&app, &CLI, dry_run).await?;
    println!(
        "{} of {} products may go, {} bytes",
        planned.products_total, planned.products_seen, planned.bytes_total
    );
    for (reason, count) in &planned.kept {
        println!("{count:>9}  {reason}");
    }
    if !planned.refused.is_empty() {
        println!("it cannot be applied: {}", planned.refused);
    } else if let Some(plan) = planned.plan {
        println!("plan {plan}: `windlass retention apply {plan}`");
    }
    Ok(())
}

async fn show(plan: Option<PlanId>, file: &ConfigFile) -> Result<(), Problem> {
    let app = handles::beside(&file.config).await?;
    let Some(id) = plan else {
        for plan in retention::list(&app, &CLI, None).await?.items {
            println!("{}", line(&plan));
        }
        return Ok(());
    };
    let detail = retention::plan(&app, &CLI, id).await?;
    println!("{}", line(&detail.plan));
    for change in detail.latest {
        let shown = |version: Option<String>| version.unwrap_or_else(|| "nothing".to_owned());
        println!(
            "{} {} {}: {} before, {} after",
            change.project,
            change.branch,
            change.target,
            shown(change.before),
            shown(change.after)
        );
    }
    let mut before = None;
    loop {
        let page = retention::items(&app, &CLI, id, before).await?;
        for item in page.items {
            let product = item.product;
            println!(
                "{product:>9}  {} {} {} {}  {} {} {}",
                item.project,
                item.branch,
                item.target,
                item.version,
                item.result,
                item.rule,
                item.result_text
            );
        }
        before = page.next;
        if before.is_none() {
            return Ok(());
        }
    }
}

async fn trash(file: &ConfigFile) -> Result<(), Problem> {
    let app = handles::beside(&file.config).await?;
    let mut before = None;
    loop {
        let page = retention::in_trash(&app, &CLI, before).await?;
        for one in page.items {
            println!(
                "{:>9}  {} {} {} {}  since {}: {}",
                one.product,
                one.project,
                one.branch,
                one.target,
                one.version,
                one.expired_at,
                one.reason
            );
        }
        before = page.next;
        if before.is_none() {
            return Ok(());
        }
    }
}

fn line(plan: &Plan) -> String {
    let state = match plan.state {
        PlanState::Planned => "waits to be applied",
        other => other.as_str(),
    };
    format!(
        "plan {}  {}  {} products, {} bytes  {state} {}",
        plan.id, plan.created_at, plan.products_total, plan.bytes_total, plan.state_text
    )
}
