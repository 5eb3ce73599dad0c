//! Which branches a schedule is due for, and the requests it makes then.

use crate::clock::Time;
use crate::config::Config;
use crate::config::resolved::{Builder, StepKind, Trigger};
use crate::db::changes::Change;
use crate::db::requests::{NewRequest, Stamp};
use crate::db::{
    Conn, DbError, DbResult, builders, changes, events, heads, repositories, requests,
    schedule_cursors,
};
use crate::ids::{ChangeId, RepositoryId};
use crate::scheduler::branches::Branches;
use crate::scheduler::change::{Due, Seen, due};

/// Outcome of looking at every schedule.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// What is due now.
    pub(super) due: Vec<DueBranch>,
    /// When something else will be.
    pub(super) next: Option<Time>,
}

/// A branch that a schedule is due for.
#[derive(Debug)]
pub(super) struct DueBranch {
    pub(super) schedule: String,
    repository_name: String,
    repository: RepositoryId,
    branch: String,
    /// What is new, in the order it was seen; not empty.
    changes: Vec<Change>,
}

/// Looks at every change schedule.
pub(super) fn look(conn: &mut Conn, config: &Config, now: Time) -> DbResult<Looked> {
    let mut looked = Looked::default();
    for (name, schedule) in &config.schedules {
        let Trigger::Change {
            repository,
            branches,
            quiet,
        } = &schedule.trigger
        else {
            continue;
        };
        let id = match repositories::id_by_name(conn, repository) {
            // Added by a reload a moment ago: the next round finds it.
            Err(DbError::NotFound) => continue,
            id => id?,
        };
        let cursors = schedule_cursors::list(conn, name, id)?;
        let globs = Branches::new(branches);
        let heads = heads::list(conn, id)?;
        for head in heads
            .iter()
            .filter(|head| !head.gone && globs.names(&head.branch))
        {
            let cursor = cursors.iter().find(|(branch, _)| *branch == head.branch);
            let new = unseen(conn, id, &head.branch, cursor.map(|(_, change)| *change))?;
            let seen: Vec<Seen> = new
                .iter()
                .map(|change| Seen {
                    id: change.id,
                    at: change.seen_at,
                })
                .collect();
            match due(&seen, *quiet, now) {
                Due::Nothing => {}
                Due::At(at) => looked.next = Some(looked.next.map_or(at, |next| next.min(at))),
                Due::Now => looked.due.push(DueBranch {
                    schedule: name.clone(),
                    repository_name: repository.clone(),
                    repository: id,
                    branch: head.branch.clone(),
                    changes: new,
                }),
            }
        }
    }
    Ok(looked)
}

/// What a schedule did not deal with yet: of a branch it never dealt with, the newest change.
fn unseen(
    conn: &mut Conn,
    repository: RepositoryId,
    branch: &str,
    cursor: Option<ChangeId>,
) -> DbResult<Vec<Change>> {
    match cursor {
        Some(cursor) => changes::of_branch_after(conn, repository, branch, cursor),
        None => {
            let newest = changes::newest_of_branch(conn, repository, branch)?;
            Ok(newest.into_iter().collect())
        }
    }
}

/// Makes the requests for a due branch, unless another master was faster. A request of the same
/// schedule, builder and branch that still waits takes the newer source instead: nobody needs
/// the older one built. Returns the number of the last event.
pub(super) fn ask(conn: &mut Conn, config: &Config, now: Time, due: &DueBranch) -> DbResult<i64> {
    // Ids rise as changes are seen, so the highest id is where the cursor goes on from; what is
    // built is the one furthest on the branch.
    let last = due.changes.iter().map(|change| change.id).max();
    let newest = due
        .changes
        .iter()
        .max_by_key(|change| (change.position, change.id));
    let (Some(last), Some(newest)) = (last, newest) else {
        return events::newest(conn);
    };
    let advanced =
        schedule_cursors::advance(conn, &due.schedule, due.repository, &due.branch, last)?;
    let Some(schedule) = config.schedules.get(&due.schedule).filter(|_| advanced) else {
        return events::newest(conn);
    };
    let ids: Vec<ChangeId> = due.changes.iter().map(|change| change.id).collect();
    let stamp = Stamp {
        codebase: due.repository_name.clone(),
        repository: due.repository,
        branch: due.branch.clone(),
        revision: newest.revision.clone(),
        position: newest.position,
    };
    let mut made = Vec::new();
    for name in &schedule.builders {
        let Some(builder) = config.builders.get(name) else {
            continue;
        };
        let id = builders::id_by_name(conn, name)?;
        let (schedule, branch) = (&due.schedule, &due.branch);
        let waiting = requests::mergeable(conn, schedule, id, due.repository, branch)?;
        if let Some(into) = waiting {
            let all = changes::of_request(conn, into)?.len() + ids.len();
            requests::merge(conn, into, &stamp, &reason(all, newest, branch), &ids)?;
            continue;
        }
        let new = NewRequest {
            builder: id,
            schedule: Some(schedule.clone()),
            reason: reason(ids.len(), newest, branch),
            requested_by: schedule.clone(),
            priority: 0,
            properties: "{}".to_owned(),
            stamps: stamps(conn, config, builder, stamp.clone())?,
            changes: ids.clone(),
        };
        made.push((id, requests::insert(conn, now, &new)?));
    }
    let mut seq = 0;
    for (builder, request) in made {
        let event = events::NewEvent {
            kind: "request.made",
            builder: Some(builder),
            detail: serde_json::json!({ "request": request }).to_string(),
            ..events::NewEvent::default()
        };
        seq = events::append(conn, now, &event)?;
    }
    Ok(seq)
}

fn reason(count: usize, newest: &Change, branch: &str) -> String {
    let short: String = newest.revision.chars().take(12).collect();
    match count {
        1 => format!("change {short} by {} on {branch}", newest.author),
        count => format!("{count} changes up to {short} on {branch}"),
    }
}

/// The stamp given and one for every other repository that the builder's steps name: the newest
/// revision of the branch of the same name, else of the first branch its configuration names
/// without a glob. A repository without either gets no stamp, and its step says so.
pub(crate) fn stamps(
    conn: &mut Conn,
    config: &Config,
    builder: &Builder,
    first: Stamp,
) -> DbResult<Vec<Stamp>> {
    let mut stamps = vec![first];
    for step in &builder.steps {
        let StepKind::Source { repository, .. } = &step.kind else {
            continue;
        };
        let Some(configured) = config.repositories.get(repository) else {
            continue;
        };
        if stamps.iter().any(|stamp| stamp.codebase == *repository) {
            continue;
        }
        let id = repositories::id_by_name(conn, repository)?;
        let same = stamps[0].branch.clone();
        let names = configured
            .branches
            .iter()
            .filter(|glob| !glob.contains(['*', '?', '[', '{']));
        for branch in std::iter::once(&same).chain(names) {
            let head = heads::of_branch(conn, id, branch)?;
            if let Some(head) = head.filter(|head| !head.gone) {
                stamps.push(Stamp {
                    codebase: repository.clone(),
                    repository: id,
                    branch: head.branch,
                    revision: head.revision,
                    position: head.position,
                });
                break;
            }
        }
    }
    Ok(stamps)
}
