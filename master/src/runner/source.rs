//! The source step: the tree of the stamp's revision out of the mirror, onto the agent.

use std::io;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::config::resolved::StepKind;
use crate::ids::StepId;
use crate::model::{BuildResult, TreeEntry, TreeKind, TreeStats};
use crate::session::{TreeContents, TreePlace};
use crate::vcs::Mirror;

use super::step::{Course, StepEnd, StepError, say};
use super::words::{bytes, grouped, share};

/// Submodules named in the log; more are counted.
const SUBMODULES_NAMED_MAX: usize = 20;

/// Contents of a tree's files, by their place in it.
struct Contents {
    mirror: Mirror,
    /// Id of each file's content; links have none and are never wanted.
    objects: Vec<Option<String>>,
}

impl TreeContents for Contents {
    fn open(&self, wanted: Vec<usize>) -> mpsc::Receiver<io::Result<Bytes>> {
        let objects = wanted
            .into_iter()
            .filter_map(|at| self.objects.get(at).cloned().flatten());
        self.mirror.contents(objects.collect())
    }
}

impl Contents {
    fn new(mirror: Mirror, entries: &[TreeEntry]) -> Self {
        let object = |entry: &TreeEntry| match &entry.kind {
            TreeKind::File { object, .. } => Some(object.clone()),
            TreeKind::Link { .. } => None,
        };
        Self {
            mirror,
            objects: entries.iter().map(object).collect(),
        }
    }
}

impl Course<'_> {
    /// The folder `into` of the build. The folders that other source steps fill below it stay,
    /// whichever comes first; with `clean` nothing else does, so that a product of the build
    /// before cannot pass for one of this build.
    pub(super) fn place(&self, into: &str, clean: bool) -> TreePlace {
        let builder = self.config.builders.get(&self.build.builder_name);
        let steps = builder.map_or(&[][..], |builder| &builder.steps);
        let folders = steps.iter().filter_map(|step| match &step.kind {
            StepKind::Source { into, .. } => Some(into.as_str()),
            _ => None,
        });
        TreePlace {
            folder: self.path(into),
            keeps_output: !clean,
            keep: folders.filter_map(|folder| below(folder, into)).collect(),
        }
    }
}

/// `folder` as seen from `above`, when it lies below it.
fn below(folder: &str, above: &str) -> Option<String> {
    let rest = match above {
        "." => (folder != ".").then_some(folder),
        above => folder.strip_prefix(above)?.strip_prefix('/'),
    };
    rest.map(str::to_owned)
}

/// Delivers the source of `repository` into a folder of the build.
pub(super) async fn deliver(
    course: &Course<'_>,
    step: StepId,
    repository: &str,
    place: &TreePlace,
) -> Result<StepEnd, StepError> {
    let mut log = course.log(step).await?;
    let outcome = send(course, &mut log, repository, place).await;
    if let Err(error @ (StepError::Failed(_) | StepError::Broken(_))) = &outcome {
        say(&mut log, &format!("error: {error}")).await?;
    }
    if !matches!(outcome, Err(StepError::Stopping | StepError::Ours(_))) {
        log.close().await?;
    }
    let stats = outcome?;
    Ok(StepEnd::new(BuildResult::Success, sent(&stats)))
}

async fn send(
    course: &Course<'_>,
    log: &mut crate::logs::LogWriter,
    repository: &str,
    place: &TreePlace,
) -> Result<TreeStats, StepError> {
    let stamp = course
        .stamps
        .iter()
        .find(|stamp| stamp.codebase == repository);
    let configured = course.config.repositories.get(repository);
    let (Some(stamp), Some(configured)) = (stamp, configured) else {
        let text = format!("the request names no revision of the repository `{repository}`");
        return Err(StepError::Broken(text));
    };
    let halt = &course.signals.halt;
    let mirror = course.parts.mirrors.of(repository, &configured.url);
    let line = format!(
        "revision {} of {} from {repository}",
        stamp.revision, stamp.branch
    );
    say(log, &line).await?;
    if !mirror.has(&stamp.revision, halt).await? {
        mirror
            .fetch(std::slice::from_ref(&stamp.branch), halt)
            .await?;
    }
    let tree = mirror.tree(&stamp.revision, halt).await?;
    for path in tree.submodules.iter().take(SUBMODULES_NAMED_MAX) {
        say(log, &format!("not delivered: the submodule {path}")).await?;
    }
    if tree.submodules.len() > SUBMODULES_NAMED_MAX {
        say(
            log,
            &format!("not delivered: {} submodules in all", tree.submodules.len()),
        )
        .await?;
    }
    let contents = Contents::new(mirror, &tree.entries);
    let (agents, agent) = (&course.agents, course.build.agent);
    let stats = agents
        .tree_put(agent, place, &tree.entries, &contents, halt)
        .await?;
    say(log, &sent(&stats)).await?;
    Ok(stats)
}

fn sent(stats: &TreeStats) -> String {
    let mut text = format!(
        "sent {} of {} files, {}",
        grouped(stats.sent_files),
        grouped(stats.entries),
        bytes(stats.sent_bytes),
    );
    // The names and hashes that go along make a small first tree more than its files.
    if stats.sent_bytes < stats.total_bytes {
        let share = share(stats.sent_bytes, stats.total_bytes);
        text += &format!(" of {} ({share})", bytes(stats.total_bytes));
    }
    text
}
