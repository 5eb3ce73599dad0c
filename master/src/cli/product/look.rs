//! `windlass product list` and `show`.

use serde_json::Value;

use super::way::{Filter, Way};
use crate::cli::output::{Problem, plain};
use crate::cli::rest::Master;
use crate::ids::ProductId;
use crate::model::ProductState;

/// Rows that are listed unless more are asked for: some screens.
const ROWS: usize = 50;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    /// Name of the project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Name of the branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Target
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Part of the version
    #[arg(long, value_name = "TEXT")]
    version: Option<String>,
    /// State: recorded, candidate, released, superseded, withdrawn, expired or deleted
    #[arg(long)]
    state: Option<ProductState>,
    /// Whether a hold protects it
    #[arg(long, value_name = "true|false")]
    held: Option<bool>,
    /// Name of the builder
    #[arg(long, value_name = "NAME")]
    builder: Option<String>,
    /// A property
    #[arg(long, value_name = "NAME:VALUE")]
    property: Option<String>,
    /// Most products to list
    #[arg(long, value_name = "NUMBER", default_value_t = ROWS)]
    limit: usize,
    /// Print them as a JSON list
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    /// Its number in the list
    id: ProductId,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

/// Lists products.
pub(super) async fn list(arguments: &List) -> Result<(), Problem> {
    let way = Way::open(&arguments.master).await?;
    let filter = Filter {
        project: arguments.project.clone(),
        branch: arguments.branch.clone(),
        target: arguments.target.clone(),
        version: arguments.version.clone(),
        state: arguments.state,
        held: arguments.held,
        builder: arguments.builder.clone(),
        property: arguments.property.clone(),
    };
    let rows = way.list(&filter, arguments.limit).await?;
    if arguments.json {
        println!("{:#}", Value::from(rows));
        return Ok(());
    }
    for row in &rows {
        println!("{}", line(row));
    }
    Ok(())
}

/// Shows one product.
pub(super) async fn show(arguments: &Show) -> Result<(), Problem> {
    let way = Way::open(&arguments.master).await?;
    let product = way.show(arguments.id).await?;
    if arguments.json {
        println!("{product:#}");
        return Ok(());
    }
    println!("{}", line(&product));
    for file in product["files"].as_array().into_iter().flatten() {
        println!(
            "       {:<12} {:>14} {} {}",
            plain(&file["role"]),
            plain(&file["size"]),
            plain(&file["sha256"]),
            plain(&file["name"])
        );
    }
    for property in product["properties"].as_array().into_iter().flatten() {
        println!(
            "       {} = {}",
            plain(&property["name"]),
            plain(&property["value"])
        );
    }
    Ok(())
}

/// One product as a line: number, project, branch, target, version, state, time.
pub(super) fn line(product: &Value) -> String {
    format!(
        "{:>6} {} {} {:<20} {:<20} {:<10} {}",
        plain(&product["id"]),
        plain(&product["project"]),
        plain(&product["branch"]),
        plain(&product["target"]),
        plain(&product["version"]),
        plain(&product["state"]),
        plain(&product["recorded_at"])
    )
}
