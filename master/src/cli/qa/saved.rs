//! `windlass qa save`, `saved` and `forget`: choices that one comes back to. They are the same as on
//! the page of the desk.

use serde_json::{Value, json};

use super::choice::Choice;
use super::told;
use crate::cli::output::{Problem, plain, say};
use crate::cli::rest::{Master, Rest};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Save {
    /// The name
    name: String,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    master: Master,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Saved {
    /// Print them as a JSON list
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Forget {
    /// The name
    name: String,
    #[command(flatten)]
    master: Master,
}

/// Saves one.
pub(super) async fn save(arguments: &Save) -> Result<(), Problem> {
    let rest = Rest::of(&arguments.master)?;
    let body = json!({ "query": arguments.choice.query(), "name": arguments.name });
    let kept = rest.post("/api/v1/qa/desks", &body).await.map_err(told)?;
    say!("{}", line(&kept));
    Ok(())
}

/// Lists those with a name.
pub(super) async fn list(arguments: &Saved) -> Result<(), Problem> {
    let rest = Rest::of(&arguments.master)?;
    let rows = with_name(&rest).await?;
    if arguments.json {
        say!("{:#}", Value::from(rows));
        return Ok(());
    }
    for row in &rows {
        say!("{}", line(row));
    }
    Ok(())
}

/// Forgets one.
pub(super) async fn forget(arguments: &Forget) -> Result<(), Problem> {
    let rest = Rest::of(&arguments.master)?;
    let id = plain(&named(&rest, &arguments.name).await?["id"]);
    let removed = rest.delete(&format!("/api/v1/qa/desks/{id}")).await;
    removed.map_err(told)?;
    say!("forgotten: {}", arguments.name);
    Ok(())
}

/// The choice of that name.
pub(super) async fn named(rest: &Rest, name: &str) -> Result<Value, Problem> {
    let rows = with_name(rest).await?;
    let known: Vec<String> = rows.iter().map(|row| plain(&row["name"])).collect();
    let found = rows.into_iter().find(|row| row["name"] == name);
    found.ok_or_else(|| {
        let known = match known.is_empty() {
            true => "none is saved yet".to_owned(),
            false => format!("saved are {}", known.join(", ")),
        };
        Problem::Usage(format!("no choice is saved as `{name}`: {known}"))
    })
}

async fn with_name(rest: &Rest) -> Result<Vec<Value>, Problem> {
    let rows = rest.rows("/api/v1/qa/desks", usize::MAX, |_| false).await;
    let rows = rows.map_err(told)?.into_iter();
    Ok(rows.filter(|row| !row["name"].is_null()).collect())
}

fn line(desk: &Value) -> String {
    let query = plain(&desk["query"]);
    let query = match query.as_str() {
        "" => "everything",
        query => query.trim_start_matches('?'),
    };
    format!("{:<24} {query}", plain(&desk["name"]))
}
