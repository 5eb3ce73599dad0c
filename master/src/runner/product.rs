//! The product step: files of the agent become a recorded product, all of them or none.

use std::collections::BTreeMap;

use crate::config::resolved::ProductStep;
use crate::config::template::Template;
use crate::db::{Conn, products};
use crate::engine::scope::{interpolate, interpolate_glob};
use crate::ids::{ProductId, StepId};
use crate::logs::LogWriter;
use crate::model::{
    BuildResult, NewProduct, NewProductFile, ProductProperty, ProductRevision, VersionScheme,
};
use crate::updates;

use super::step::{Course, StepEnd, StepError, say};
use super::words::bytes;

/// Longest version, target and runtime text, bytes.
const TEXT_BYTES_MAX: usize = 200;

/// Records the product of a step.
pub(super) async fn record(
    course: &Course<'_>,
    step: StepId,
    wanted: &ProductStep,
) -> Result<StepEnd, StepError> {
    let mut log = course.log(step).await?;
    let outcome = take(course, &mut log, wanted).await;
    if let Err(error @ (StepError::Failed(_) | StepError::Broken(_))) = &outcome {
        say(&mut log, &format!("error: {error}")).await?;
    }
    if !matches!(outcome, Err(StepError::Stopping | StepError::Ours(_))) {
        log.close().await?;
    }
    outcome
}

async fn take(
    course: &Course<'_>,
    log: &mut LogWriter,
    wanted: &ProductStep,
) -> Result<StepEnd, StepError> {
    let Some(stamp) = course.stamps.first() else {
        let text = "a product needs a source: give the builder a source step";
        return Err(StepError::Failed(text.to_owned()));
    };
    let version = text(course, "version", &wanted.version)?;
    let feed_version = feed_version(course, wanted, &version)?;
    let mut new = NewProduct {
        project: project(course),
        branch: stamp.branch.clone(),
        target: text(course, "target", &wanted.target)?,
        feed_version,
        seq_position: stamp.position,
        build: Some(course.build.id),
        builder: course.build.builder_name.clone(),
        build_number: course.build.number,
        revision: stamp.revision.clone(),
        revisions: course.stamps.iter().map(revision).collect(),
        runtime: runtime(course, wanted)?,
        min_os: None,
        max_os: None,
        notes: String::new(),
        scheme: VersionScheme::Seq,
        properties: properties(course, wanted)?,
        files: Vec::new(),
        built_at: course.parts.clock.now(),
        recorded_by: "runner".to_owned(),
        version,
    };
    for (name, (role, path)) in chosen(course, wanted).await? {
        let blob = course.fetch(&path).await?;
        say(
            log,
            &format!("{path}: {}, sha256 {}", bytes(blob.size), blob.sha256),
        )
        .await?;
        new.files.push(NewProductFile {
            role,
            name,
            blob,
            source_path: path,
            delta_from: None,
            signatures: Vec::new(),
        });
    }
    let (version, target) = (new.version.clone(), new.target.clone());
    let now = course.parts.clock.now();
    let insert = move |conn: &mut Conn| products::record(conn, now, &new);
    let id: ProductId = course.parts.db.tx("product", insert).await?;
    let text = format!("product {id}: {version} for {target}");
    say(log, &text).await?;
    Ok(StepEnd::new(BuildResult::Success, text))
}

fn project(course: &Course<'_>) -> String {
    let builder = course.config.builders.get(&course.build.builder_name);
    builder
        .map(|builder| builder.project.clone())
        .unwrap_or_default()
}

fn revision(stamp: &crate::db::requests::Stamp) -> ProductRevision {
    ProductRevision {
        codebase: stamp.codebase.clone(),
        repository: stamp.codebase.clone(),
        branch: stamp.branch.clone(),
        revision: stamp.revision.clone(),
    }
}

/// The files by their download name, each with its role and path.
async fn chosen(
    course: &Course<'_>,
    wanted: &ProductStep,
) -> Result<BTreeMap<String, (String, String)>, StepError> {
    let mut chosen: BTreeMap<String, (String, String)> = BTreeMap::new();
    for glob in &wanted.files {
        let named = interpolate_glob(&glob.glob, &course.scope)?;
        for path in course.files(&named).await? {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            let entry = chosen
                .entry(name)
                .or_insert((glob.role.clone(), path.clone()));
            if entry.1 != path {
                let text = format!(
                    "`{}` and `{path}` would be one download: files of a product need names of \
                     their own",
                    entry.1
                );
                return Err(StepError::Failed(text));
            }
        }
    }
    Ok(chosen)
}

fn text(course: &Course<'_>, field: &str, template: &Template) -> Result<String, StepError> {
    let text = interpolate(template, &course.scope)?;
    let fits = (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits {
        return Ok(text);
    }
    let shown = text.escape_debug().take(80).collect::<String>();
    Err(StepError::Failed(format!(
        "the {field} `{shown}` (from `{template}`) is not 1 to {TEXT_BYTES_MAX} printable bytes"
    )))
}

/// The configured feed version, which must stand for a semantic one; else the version's.
fn feed_version(
    course: &Course<'_>,
    wanted: &ProductStep,
    version: &str,
) -> Result<Option<String>, StepError> {
    let Some(template) = &wanted.feed_version else {
        return Ok(updates::feed_version(version));
    };
    let given = text(course, "feed version", template)?;
    match updates::feed_version(&given) {
        Some(semantic) => Ok(Some(semantic)),
        None => Err(StepError::Failed(format!(
            "the feed version `{given}` stands for no semantic version: write one such as 1.4.0, \
             1.4.0-rc.1 or v1.4-3-gabc1234"
        ))),
    }
}

/// `python >=3.9,<3.13` as name and range.
fn runtime(
    course: &Course<'_>,
    wanted: &ProductStep,
) -> Result<Option<(String, String)>, StepError> {
    let Some(template) = &wanted.runtime else {
        return Ok(None);
    };
    let given = text(course, "runtime", template)?;
    let (name, range) = given
        .trim()
        .split_once(char::is_whitespace)
        .unwrap_or((&given, "*"));
    Ok(Some((name.to_owned(), range.trim().to_owned())))
}

/// The build's properties, and the step's own, which win.
fn properties(
    course: &Course<'_>,
    wanted: &ProductStep,
) -> Result<Vec<ProductProperty>, StepError> {
    let mut all: BTreeMap<String, ProductProperty> = BTreeMap::new();
    for property in &course.properties {
        let property = ProductProperty {
            name: property.name.clone(),
            value: property.value.clone(),
            source: property.source.clone(),
        };
        all.insert(property.name.clone(), property);
    }
    for (name, template) in &wanted.properties {
        let value = interpolate(template, &course.scope)?.replace('\0', "\u{fffd}");
        let property = ProductProperty {
            name: name.clone(),
            value: serde_json::Value::from(value).to_string(),
            source: "step".to_owned(),
        };
        all.insert(name.clone(), property);
    }
    Ok(all.into_values().collect())
}
