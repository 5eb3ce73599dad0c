//! `windlass product record`: one product from the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::send::{self, Source};
use super::way::Way;
use super::{Master, look};
use crate::cli::output::Problem;
use crate::ids::BuildId;
use crate::model::{ProductRecord, RecordSignature};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Name of the project
    #[arg(long, value_name = "NAME")]
    project: String,
    /// Name of the branch
    #[arg(long, value_name = "NAME")]
    branch: String,
    /// What it is for, such as x86_64-linux
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// Version
    #[arg(long, value_name = "VERSION")]
    version: String,
    /// Semantic version for update clients [default: what the version stands for]
    #[arg(long, value_name = "VERSION")]
    feed_version: Option<String>,
    /// Revision it was made of
    #[arg(
        long,
        value_name = "REVISION",
        default_value = "",
        hide_default_value = true
    )]
    revision: String,
    /// Build of the master that made it
    #[arg(long, value_name = "ID")]
    build: Option<BuildId>,
    /// Name of the builder [default: upload]
    #[arg(long, value_name = "NAME")]
    builder: Option<String>,
    /// Number of the build [default: the next]
    #[arg(long, value_name = "NUMBER")]
    build_number: Option<i64>,
    /// Language runtime and range, such as "python >=3.9,<3.13"
    #[arg(long, value_name = "TEXT")]
    runtime: Option<String>,
    /// Lowest version of the operating system
    #[arg(long, value_name = "VERSION")]
    min_os: Option<String>,
    /// Highest version of the operating system
    #[arg(long, value_name = "VERSION")]
    max_os: Option<String>,
    /// File with what is new
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
    /// A file of the product with its role: installer, update, symbols, …
    #[arg(long = "file", value_name = "ROLE=PATH", required = true, value_parser = pair)]
    files: Vec<(String, String)>,
    /// The signature of a file, by the file's name: minisign, Ed25519 or OpenPGP
    #[arg(long = "signature", value_name = "NAME=PATH", value_parser = pair)]
    signatures: Vec<(String, String)>,
    /// A property; a value that is JSON is taken as such
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = pair)]
    properties: Vec<(String, String)>,
    /// Print the product as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

/// Does it.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Problem> {
    let record = record(arguments)?;
    let sources: Result<Vec<Source>, Problem> = arguments
        .files
        .iter()
        .map(|(role, path)| send::source(role, path.as_ref()))
        .collect();
    let mut sources = sources?;
    for (name, path) in &arguments.signatures {
        sign(&mut sources, name, path)?;
    }
    let way = Way::open(&arguments.master).await?;
    let sent = send::product(&way, record, &sources).await?;
    if arguments.json {
        println!("{:#}", sent.product);
        return Ok(());
    }
    if sent.was_known {
        eprintln!("it was recorded before");
    }
    println!("{}", look::line(&sent.product));
    Ok(())
}

/// Puts the signature at `path` to the file called `name`.
fn sign(sources: &mut [Source], name: &str, path: &str) -> Result<(), Problem> {
    let value = std::fs::read_to_string(path)
        .map_err(|error| Problem::Other(format!("--signature: {path}: {error}")))?;
    let file = sources.iter_mut().find(|source| source.file.name == name);
    let file = file.ok_or_else(|| {
        Problem::Usage(format!(
            "--signature: there is no --file with the name `{name}`"
        ))
    })?;
    let signature = RecordSignature {
        scheme: None,
        value,
    };
    file.file.signatures.push(signature);
    Ok(())
}

fn record(arguments: &Arguments) -> Result<ProductRecord, Problem> {
    let notes = match &arguments.notes {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Problem::Other(format!("--notes: {}: {error}", path.display())))?,
    };
    let mut properties = BTreeMap::new();
    for (name, value) in &arguments.properties {
        let json = serde_json::from_str(value);
        let value = json.unwrap_or_else(|_| value.clone().into());
        if properties.insert(name.clone(), value).is_some() {
            return Err(Problem::Usage(format!("--property: `{name}` stands twice")));
        }
    }
    Ok(ProductRecord {
        project: arguments.project.clone(),
        branch: arguments.branch.clone(),
        target: arguments.target.clone(),
        version: arguments.version.clone(),
        feed_version: arguments.feed_version.clone(),
        revision: arguments.revision.clone(),
        build: arguments.build,
        builder: arguments.builder.clone(),
        build_number: arguments.build_number,
        runtime: arguments.runtime.clone(),
        min_os: arguments.min_os.clone(),
        max_os: arguments.max_os.clone(),
        notes,
        properties,
        ..ProductRecord::default()
    })
}

/// `NAME=VALUE` as its two parts.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write two parts with = between".to_owned()),
    }
}
