//! The product step: files of the agent become a recorded product, all of them or none.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};

use crate::collector::Quotas;
use crate::config::resolved::{ProductStep, Project};
use crate::config::template::Template;
use crate::db::{Conn, products};
use crate::engine::scope::{interpolate, interpolate_glob};
use crate::ids::{ProductId, StepId};
use crate::logs::LogWriter;
use crate::model::{
    BuildResult, NewProduct, NewProductFile, ProductProperty, ProductRevision, check_os_range,
    check_os_version,
};
use crate::recording;
use crate::updates::{self, check_version};

use super::collect::FoundFile;
use super::step::{Course, StepEnd, StepError, say};
use super::words::bytes;

/// Files fetched at once: while one is hashed and synced the next is on its way.
const FILES_AT_ONCE: usize = 2;
/// Files of one product: as many as are read back.
const FILES_MAX: usize = 1_000;
/// Longest version, target and runtime text, bytes.
const TEXT_BYTES_MAX: usize = 200;

/// A file to fetch.
struct Chosen {
    role: String,
    path: String,
    size: u64,
    delta_from: Option<ProductId>,
}

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
    let project = project(course);
    let rules = course.config.projects.get(&project).cloned();
    let rules = rules.unwrap_or_default();
    let version = text(course, "version", &wanted.version)?;
    check_version(rules.version_scheme, &version).map_err(StepError::Failed)?;
    let feed_version = feed_version(course, wanted, &version)?;
    let mut new = NewProduct {
        project,
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
        min_os: os_version(course, "min_os", wanted.min_os.as_ref())?,
        max_os: os_version(course, "max_os", wanted.max_os.as_ref())?,
        notes: notes(course, wanted)?,
        scheme: rules.version_scheme,
        properties: properties(course, wanted)?,
        files: Vec::new(),
        built_at: course.parts.clock.now(),
        recorded_by: "runner".to_owned(),
        version,
    };
    check_os_range(new.min_os.as_deref(), new.max_os.as_deref())
        .map_err(|text| StepError::Failed(format!("max_os: {text}")))?;
    let bases = bases(course, wanted, &new).await?;
    let chosen = chosen(course, wanted, &bases).await?;
    find_room(course, &new.project, &chosen).await?;
    new.files = fetched(course, log, chosen).await?;
    complete(course, log, &rules, &mut new).await?;
    let (version, target) = (new.version.clone(), new.target.clone());
    let now = course.parts.clock.now();
    let insert = move |conn: &mut Conn| products::record(conn, now, &new);
    let id: ProductId = course.parts.db.tx("product", insert).await?;
    let text = format!("product {id}: {version} for {target}");
    say(log, &text).await?;
    Ok(StepEnd::new(BuildResult::Success, text))
}

/// Refuses files for which the quotas in force leave no room, before any byte of them is sent.
async fn find_room(
    course: &Course<'_>,
    project: &str,
    chosen: &BTreeMap<String, Chosen>,
) -> Result<(), StepError> {
    let parts = course.parts;
    let config = Arc::clone(&parts.config.borrow());
    let quotas = Quotas {
        db: &parts.db,
        bells: &parts.bells,
        config: &config,
        now: parts.clock.now(),
    };
    let sizes = chosen.values().map(|file| file.size);
    let total = sizes.fold(0, u64::saturating_add);
    match quotas.refusal(project, total).await? {
        Some(text) => Err(StepError::Failed(format!(
            "there is no room for {}: {text}",
            bytes(total)
        ))),
        None => Ok(()),
    }
}

/// Fetches the files, [`FILES_AT_ONCE`] at a time, in their order.
async fn fetched(
    course: &Course<'_>,
    log: &mut LogWriter,
    chosen: BTreeMap<String, Chosen>,
) -> Result<Vec<NewProductFile>, StepError> {
    let fetches = chosen.into_iter().map(|(name, chosen)| async move {
        let blob = course.fetch(&chosen.path).await?;
        Ok::<_, StepError>(NewProductFile {
            role: chosen.role,
            name,
            blob,
            source_path: chosen.path,
            delta_from: chosen.delta_from,
            signatures: Vec::new(),
        })
    });
    let mut fetches = stream::iter(fetches).buffered(FILES_AT_ONCE);
    let mut files = Vec::new();
    while let Some(file) = fetches.next().await {
        let file = file?;
        let (path, size) = (&file.source_path, bytes(file.blob.size));
        say(log, &format!("{path}: {size}, sha256 {}", file.blob.sha256)).await?;
        files.push(file);
    }
    Ok(files)
}

/// Checks the signatures, and takes the notes from their file where the step has none.
async fn complete(
    course: &Course<'_>,
    log: &mut LogWriter,
    rules: &Project,
    new: &mut NewProduct,
) -> Result<(), StepError> {
    let blobs = &course.parts.blobs;
    let said = recording::check_signatures(blobs, &rules.keys, &mut new.files, &[]).await?;
    for line in said {
        say(log, &line).await?;
    }
    if new.notes.is_empty() {
        new.notes = recording::notes(blobs, &new.files).await?;
    }
    Ok(())
}

/// The products that the step's deltas start from, by the version that is written.
async fn bases(
    course: &Course<'_>,
    wanted: &ProductStep,
    new: &NewProduct,
) -> Result<BTreeMap<String, ProductId>, StepError> {
    let mut bases = BTreeMap::new();
    for template in wanted
        .files
        .iter()
        .filter_map(|glob| glob.delta_from.as_ref())
    {
        let version = interpolate(template, &course.scope)?;
        // Without a version there is nothing to start from, as in the first build of a branch.
        if version.is_empty() || bases.contains_key(&version) {
            continue;
        }
        let (project, branch) = (new.project.clone(), new.branch.clone());
        let (target, asked) = (new.target.clone(), version.clone());
        let find =
            move |conn: &mut Conn| products::of_version(conn, (&project, &branch, &target), &asked);
        let Some(base) = course.parts.db.read("delta base", find).await? else {
            return Err(StepError::Failed(recording::no_base(
                new,
                "delta_from",
                &version,
            )));
        };
        bases.insert(version, base);
    }
    Ok(bases)
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

/// The files by their download name.
async fn chosen(
    course: &Course<'_>,
    wanted: &ProductStep,
    bases: &BTreeMap<String, ProductId>,
) -> Result<BTreeMap<String, Chosen>, StepError> {
    let mut chosen: BTreeMap<String, Chosen> = BTreeMap::new();
    for glob in &wanted.files {
        let named = interpolate_glob(&glob.glob, &course.scope)?;
        let version = match &glob.delta_from {
            Some(template) => Some(interpolate(template, &course.scope)?),
            None => None,
        };
        let delta_from = version
            .as_ref()
            .and_then(|version| bases.get(version))
            .copied();
        let paths = match glob.optional {
            true => course.files_if_any(&named).await?,
            false => course.files(&named).await?,
        };
        if version.is_some() && delta_from.is_none() && !paths.is_empty() {
            let text = format!(
                "`delta_from` of `{}` is empty: write the version that it starts from",
                paths[0].path
            );
            return Err(StepError::Failed(text));
        }
        for FoundFile { path, size } in paths {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            let entry = chosen.entry(name).or_insert(Chosen {
                role: glob.role.clone(),
                path: path.clone(),
                size,
                delta_from,
            });
            if entry.path != path {
                let text = format!(
                    "`{}` and `{path}` would be one download: files of a product need names of \
                     their own",
                    entry.path
                );
                return Err(StepError::Failed(text));
            }
        }
    }
    match chosen.len() {
        0 => Err(StepError::Failed(
            "the product would have no file".to_owned(),
        )),
        1..=FILES_MAX => Ok(chosen),
        many => Err(StepError::Failed(format!(
            "the product would have {many} files; at most {FILES_MAX} are possible"
        ))),
    }
}

/// A bound of the operating system's version.
fn os_version(
    course: &Course<'_>,
    field: &str,
    template: Option<&Template>,
) -> Result<Option<String>, StepError> {
    let Some(template) = template else {
        return Ok(None);
    };
    let given = text(course, field, template)?;
    check_os_version(&given).map_err(|error| StepError::Failed(format!("{field}: {error}")))?;
    Ok(Some(given))
}

fn notes(course: &Course<'_>, wanted: &ProductStep) -> Result<String, StepError> {
    let Some(template) = &wanted.notes else {
        return Ok(String::new());
    };
    let notes = interpolate(template, &course.scope)?;
    recording::check_notes(&notes).map_err(StepError::Failed)?;
    Ok(notes)
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
