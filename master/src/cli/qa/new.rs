//! `windlass qa new`: what came since one's last look or verdict, with what it brings and where it
//! is to be had.

use serde_json::{Value, json};

use super::choice::Choice;
use super::saved::named;
use super::told;
use crate::cli::output::{Problem, moment, plain, say, size};
use crate::cli::rest::{Master, Rest};
use crate::updates::file_path;

/// Products that are looked at unless more are asked for: a screen or two.
const ROWS: usize = 20;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct New {
    /// A saved choice instead of the filters
    #[arg(long, value_name = "NAME")]
    saved: Option<String>,
    #[command(flatten)]
    choice: Choice,
    /// Those too that are not new
    #[arg(long)]
    all: bool,
    /// Remember that everything of this choice was seen
    #[arg(long)]
    mark_seen: bool,
    /// Most products to tell
    #[arg(long, value_name = "NUMBER", default_value_t = ROWS)]
    limit: usize,
    /// Print them as a JSON list
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

/// Does it.
pub(super) async fn run(arguments: &New) -> Result<(), Problem> {
    let rest = Rest::of(&arguments.master)?;
    let query = match &arguments.saved {
        Some(name) => {
            let query = named(&rest, name).await?["query"].clone();
            plain(&query).trim_start_matches('?').to_owned()
        }
        None => arguments.choice.query(),
    };
    let is_old = |row: &Value| !arguments.all && row["is_new"] != true;
    let path = format!("/api/v1/qa?{query}");
    let rows = rest.rows(&path, arguments.limit, is_old).await;
    let rows = rows.map_err(told)?;
    let newest = rows.first().map(|row| row["product"]["id"].clone());
    let (kept, old): (Vec<Value>, Vec<Value>) = rows.into_iter().partition(|row| !is_old(row));
    match (arguments.json, kept.is_empty()) {
        (true, _) => say!("{:#}", Value::from(kept)),
        (false, false) => kept.iter().for_each(|row| tell(row, &rest)),
        (false, true) => match old.first() {
            Some(last) => eprintln!(
                "nothing new: the last is {} of {}",
                plain(&last["product"]["version"]),
                moment(&last["product"]["recorded_at"])
            ),
            None => eprintln!("no product of this choice"),
        },
    }
    if let Some(newest) = newest.filter(|_| arguments.mark_seen) {
        let body = json!({ "query": query, "seen": newest });
        let marked = rest.post("/api/v1/qa/desks", &body).await;
        marked.map_err(told)?;
    }
    Ok(())
}

/// One product in some lines.
fn tell(row: &Value, rest: &Rest) {
    let product = &row["product"];
    let words = |values: &Value| {
        let all = values.as_array().into_iter().flatten().map(plain);
        all.collect::<Vec<_>>().join(" ")
    };
    say!(
        "{} {}  {} {} {}  {}{}  {}  {}",
        plain(&product["id"]),
        plain(&product["version"]),
        plain(&product["project"]),
        plain(&product["branch"]),
        plain(&product["target"]),
        plain(&product["verdict"]),
        if product["held"] == true {
            ", kept"
        } else {
            ""
        },
        size(&product["size"]),
        moment(&product["recorded_at"]),
    );
    if row["labels"].as_array().is_some_and(|all| !all.is_empty()) {
        say!("    labels: {}", words(&row["labels"]));
    }
    if let Value::Object(judgement) = &row["judgement"] {
        say!(
            "    {} by {}: {} {}",
            plain(&judgement["verdict"]),
            plain(&judgement["by"]),
            plain(&judgement["comment"]),
            plain(&judgement["bug"])
        );
    }
    let since = &row["since"];
    if !since["product"].is_null() {
        say!(
            "    {} {} since {} (windlass qa compare {} {})",
            plain(&since["changes_total"]),
            if since["changes_total"] == 1 {
                "change"
            } else {
                "changes"
            },
            plain(&since["version"]),
            plain(&since["product"]),
            plain(&product["id"])
        );
    }
    for change in since["changes"].as_array().into_iter().flatten() {
        say!("      {}", super::compare::change(change));
    }
    if let (Some(file), Some(sha256)) = (row["file"].as_str(), row["sha256"].as_str()) {
        say!("    {}{}", rest.url(), file_path(sha256, file));
    }
}
