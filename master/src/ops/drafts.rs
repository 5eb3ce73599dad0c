//! Drafts: a product is announced, its files come (`uploads`), and it is recorded when all are
//! here, or given up. Until it is recorded nobody but its owner sees any of it.

mod announced;
mod record;

use super::audit::{Attempt, authorise};
use super::products;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::drafts::{NewDraft, Twin, place};
use crate::db::{Conn, DbError, DbResult, audit, branches, drafts, projects, uploads};
use crate::error::{Error, Result};
use crate::failpoints;
use crate::ids::{DraftId, ProductId, UploadId};
use crate::model::{
    AuditOutcome, Draft, DraftState, Page, ProductDetail, ProductRecord, ProductState, Upload,
};
use crate::updates::check_version;

use announced::Announced;

/// Drafts open at once: a build farm uploads tens, a mistake in a script thousands.
const OPEN_MAX: i64 = 1_000;
/// Longest key by which a repeated request is known; a UUID or a hash has less.
const KEY_BYTES_MAX: usize = 200;

/// What came of an announcement.
enum Made {
    Draft(DraftId),
    Full,
    Twin(Twin),
    Wrong(&'static str, String),
}

/// Announces a product. With a `key` that was used before, the same draft.
///
/// Errors: `BadInput`; `Conflict` when the key was used for another announcement, or the product
/// is recorded with other files; `NoRoom`; `TooOften` while very many are open.
pub async fn create(
    app: &App,
    identity: &Identity,
    record: ProductRecord,
    key: Option<String>,
) -> Result<Draft> {
    let attempt = Attempt {
        action: "draft.create",
        object_kind: "project",
        object_id: &record.project.clone(),
    };
    authorise(app, identity, Permission::Record, attempt).await?;
    let announced = announced::checked(record)?;
    if let Some(project) = app.config().projects.get(&announced.record.project) {
        let version = &announced.record.version;
        check_version(project.version_scheme, version)
            .map_err(|text| Error::bad_input("version", text))?;
    }
    let key = key.map(|key| checked_key(&key)).transpose()?;
    let owner = identity.name().to_owned();
    if let Some(key) = &key
        && let Some(known) = known(app, &owner, key, &announced).await?
    {
        return Ok(known);
    }
    has_room(app, &announced).await?;
    let (now, lease) = (app.clock.now(), app.config().uploads.lease);
    let (ours, with, who) = (announced.clone(), key.clone(), owner.clone());
    let work =
        move |conn: &mut Conn| make(conn, now, &ours, &who, with.as_deref(), now.after(lease));
    let made = match app.db.tx("drafts.create", work).await {
        Err(DbError::Taken(_)) => {
            // Somebody was faster with the same key.
            let known = match &key {
                Some(key) => known(app, &owner, key, &announced).await?,
                None => None,
            };
            return known.ok_or_else(|| Error::Busy("try again in a moment".to_owned()));
        }
        other => other?,
    };
    failpoints::reach("upload.drafted");
    match made {
        Made::Draft(id) => read(app, id).await,
        Made::Full => Err(Error::TooOften(format!(
            "{OPEN_MAX} products are being uploaded: commit or give up some of them first"
        ))),
        Made::Twin(twin) => Err(taken(&twin)),
        Made::Wrong(field, text) => Err(Error::bad_input(field, text)),
    }
}

/// A draft of one's own; an admin may see all.
pub async fn show(app: &App, identity: &Identity, id: DraftId) -> Result<Draft> {
    identity.require(Permission::Record)?;
    own(app, identity, id).await?;
    read(app, id).await
}

/// The open drafts, the newest first: one's own, or for admins all.
pub async fn list(
    app: &App,
    identity: &Identity,
    before: Option<DraftId>,
) -> Result<Page<Draft, DraftId>> {
    identity.require(Permission::Record)?;
    let all = identity.require(Permission::Administer).is_ok();
    let owner = (!all).then(|| identity.name().to_owned());
    let read = move |conn: &mut Conn| {
        let rows = drafts::open(conn, owner.as_deref(), before)?;
        let whole = |row| with_uploads(conn, row);
        let rows: DbResult<Vec<Draft>> = rows.into_iter().map(whole).collect();
        Ok(Page::of(rows?, |draft| draft.id))
    };
    Ok(app.db.read("drafts.list", read).await?)
}

/// Records the product of a draft whose files are all here: all of it is visible at once. Asked
/// again it gives the same answer.
///
/// Errors: `Conflict` when files are missing or the product is recorded with other files, `Gone`
/// when the draft was given up.
pub async fn commit(app: &App, identity: &Identity, id: DraftId) -> Result<ProductDetail> {
    let attempt = Attempt {
        action: "draft.commit",
        object_kind: "draft",
        object_id: &id.to_string(),
    };
    authorise(app, identity, Permission::Record, attempt).await?;
    let row = own(app, identity, id).await?;
    let product = match ended(&row)? {
        Some(product) => product,
        None => record::commit(app, identity, row).await?,
    };
    products::show(app, identity, product).await
}

/// Gives a draft up; what is stored of it is removed. Giving it up again does nothing.
///
/// Errors: `Conflict` when it was committed.
pub async fn abandon(app: &App, identity: &Identity, id: DraftId) -> Result<()> {
    let attempt = Attempt {
        action: "draft.abandon",
        object_kind: "draft",
        object_id: &id.to_string(),
    };
    authorise(app, identity, Permission::Record, attempt).await?;
    own(app, identity, id).await?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let row = drafts::find(conn, id)?;
        if row.state != DraftState::Open {
            return Ok((row.state, Vec::new()));
        }
        drafts::abandon(conn, now, id, "the draft was given up")?;
        note(conn, now, &actor, "draft.abandon", id, &row.version)?;
        let files = uploads::of_draft(conn, id)?;
        Ok((
            DraftState::Abandoned,
            files.into_iter().map(|file| file.id).collect(),
        ))
    };
    let (state, files): (_, Vec<UploadId>) = app.db.tx("drafts.abandon", work).await?;
    failpoints::reach("upload.abandoned");
    app.uploads.discard(files).await;
    match state {
        DraftState::Committed => Err(Error::Conflict(format!(
            "draft {id} was committed: its product is recorded"
        ))),
        _ => Ok(()),
    }
}

/// The draft, for whom it is; others need not know of it.
pub(super) async fn own(app: &App, identity: &Identity, id: DraftId) -> Result<drafts::Draft> {
    let read = move |conn: &mut Conn| drafts::find(conn, id);
    let row = app.db.read("drafts.find", read).await;
    let is_ours = |row: &drafts::Draft| {
        row.owner == identity.name() || identity.require(Permission::Administer).is_ok()
    };
    match row {
        Ok(row) if is_ours(&row) => Ok(row),
        Ok(_) | Err(DbError::NotFound) => {
            Err(Error::NotFound(format!("there is no draft {id} of yours")))
        }
        Err(error) => Err(error.into()),
    }
}

/// What a draft became; `None` while it is open. Errors: `Gone` when it was given up.
fn ended(row: &drafts::Draft) -> Result<Option<ProductId>> {
    match row.state {
        DraftState::Open => Ok(None),
        DraftState::Committed => Ok(row.product),
        DraftState::Abandoned => Err(Error::Gone(format!(
            "draft {} was given up, or its time ran out: announce the product anew",
            row.id
        ))),
    }
}

async fn read(app: &App, id: DraftId) -> Result<Draft> {
    let read = move |conn: &mut Conn| {
        let row = drafts::find(conn, id)?;
        with_uploads(conn, row)
    };
    Ok(app.db.read("drafts.show", read).await?)
}

/// The draft that the key stands for. Errors: `Conflict` when something else was announced.
async fn known(app: &App, owner: &str, key: &str, announced: &Announced) -> Result<Option<Draft>> {
    let (owner, key) = (owner.to_owned(), key.to_owned());
    let find = move |conn: &mut Conn| drafts::by_key(conn, &owner, &key);
    let Some(row) = app.db.read("drafts.key", find).await? else {
        return Ok(None);
    };
    if row.record != announced.json {
        return Err(Error::Conflict(format!(
            "this Idempotency-Key was used for draft {}, which is something else: take another key",
            row.id
        )));
    }
    read(app, row.id).await.map(Some)
}

/// Refuses what the disk cannot take besides what others have announced.
async fn has_room(app: &App, announced: &Announced) -> Result<()> {
    let files = announced.files.clone();
    let read = move |conn: &mut Conn| {
        let promised = uploads::promised(conn)?;
        let mut missing = 0_u64;
        for file in &files {
            let there = match &file.sha256 {
                Some(sha256) => uploads::blob(conn, sha256)?.is_some(),
                None => false,
            };
            missing = missing.saturating_add(if there { 0 } else { file.size });
        }
        Ok((promised, missing))
    };
    let (promised, missing) = app.db.read("drafts.room", read).await?;
    super::retention::has_room(app, &announced.record.project, missing).await?;
    super::uploads::has_room(app, promised, missing).await
}

fn make(
    conn: &mut Conn,
    now: Time,
    announced: &Announced,
    owner: &str,
    key: Option<&str>,
    expires_at: Time,
) -> DbResult<Made> {
    if drafts::open_total(conn)? >= OPEN_MAX {
        return Ok(Made::Full);
    }
    let record = &announced.record;
    let project = match projects::id_by_name(conn, &record.project) {
        Err(DbError::NotFound) => {
            let text = format!("there is no project `{}`", record.project);
            return Ok(Made::Wrong("project", text));
        }
        other => other?,
    };
    if let Err(text) = announced::bases_are_there(conn, announced)? {
        return Ok(Made::Wrong("delta_from", text));
    }
    let origin = match announced::origin(conn, announced)? {
        Ok(origin) => origin,
        Err(text) => return Ok(Made::Wrong("build", text)),
    };
    let twin = match branches::find(conn, project, &record.branch)? {
        Some(branch) => record::twin(conn, branch, announced, &origin)?,
        None => None,
    };
    if let Some(twin) = &twin
        && !record::is_same(twin)
    {
        return Ok(Made::Twin(twin.clone()));
    }
    let (seq_position, build_number) = place::of(
        conn,
        &place::Announced {
            project: &record.project,
            branch: &record.branch,
            target: &record.target,
            revision: &origin.revision,
            position: origin.position,
            number: origin.number,
        },
    )?;
    let new = NewDraft {
        record: announced.json.clone(),
        owner: owner.to_owned(),
        key: key.map(str::to_owned),
        project: record.project.clone(),
        branch: record.branch.clone(),
        target: record.target.clone(),
        version: record.version.clone(),
        revision: origin.revision,
        seq_position,
        build_number,
        expires_at,
    };
    let id = drafts::insert(conn, now, &new)?;
    for file in &announced.files {
        uploads::insert(conn, now, id, file)?;
    }
    if let Some(twin) = twin {
        // Recorded before with the same files: nothing has to come.
        drafts::commit(conn, id, twin.id)?;
    }
    note(conn, now, owner, "draft.create", id, &record.version)?;
    Ok(Made::Draft(id))
}

/// Why a product cannot be recorded that another already is.
fn taken(twin: &Twin) -> Error {
    let id = twin.id;
    Error::Conflict(match (twin.state, twin.same_files) {
        (ProductState::Expired, true) => {
            format!("product {id} is this one and is in the trash: restore it")
        }
        _ => format!(
            "product {id} has the same version, target and revision and other files: give this \
             one another version, or a build number or revision that tells them apart"
        ),
    })
}

fn note(
    conn: &mut Conn,
    now: Time,
    actor: &str,
    action: &str,
    id: DraftId,
    detail: &str,
) -> DbResult<()> {
    let (done, id) = (AuditOutcome::Done, id.to_string());
    audit::append(conn, now, actor, action, "draft", &id, done, detail).map(|_| ())
}

fn with_uploads(conn: &mut Conn, row: drafts::Draft) -> DbResult<Draft> {
    let files = uploads::of_draft(conn, row.id)?;
    Ok(Draft {
        id: row.id,
        state: row.state,
        product: row.product,
        project: row.project,
        branch: row.branch,
        target: row.target,
        version: row.version,
        position: row.seq_position,
        build_number: row.build_number,
        owner: row.owner,
        created_at: row.created_at,
        expires_at: row.expires_at,
        uploads: files.into_iter().map(upload).collect(),
    })
}

/// A file as faces show it.
pub(super) fn upload(row: uploads::Upload) -> Upload {
    Upload {
        id: row.id,
        url: format!("/api/v1/uploads/{}", row.id),
        draft: row.draft,
        role: row.role,
        name: row.name,
        size: row.size,
        received: row.received,
        sha256: row.sha256,
        state: row.state,
        state_text: row.state_text,
    }
}

fn checked_key(key: &str) -> Result<String> {
    let fits =
        (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        return Ok(key.to_owned());
    }
    let text = format!("1 to {KEY_BYTES_MAX} printable characters without spaces are expected");
    Err(Error::bad_input("Idempotency-Key", text))
}

#[cfg(test)]
mod tests;
