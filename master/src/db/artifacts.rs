//! Files that builds uploaded.

use diesel::prelude::*;

use super::schema::{artifacts, builders, builds, projects};
use super::{Conn, DbResult, blobs};
use crate::clock::Time;
use crate::ids::{ArtifactId, BuildId, StepId};
use crate::model::{Artifact, Blob};

/// Most artifacts of a build that are listed; uploads are bounded well below.
const ARTIFACTS_MAX: i64 = 10_000;

type Row = (i64, i64, i64, String, String, i64, i64);

/// Records a stored file as the artifact `name` (a path below the build's folder) of a build. A
/// step done again after a restart replaces what it had uploaded.
pub fn insert(
    conn: &mut Conn,
    now: Time,
    build: BuildId,
    step: StepId,
    name: &str,
    blob: &Blob,
) -> DbResult<ArtifactId> {
    blobs::insert(conn, now, blob)?;
    let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
    let values = (
        artifacts::step_id.eq(step.0),
        artifacts::blob_sha256.eq(&blob.sha256),
        artifacts::size.eq(size),
        artifacts::created_at.eq(now.0),
    );
    let old = artifacts::table
        .filter(artifacts::build_id.eq(build.0))
        .filter(artifacts::name.eq(name));
    let replaced: Option<i64> = diesel::update(old)
        .set(values)
        .returning(artifacts::id)
        .get_result(conn)
        .optional()?;
    if let Some(id) = replaced {
        return Ok(ArtifactId(id));
    }
    let id: i64 = diesel::insert_into(artifacts::table)
        .values((
            artifacts::build_id.eq(build.0),
            artifacts::name.eq(name),
            artifacts::step_id.eq(step.0),
            artifacts::blob_sha256.eq(&blob.sha256),
            artifacts::size.eq(size),
            artifacts::created_at.eq(now.0),
        ))
        .returning(artifacts::id)
        .get_result(conn)?;
    Ok(ArtifactId(id))
}

/// The artifacts of a build by name.
pub fn of_build(conn: &mut Conn, build: BuildId) -> DbResult<Vec<Artifact>> {
    let rows: Vec<Row> = artifacts::table
        .filter(artifacts::build_id.eq(build.0))
        .order(artifacts::name)
        .limit(ARTIFACTS_MAX)
        .load(conn)?;
    Ok(rows.into_iter().map(artifact).collect())
}

/// Whether the project of every artifact is private that has this content and this name, whole or
/// after its last `/`; none when there is no such artifact.
pub fn privacy(conn: &mut Conn, sha256: &str, name: &str) -> DbResult<Option<bool>> {
    let known: Vec<(String, bool)> = artifacts::table
        .inner_join(builds::table.inner_join(builders::table.inner_join(projects::table)))
        .filter(artifacts::blob_sha256.eq(sha256))
        .select((artifacts::name, projects::private))
        .distinct()
        .limit(ARTIFACTS_MAX)
        .load(conn)?;
    let named = known
        .iter()
        .filter(|(known, _)| known == name || known.rsplit('/').next() == Some(name));
    Ok(named.map(|(_, is_private)| *is_private).min())
}

fn artifact((id, build, step, name, sha256, size, created_at): Row) -> Artifact {
    Artifact {
        id: ArtifactId(id),
        build: BuildId(build),
        step: StepId(step),
        name,
        sha256,
        size,
        created_at: Time(created_at),
    }
}
