//! `windlass product import`: the installers of a folder become products, by a pattern of their
//! names, oldest first. What is recorded already is left alone, so it can be run again.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::pattern::{Pattern, Words};
use super::send;
use super::way::{Filter, Way};
use super::{Master, look};
use crate::cli::output::Problem;
use crate::clock::Time;
use crate::ids::ProductId;
use crate::model::ProductRecord;
use crate::updates::compare_versions;

/// Files that are looked at: more is no folder of installers.
const FILES_MAX: usize = 100_000;
/// Folders below folders that are looked into.
const DEPTH_MAX: usize = 8;
/// Products of a branch that are compared with.
const KNOWN_MAX: usize = 100_000;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The folder; those in it are looked into as well
    folder: PathBuf,
    /// How the names are made, of {project} {version} {target} {ext} {role} {build} and {*}
    #[arg(long, value_name = "PATTERN")]
    pattern: String,
    /// Name of the project
    #[arg(long, value_name = "NAME")]
    project: String,
    /// Name of the branch
    #[arg(long, value_name = "NAME")]
    branch: String,
    /// Target of files whose name says none
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

/// A product to be.
#[derive(Debug)]
struct Found {
    version: String,
    target: String,
    build: Option<i64>,
    /// Role and path.
    files: Vec<(String, PathBuf)>,
    bytes: u64,
    /// When the newest of its files was written.
    written: Time,
}

/// Does it.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Problem> {
    let pattern = Pattern::parse(&arguments.pattern)
        .map_err(|text| Problem::Usage(format!("--pattern: {text}")))?;
    let mut paths = Vec::new();
    walk(&arguments.folder, 0, &mut paths)?;
    paths.sort();
    let (mut found, left_out) = sort_out(arguments, &pattern, &paths)?;
    found.sort_by(|a, b| {
        let versions = compare_versions(&a.version, &b.version).unwrap_or(Ordering::Equal);
        versions
            .then(a.written.cmp(&b.written))
            .then(a.target.cmp(&b.target))
    });
    let way = Way::open(&arguments.master).await?;
    let filter = Filter {
        project: Some(arguments.project.clone()),
        branch: Some(arguments.branch.clone()),
        ..Filter::default()
    };
    let known = way.list(&filter, KNOWN_MAX).await?;
    let mut told = Vec::new();
    for (path, why) in &left_out {
        tell(
            arguments,
            &mut told,
            "left out",
            &path.display().to_string(),
            why,
        );
    }
    let mut wrong = 0;
    for one in &found {
        let name = format!("{} for {}", one.version, one.target);
        let known_as = same(&known, one);
        let is_same = match known_as {
            Some(row) => has_same_files(&way, row, one).await?,
            None => false,
        };
        match known_as {
            Some(row) if is_same => {
                let why = format!("product {}", row["id"]);
                tell(arguments, &mut told, "known", &name, &why);
            }
            Some(row) => {
                wrong += 1;
                let why = format!("product {} has the same version and other files", row["id"]);
                tell(arguments, &mut told, "differs", &name, &why);
            }
            None if arguments.dry_run => {
                let files = format!("{} files, {} bytes", one.files.len(), one.bytes);
                tell(arguments, &mut told, "would import", &name, &files);
            }
            None => {
                let product = import(&way, arguments, one, &known).await?;
                tell(
                    arguments,
                    &mut told,
                    "imported",
                    &name,
                    look::line(&product).trim(),
                );
            }
        }
    }
    if arguments.json {
        println!("{:#}", Value::from(told));
    }
    match wrong {
        0 => Ok(()),
        _ => Err(Problem::Other(format!(
            "{wrong} products are recorded with other files: give the new ones another version"
        ))),
    }
}

fn tell(arguments: &Arguments, told: &mut Vec<Value>, what: &str, name: &str, why: &str) {
    if !arguments.json {
        println!("{what:<12} {}: {}", name.escape_debug(), why.escape_debug());
    }
    told.push(json!({ "what": what, "name": name, "detail": why }));
}

async fn import(
    way: &Way,
    arguments: &Arguments,
    found: &Found,
    known: &[Value],
) -> Result<Value, Problem> {
    let sources = found
        .files
        .iter()
        .map(|(role, path)| send::source(role, path))
        .collect::<Result<Vec<_>, _>>()?;
    let record = ProductRecord {
        project: arguments.project.clone(),
        branch: arguments.branch.clone(),
        target: found.target.clone(),
        version: found.version.clone(),
        builder: Some("import".to_owned()),
        build_number: found.build,
        position: position(known, found),
        built_at: Some(found.written),
        ..ProductRecord::default()
    };
    let sent = send::product(way, record, &sources).await?;
    Ok(sent.product)
}

/// Where an older version belongs among those that are recorded: beside the highest that is not
/// higher. `None` when it is the newest.
fn position(known: &[Value], found: &Found) -> Option<i64> {
    let rows = known
        .iter()
        .filter(|row| row["target"] == found.target.as_str());
    let (mut below, mut above): (Option<i64>, Option<i64>) = (None, None);
    for row in rows {
        let (version, position) = (row["version"].as_str()?, row["seq_position"].as_i64()?);
        match compare_versions(version, &found.version) {
            Some(Ordering::Greater) => above = Some(above.map_or(position, |p| p.min(position))),
            Some(_) => below = Some(below.map_or(position, |p| p.max(position))),
            None => {}
        }
    }
    let above = above?;
    Some(below.unwrap_or_else(|| (above - 1).max(0)).min(above))
}

/// The product that is recorded of this version and target, whatever became of it.
fn same<'a>(known: &'a [Value], found: &Found) -> Option<&'a Value> {
    known.iter().find(|row| {
        row["version"] == found.version.as_str()
            && row["target"] == found.target.as_str()
            && found.build.is_none_or(|build| row["build_number"] == build)
    })
}

/// Whether the product of this row has the files that were found, by their names and contents.
async fn has_same_files(way: &Way, row: &Value, found: &Found) -> Result<bool, Problem> {
    // Other sizes are other contents: nothing has to be read for that.
    if row["size"] != found.bytes || row["files_total"] != found.files.len() {
        return Ok(false);
    }
    let id = ProductId(row["id"].as_i64().unwrap_or(0));
    let product = send::trying(async || way.show(id).await).await?;
    let files = product["files"].as_array().into_iter().flatten();
    let recorded: BTreeMap<&str, &str> = files
        .filter_map(|file| Some((file["name"].as_str()?, file["sha256"].as_str()?)))
        .collect();
    for (role, path) in &found.files {
        let file = send::source(role, path)?.file;
        if recorded.get(file.name.as_str()).copied() != file.sha256.as_deref() {
            return Ok(false);
        }
    }
    Ok(recorded.len() == found.files.len())
}

type LeftOut = Vec<(PathBuf, String)>;

/// Puts files of one version and target together; tells which fit nowhere and why.
fn sort_out(
    arguments: &Arguments,
    pattern: &Pattern,
    paths: &[PathBuf],
) -> Result<(Vec<Found>, LeftOut), Problem> {
    let mut found: BTreeMap<(String, String, Option<i64>), Found> = BTreeMap::new();
    let (mut left_out, mut project) = (Vec::new(), None);
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(mut words) = name.and_then(|name| pattern.read(name)) else {
            left_out.push((path.clone(), "the pattern does not fit".to_owned()));
            continue;
        };
        if let Some(named) = words.remove("project") {
            let first = project.get_or_insert_with(|| named.clone());
            if *first != named {
                let text = format!(
                    "--pattern: names are of `{first}` and of `{named}`: write the one that is \
                     meant in place of {{project}}"
                );
                return Err(Problem::Usage(text));
            }
        }
        let target = words.remove("target").or_else(|| arguments.target.clone());
        let (Some(target), Some(version)) = (target, words.remove("version")) else {
            left_out.push((path.clone(), "no target: give --target".to_owned()));
            continue;
        };
        let facts = path
            .metadata()
            .map_err(|error| Problem::Other(format!("{}: {error}", path.display())))?;
        if facts.len() == 0 {
            left_out.push((path.clone(), "it is empty".to_owned()));
            continue;
        }
        let build = words.remove("build").and_then(|build| build.parse().ok());
        let modified = facts.modified().ok();
        let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let written = Time(0).after(since.unwrap_or_default());
        let key = (version.clone(), target.clone(), build);
        let entry = found.entry(key).or_insert_with(|| Found {
            version,
            target,
            build,
            files: Vec::new(),
            bytes: 0,
            written,
        });
        entry.files.push((role(&words, path), path.clone()));
        entry.bytes += facts.len();
        entry.written = entry.written.max(written);
    }
    Ok((found.into_values().collect(), left_out))
}

/// The role by the pattern, else by the extension.
fn role(words: &Words, path: &Path) -> String {
    if let Some(role) = words.get("role") {
        return role.to_ascii_lowercase();
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    let role = match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
        "pdb" | "dbg" | "debug" | "dsym" | "sym" => "symbols",
        "nupkg" => "update",
        "spdx" | "cdx" => "sbom",
        "md" | "txt" => "notes",
        "log" => "log",
        _ => "installer",
    };
    role.to_owned()
}

/// Every file below `folder`; links are not followed.
fn walk(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let problem = |error| Problem::Other(format!("cannot read {}: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        let kind = entry.file_type().map_err(problem)?;
        if kind.is_dir() && depth < DEPTH_MAX {
            walk(&entry.path(), depth + 1, into)?;
        } else if kind.is_file() {
            if into.len() >= FILES_MAX {
                let text = format!("there are more than {FILES_MAX} files: import part of them");
                return Err(Problem::Other(text));
            }
            into.push(entry.path());
        }
    }
    Ok(())
}
