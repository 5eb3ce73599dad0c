//! Files that builds uploaded, and the one door to every stored file.

use super::privacy;
use crate::app::App;
use crate::auth::links::Claim;
use crate::auth::{Identity, Permission};
use crate::db::products::files;
use crate::db::{Conn, DbError, Lane, artifacts, blobs, sight};
use crate::error::{Error, Result};
use crate::ids::BuildId;
use crate::model::{Artifact, Blob, ProductState, ServedFile};

/// Longest file name looked up: twice what file systems hold.
const NAME_BYTES_MAX: usize = 512;

/// The artifacts of a build by name.
pub async fn list(app: &App, identity: &Identity, build: BuildId) -> Result<Vec<Artifact>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| match sight::build(conn, of, build) {
        Ok(()) => artifacts::of_build(conn, build),
        Err(DbError::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    Ok(db.read("artifacts.list", read).await?)
}

/// The file behind an address, if a product or an artifact names it so. Products' files are for
/// everybody, since applications fetch them, artifacts for those who may read. Those of private
/// projects are for who has said who they are and may read, and for who brings a good claim.
///
/// Errors: `NotFound`; `Gone` with the reason when no product that names it may be had any more.
pub async fn file(
    app: &App,
    identity: &Identity,
    sha256: &str,
    name: &str,
    claim: Option<&Claim>,
) -> Result<ServedFile> {
    let missing = || Error::NotFound("there is no file at this address".to_owned());
    if !Blob::is_sha256(sha256) || name.len() > NAME_BYTES_MAX || name.contains('\0') {
        return Err(missing());
    }
    let now = app.clock.now();
    let wanted = (sha256.to_owned(), name.to_owned(), claim.cloned());
    let read = move |conn: &mut Conn| {
        let (sha256, name, claim) = (&wanted.0, &wanted.1, &wanted.2);
        let is_signed = match claim {
            Some(claim) => privacy::is_good(conn, now, sha256, name, claim)?,
            None => false,
        };
        let owners = files::owners(conn, sha256, name)?;
        let artifact = artifacts::privacy(conn, sha256, name)?;
        let stored = files::stored(conn, sha256)?;
        Ok((is_signed, owners, artifact, stored))
    };
    let db = app.db.lane(Lane::Pages);
    let (is_signed, mut owners, mut artifact, stored) = db.read("artifacts.file", read).await?;
    if !is_signed && !identity.sees_private() {
        // Nothing tells that there is a private file.
        owners.retain(|owner| !owner.is_private);
        artifact = artifact.filter(|is_private| !is_private);
    }
    let served = |owner: &&files::Owner| is_served(owner.state);
    let is_public = owners.iter().filter(served).any(|owner| !owner.is_private);
    if owners.iter().any(|owner| is_served(owner.state)) {
        if !is_public && !is_signed {
            identity.require(Permission::Read)?;
        }
    } else if artifact.is_some() {
        if !is_signed {
            identity.require(Permission::Read)?;
        }
    } else {
        let owner = owners.first().ok_or_else(missing)?;
        return Err(Error::Gone(gone(owner)));
    }
    let stored = stored.filter(|stored| stored.is_there);
    let stored = stored.ok_or_else(|| Error::Gone("the file is no longer stored".to_owned()))?;
    Ok(ServedFile {
        sha256: sha256.to_owned(),
        name: name.to_owned(),
        size: stored.size,
        store: stored.store,
        is_public,
    })
}

/// Notes that a stored file is missing or not what it should be, so that no feed offers it again.
pub async fn report_damage(app: &App, sha256: &str) -> Result<Error> {
    tracing::error!(sha256, "a stored file is missing or damaged");
    let sha256 = sha256.to_owned();
    let mark = move |conn: &mut Conn| blobs::mark_corrupt(conn, &sha256);
    app.db.tx("artifacts.damage", mark).await?;
    Ok(Error::Gone("the stored file is damaged".to_owned()))
}

/// Whether files of a product in this state may be had.
fn is_served(state: ProductState) -> bool {
    !matches!(
        state,
        ProductState::Withdrawn | ProductState::Expired | ProductState::Deleted
    )
}

fn gone(owner: &files::Owner) -> String {
    let (product, state) = (owner.product, owner.state);
    if owner.reason.is_empty() {
        format!("product {product} is {state}")
    } else {
        format!("product {product} is {state}: {}", owner.reason)
    }
}
