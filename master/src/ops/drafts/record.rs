//! From a draft with all its files to a product: one transaction, after which everything is
//! visible, or nothing.

use super::announced::{self, Announced, Origin};
use super::{note, taken};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::db::drafts::{Same, Twin};
use crate::db::{Conn, DbError, DbResult, branches, drafts, events, products, projects, uploads};
use crate::error::{Error, Result};
use crate::failpoints;
use crate::ids::{BranchId, ProductId, UploadId};
use crate::model::{
    Blob, DraftState, NewProduct, NewProductFile, ProductProperty, ProductRecord, ProductRevision,
    ProductState, UploadState, VersionScheme,
};
use crate::recording::{self, GivenSignature, RecordingError};

/// What came of a commit.
enum Outcome {
    /// Recorded, or known as this product; and the newest event.
    Product(ProductId, i64),
    /// It ended otherwise in the meantime.
    Ended,
    /// Another product stands in the way.
    Twin(Twin),
    /// These files are no longer in the store.
    Lost(Vec<UploadId>),
}

/// Records the product of an open draft.
pub(super) async fn commit(
    app: &App,
    identity: &Identity,
    row: drafts::Draft,
) -> Result<ProductId> {
    let id = row.id;
    complete(app, &row).await?;
    let record: ProductRecord = serde_json::from_str(&row.record).map_err(Error::internal)?;
    let announced = announced::checked(record)?;
    let now = app.clock.now();
    let draft = row.clone();
    let ours = announced.clone();
    let read = move |conn: &mut Conn| product_of(conn, now, &draft, &ours);
    let mut new = match app.db.read("drafts.product", read).await? {
        Ok(new) => new,
        Err(lost) => return Err(begin_again(app, lost).await?),
    };
    checked(app, &announced, &mut new).await?;
    failpoints::reach("commit.begun");
    let actor = identity.name().to_owned();
    let work = move |conn: &mut Conn| record_all(conn, now, &row, &announced, &new, &actor);
    match app.db.tx("drafts.commit", work).await {
        Ok(Outcome::Product(product, seq)) => {
            failpoints::reach("commit.recorded");
            let raise = |newest: &mut i64| *newest = seq.max(*newest);
            app.bells.events.send_modify(raise);
            Ok(product)
        }
        Ok(Outcome::Twin(twin)) => Err(taken(&twin)),
        Ok(Outcome::Lost(files)) => Err(begin_again(app, files).await?),
        // Another request has ended the draft in between: it says how.
        Ok(Outcome::Ended) | Err(DbError::Changed) => {
            let row = super::own(app, identity, id).await?;
            let text = "the draft was changed by another request in between: try again";
            super::ended(&row)?.ok_or_else(|| Error::Conflict(text.to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Waits for files that have all their bytes and are not yet in the store. Errors: `Conflict`
/// with the files that are not complete.
async fn complete(app: &App, row: &drafts::Draft) -> Result<()> {
    let id = row.id;
    let read = move |conn: &mut Conn| uploads::of_draft(conn, id);
    let mut missing = Vec::new();
    for file in app.db.read("drafts.files", read).await? {
        let state = match file.state {
            UploadState::Open if file.received == file.size => app
                .uploads
                .finish(file.id)
                .await
                .map_err(super::super::uploads::trouble)?,
            other => other,
        };
        match state {
            UploadState::Complete => {}
            UploadState::Open => missing.push(format!(
                "`{}` has {} of {} bytes",
                file.name, file.received, file.size
            )),
            UploadState::Refused => {
                missing.push(format!("`{}` was refused: {}", file.name, file.state_text));
            }
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Error::Conflict(format!(
            "not all files are here: {}",
            missing.join("; ")
        ))),
    }
}

/// The product of a draft whose files are all in the store; else those that are not.
fn product_of(
    conn: &mut Conn,
    now: Time,
    draft: &drafts::Draft,
    announced: &Announced,
) -> DbResult<Result<NewProduct, Vec<UploadId>>> {
    let (mut files, mut lost) = (Vec::new(), Vec::new());
    for file in uploads::of_draft(conn, draft.id)? {
        let blob = match &file.blob {
            Some(sha256) if file.state == UploadState::Complete => uploads::blob(conn, sha256)?,
            _ => None,
        };
        match blob {
            Some(blob) => files.push((file, blob)),
            None => lost.push(file.id),
        }
    }
    let Ok(origin) = announced::origin(conn, announced)? else {
        return Err(DbError::NotFound);
    };
    Ok(match lost.is_empty() {
        true => Ok(product(now, draft, announced, origin, files)),
        false => Err(lost),
    })
}

/// Checks the signatures and takes the notes from their file, by the project's rules.
async fn checked(app: &App, announced: &Announced, new: &mut NewProduct) -> Result<()> {
    let rules = app.config().projects.get(&new.project).cloned();
    let rules = rules.unwrap_or_default();
    new.scheme = rules.version_scheme;
    let given = announced.record.files.iter().flat_map(|file| {
        file.signatures.iter().map(|signature| GivenSignature {
            file: file.name.clone(),
            scheme: signature.scheme,
            text: signature.value.clone(),
        })
    });
    let given: Vec<GivenSignature> = given.collect();
    recording::check_signatures(&app.blobs, &rules.keys, &mut new.files, &given)
        .await
        .map_err(|error| refused("signatures", error))?;
    if new.notes.is_empty() {
        let notes = recording::notes(&app.blobs, &new.files).await;
        new.notes = notes.map_err(|error| refused("notes", error))?;
    }
    Ok(())
}

fn refused(field: &str, error: RecordingError) -> Error {
    match error {
        RecordingError::Refused(text) => Error::bad_input(field, text),
        RecordingError::Unread(error) => Error::internal(error),
    }
}

fn record_all(
    conn: &mut Conn,
    now: Time,
    row: &drafts::Draft,
    announced: &Announced,
    new: &NewProduct,
    actor: &str,
) -> DbResult<Outcome> {
    let draft = drafts::find(conn, row.id)?;
    if draft.state != DraftState::Open {
        return Ok(Outcome::Ended);
    }
    // What a collection took in between.
    let mut lost = Vec::new();
    for file in uploads::of_draft(conn, row.id)? {
        let there = match &file.blob {
            Some(sha256) => uploads::blob(conn, sha256)?.is_some(),
            None => false,
        };
        if !there {
            lost.push(file.id);
        }
    }
    if !lost.is_empty() {
        return Ok(Outcome::Lost(lost));
    }
    let project = projects::id_by_name(conn, &draft.project)?;
    let branch = branches::ensure(conn, now, project, &draft.branch)?;
    drafts::lock_branch(conn, branch)?;
    let Ok(origin) = announced::origin(conn, announced)? else {
        return Err(DbError::NotFound);
    };
    let content = new
        .files
        .iter()
        .map(|file| (file.name.clone(), file.blob.sha256.clone()));
    let content: Vec<(String, String)> = content.collect();
    let same = same(announced, &origin);
    let product = match drafts::twin(conn, branch, &same, &content)? {
        Some(twin) if is_same(&twin) => twin.id,
        Some(twin) => return Ok(Outcome::Twin(twin)),
        None => products::record(conn, now, new)?,
    };
    failpoints::reach("commit.recording");
    drafts::commit(conn, draft.id, product)?;
    let detail = format!("product {product}: {}", draft.version);
    note(conn, now, actor, "draft.commit", draft.id, &detail)?;
    Ok(Outcome::Product(product, events::newest(conn)?))
}

/// The product that was recorded before as the same, if the content of every file was announced.
pub(super) fn twin(
    conn: &mut Conn,
    branch: BranchId,
    announced: &Announced,
    origin: &Origin,
) -> DbResult<Option<Twin>> {
    let known = |file: &uploads::NewUpload| Some((file.name.clone(), file.sha256.clone()?));
    let content: Option<Vec<_>> = announced.files.iter().map(known).collect();
    match content {
        Some(content) => drafts::twin(conn, branch, &same(announced, origin), &content),
        None => Ok(None),
    }
}

/// Whether the draft would be this product, which can still be had.
pub(super) fn is_same(twin: &Twin) -> bool {
    twin.same_files && twin.state != ProductState::Expired
}

fn same<'a>(announced: &'a Announced, origin: &'a Origin) -> Same<'a> {
    Same {
        target: &announced.record.target,
        version: &announced.record.version,
        revision: &origin.revision,
        builder: &origin.builder,
        number: origin.number,
    }
}

fn product(
    now: Time,
    draft: &drafts::Draft,
    announced: &Announced,
    origin: Origin,
    files: Vec<(uploads::Upload, Blob)>,
) -> NewProduct {
    let record = &announced.record;
    let base = |name: &str| {
        let file = record.files.iter().find(|file| file.name == name);
        file.and_then(|file| file.delta_from)
    };
    let file = |(file, blob): (uploads::Upload, Blob)| NewProductFile {
        role: file.role,
        delta_from: base(&file.name),
        name: file.name,
        blob,
        source_path: file.source_path,
        signatures: Vec::new(),
    };
    let property = |(name, value): (&String, &serde_json::Value)| ProductProperty {
        name: name.clone(),
        value: value.to_string(),
        source: "upload".to_owned(),
    };
    NewProduct {
        project: draft.project.clone(),
        branch: draft.branch.clone(),
        target: draft.target.clone(),
        version: draft.version.clone(),
        feed_version: record.feed_version.clone(),
        seq_position: draft.seq_position,
        build: record.build,
        revisions: revisions(draft, record, &origin),
        builder: origin.builder,
        build_number: draft.build_number,
        revision: origin.revision,
        runtime: record.runtime.as_deref().map(runtime),
        min_os: record.min_os.clone(),
        max_os: record.max_os.clone(),
        notes: record.notes.clone(),
        scheme: VersionScheme::Seq,
        properties: record.properties.iter().map(property).collect(),
        files: files.into_iter().map(file).collect(),
        built_at: record.built_at.unwrap_or(now),
        recorded_by: draft.owner.clone(),
    }
}

fn revisions(
    draft: &drafts::Draft,
    record: &ProductRecord,
    origin: &Origin,
) -> Vec<ProductRevision> {
    if !record.revisions.is_empty() {
        let one = |one: &crate::model::RecordRevision| ProductRevision {
            codebase: one.codebase.clone(),
            repository: one
                .repository
                .clone()
                .unwrap_or_else(|| one.codebase.clone()),
            branch: one.branch.clone().unwrap_or_else(|| draft.branch.clone()),
            revision: one.revision.clone(),
        };
        return record.revisions.iter().map(one).collect();
    }
    if !origin.stamps.is_empty() {
        let one = |stamp: &drafts::place::Stamp| ProductRevision {
            codebase: stamp.codebase.clone(),
            repository: stamp.codebase.clone(),
            branch: stamp.branch.clone(),
            revision: stamp.revision.clone(),
        };
        return origin.stamps.iter().map(one).collect();
    }
    let known = (!origin.revision.is_empty()).then(|| ProductRevision {
        codebase: draft.project.clone(),
        repository: draft.project.clone(),
        branch: draft.branch.clone(),
        revision: origin.revision.clone(),
    });
    known.into_iter().collect()
}

/// `python >=3.9,<3.13` as name and range.
fn runtime(text: &str) -> (String, String) {
    let (name, range) = text.split_once(char::is_whitespace).unwrap_or((text, "*"));
    (name.to_owned(), range.trim().to_owned())
}

/// Lets files begin again whose content was lost after they were complete.
async fn begin_again(app: &App, files: Vec<UploadId>) -> Result<Error> {
    let now = app.clock.now();
    let total = files.len();
    let work = move |conn: &mut Conn| {
        for id in &files {
            match uploads::lose(conn, now, *id, UploadState::Complete) {
                Ok(()) | Err(DbError::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    app.db.tx("drafts.lost", work).await?;
    let text = format!("{total} of the files are no longer in the store: send them again");
    Ok(Error::Conflict(text))
}
