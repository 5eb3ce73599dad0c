//! `windlass qa compare`: what is different in one product from another.

use serde_json::Value;

use super::told;
use crate::cli::output::{Problem, moment, plain, say, size};
use crate::cli::rest::{Master, Rest};
use crate::ids::ProductId;
use crate::web::filters::size_text;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Compare {
    /// The one, mostly the older
    a: ProductId,
    /// The other
    b: ProductId,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

/// Does it.
pub(super) async fn run(arguments: &Compare) -> Result<(), Problem> {
    let rest = Rest::of(&arguments.master)?;
    let path = format!(
        "/api/v1/products/compare?a={}&b={}",
        arguments.a, arguments.b
    );
    let found = rest.get(&path).await.map_err(told)?;
    if arguments.json {
        say!("{found:#}");
        return Ok(());
    }
    for (name, verdicts) in [("a", "verdicts_a"), ("b", "verdicts_b")] {
        product(&found[name], &found[verdicts][0]);
    }
    let all = |name: &str| found[name].as_array().cloned().unwrap_or_default();
    all("codebases").iter().for_each(codebase);
    say!("files");
    all("files").iter().for_each(file);
    let differ = |row: &&Value| row["a"] != row["b"];
    let properties = all("properties");
    if properties.iter().any(|row| differ(&row)) {
        say!("properties that differ");
    }
    for row in properties.iter().filter(differ) {
        say!(
            "  {}  {} → {}",
            plain(&row["name"]),
            or_none(&row["a"]),
            or_none(&row["b"])
        );
    }
    Ok(())
}

/// A change in a line.
pub(super) fn change(change: &Value) -> String {
    let message = change["message"].as_str().unwrap_or_default();
    let first = message.lines().next().unwrap_or_default();
    format!(
        "{} ({} {})",
        plain(&first.into()),
        plain(&change["author"]),
        short(&change["revision"])
    )
}

fn product(product: &Value, judgement: &Value) {
    say!(
        "{} {}  {} {} {}  {} #{} of {}  {} {}",
        plain(&product["id"]),
        plain(&product["version"]),
        plain(&product["project"]),
        plain(&product["branch"]),
        plain(&product["target"]),
        plain(&product["builder"]),
        plain(&product["build_number"]),
        moment(&product["built_at"]),
        plain(&product["verdict"]),
        plain(&judgement["comment"]),
    );
}

fn codebase(row: &Value) {
    let name = plain(&row["codebase"]);
    let (a, b) = (short(&row["revision_a"]), short(&row["revision_b"]));
    let said = match (
        row["is_known"] == true,
        row["changes_total"].as_i64().unwrap_or(0),
    ) {
        (false, _) => "not both on one branch that is watched".to_owned(),
        (true, 0) => "the same".to_owned(),
        (true, total) if row["is_backwards"] == true => format!("{total} taken back"),
        (true, 1) => "1 change".to_owned(),
        (true, total) => format!("{total} changes"),
    };
    say!("changes of {name}, {a} → {b}: {said}");
    let changes = row["changes"].as_array().into_iter().flatten();
    changes.for_each(|one| say!("  {}", change(one)));
}

fn file(row: &Value) {
    let bytes = |name: &str| row[name].as_i64();
    let difference = match (bytes("size_a"), bytes("size_b")) {
        _ if row["is_same"] == true => "the same".to_owned(),
        (Some(a), Some(b)) if b < a => format!("-{}", size_text(a - b)),
        (Some(a), Some(b)) => format!("+{}", size_text(b - a)),
        (Some(_), None) => "only in the first".to_owned(),
        _ => "only in the second".to_owned(),
    };
    let (name, length) = match row["name_b"].is_null() {
        true => (&row["name_a"], &row["size_a"]),
        false => (&row["name_b"], &row["size_b"]),
    };
    say!(
        "  {:<12} {}  {}  {difference}",
        plain(&row["role"]),
        plain(name),
        size(length)
    );
}

fn short(revision: &Value) -> String {
    let text: String = plain(revision).chars().take(10).collect();
    match text.is_empty() {
        true => "none".to_owned(),
        false => text,
    }
}

fn or_none(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        other => plain(other),
    }
}
