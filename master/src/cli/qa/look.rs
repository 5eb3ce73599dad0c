//! `windlass qa find`, `holds` and `checklist`.

use serde_json::Value;

use super::told;
use crate::cli::output::{Problem, moment, plain, say, size};
use crate::cli::rest::{Master, Rest};
use crate::updates::encode;

/// Holds that are listed unless more are asked for: some screens.
const ROWS: usize = 50;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Find {
    /// Version, #12, builder/12, start of a revision, hash or name of a file
    text: String,
    /// Print them as a JSON list
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Holds {
    /// One's own
    #[arg(long, conflicts_with = "owner")]
    mine: bool,
    /// Those of this user
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Those only that end by themselves before this moment, such as 2027-03-31T00:00:00Z
    #[arg(long, value_name = "MOMENT")]
    ends_before: Option<String>,
    /// newest, age, size, until or owner
    #[arg(long, default_value = "newest", value_parser = ["newest", "age", "size", "until", "owner"])]
    order: String,
    /// Most holds to list
    #[arg(long, value_name = "NUMBER", default_value_t = ROWS)]
    limit: usize,
    /// Print them as a JSON list
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Checklist {
    /// Name of the project
    project: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

/// Finds products.
pub(super) async fn find(arguments: &Find) -> Result<(), Problem> {
    let rest = Rest::of(&arguments.master)?;
    let path = format!("/api/v1/products/find?q={}", encode(&arguments.text));
    let rows = rest.rows(&path, usize::MAX, |_| false).await;
    let rows = rows.map_err(told)?;
    if arguments.json {
        say!("{:#}", Value::from(rows));
        return Ok(());
    }
    if rows.is_empty() {
        let text = "nothing is called exactly so: `windlass qa new --all --version PART` looks for parts of versions";
        return Err(Problem::Other(text.to_owned()));
    }
    for row in &rows {
        let product = &row["product"];
        say!(
            "{} {}  {} {} {}  {} #{}  {}  {}  (by {})",
            plain(&product["id"]),
            plain(&product["version"]),
            plain(&product["project"]),
            plain(&product["branch"]),
            plain(&product["target"]),
            plain(&product["builder"]),
            plain(&product["build_number"]),
            plain(&product["verdict"]),
            moment(&product["built_at"]),
            plain(&row["by"]),
        );
    }
    Ok(())
}

/// Lists holds.
pub(super) async fn holds(arguments: &Holds) -> Result<(), Problem> {
    let rest = Rest::of(&arguments.master)?;
    let owner = match arguments.mine {
        false => arguments.owner.clone(),
        true => {
            let me = rest.get("/api/v1/me").await.map_err(told)?;
            if me["role"].is_null() {
                let text = "--token: needed to know whose holds are meant";
                return Err(Problem::Usage(text.to_owned()));
            }
            me["name"].as_str().map(str::to_owned)
        }
    };
    let mut path = format!("/api/v1/holds?order={}", arguments.order);
    for (name, value) in [("owner", &owner), ("ends_before", &arguments.ends_before)] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", encode(value)));
        }
    }
    let rows = rest.rows(&path, arguments.limit, |_| false).await;
    let rows = rows.map_err(told)?;
    if arguments.json {
        say!("{:#}", Value::from(rows));
        return Ok(());
    }
    for row in &rows {
        let of = &row["of"];
        let until = match moment(&row["until"]) {
            text if text.is_empty() => "until lifted".to_owned(),
            text => format!("until {text}"),
        };
        say!(
            "hold {}  {} {}  {} {} {}  {}  {}  {until}: {}",
            plain(&row["id"]),
            plain(&of["id"]),
            plain(&of["version"]),
            plain(&of["project"]),
            plain(&of["branch"]),
            plain(&of["target"]),
            size(&of["size"]),
            plain(&row["owner"]),
            plain(&row["reason"]),
        );
    }
    Ok(())
}

/// Tells a checklist.
pub(super) async fn checklist(arguments: &Checklist) -> Result<(), Problem> {
    let rest = Rest::of(&arguments.master)?;
    let project = encode(&arguments.project);
    let found = rest
        .get(&format!("/api/v1/projects/{project}/checklist"))
        .await;
    let found = found.map_err(told)?;
    if arguments.json {
        say!("{found:#}");
        return Ok(());
    }
    for item in found["items"].as_array().into_iter().flatten() {
        say!("{}", plain(item));
    }
    if found["bad_needs_bug"] == true {
        eprintln!("the verdict bad needs --bug");
    }
    Ok(())
}
