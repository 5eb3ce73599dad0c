//! The upload step: files of the agent become artifacts of the build.

use crate::config::template::Template;
use crate::db::{Conn, artifacts};
use crate::engine::scope::interpolate_glob;
use crate::ids::StepId;
use crate::logs::LogWriter;
use crate::model::BuildResult;

use super::step::{Course, StepEnd, StepError, say};
use super::words::bytes;

/// Uploads what the glob names.
pub(super) async fn upload(
    course: &Course<'_>,
    step: StepId,
    files: &Template,
) -> Result<StepEnd, StepError> {
    let mut log = course.log(step).await?;
    let outcome = take(course, &mut log, step, files).await;
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
    step: StepId,
    files: &Template,
) -> Result<StepEnd, StepError> {
    let glob = interpolate_glob(files, &course.scope)?;
    let paths = course.files(&glob).await?;
    let mut total = 0;
    for file in &paths {
        let path = &file.path;
        let blob = course.fetch(path).await?;
        total += blob.size;
        say(
            log,
            &format!("{path}: {}, sha256 {}", bytes(blob.size), blob.sha256),
        )
        .await?;
        let (build, now, name) = (course.build.id, course.parts.clock.now(), path.clone());
        let insert = move |conn: &mut Conn| artifacts::insert(conn, now, build, step, &name, &blob);
        course.parts.db.tx("artifact", insert).await?;
    }
    let text = format!("{} files, {}", paths.len(), bytes(total));
    Ok(StepEnd::new(BuildResult::Success, text))
}
