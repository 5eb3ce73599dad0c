//! One poll of one repository: compare the branches with what is recorded, fetch what differs,
//! record the changes and heads in one transaction.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::{Clock, Time};
use crate::config::resolved::Repository;
use crate::db::changes::NewChange;
use crate::db::heads::Head;
use crate::db::{Conn, Db, DbError, DbResult, changes, events, heads, repositories};
use crate::ids::RepositoryId;
use crate::scheduler::branches::Branches;
use crate::vcs::git::RemoteBranch;
use crate::vcs::{Commit, Mirror, Mirrors, VcsError, VcsResult};

/// Changes recorded per branch and poll; of a larger jump the newest, the rest is only counted.
const CHANGES_MAX: usize = 200;
/// Branches looked at in one poll, by name; the next poll goes on with those left.
const BRANCHES_MAX: usize = 500;

/// What a poll works with.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) bells: Bells,
    pub(super) mirrors: Mirrors,
}

/// Why a poll was not done.
#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error(transparent)]
    Vcs(#[from] VcsError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What one branch gained.
struct News {
    head: Head,
    changes: Vec<NewChange>,
    /// Changes there are, `changes` being the newest of them.
    total: u64,
}

impl Parts {
    /// Asks the repository and records the outcome; returns its name.
    pub(super) async fn poll(
        self,
        name: String,
        repository: Repository,
        stop: CancellationToken,
    ) -> String {
        let outcome = self.look(&name, &repository, &stop).await;
        if let Err(error) = &outcome
            && !stop.is_cancelled()
        {
            tracing::warn!(repository = name, %error, "the poll failed");
            let (now, text) = (self.clock.now(), error.to_string());
            let wanted = name.clone();
            let noted = self.db.tx_progress("poll failed", move |conn| {
                let id = repositories::id_by_name(conn, &wanted)?;
                repositories::record_poll(conn, now, id, Some(&text))
            });
            if let Err(error) = noted.await {
                tracing::error!(repository = name, %error, "cannot note that the poll failed");
            }
        }
        name
    }

    async fn look(
        &self,
        name: &str,
        repository: &Repository,
        stop: &CancellationToken,
    ) -> Result<(), PollError> {
        let mirror = self.mirrors.of(name, &repository.url);
        let branches = Branches::new(&repository.branches);
        let mut remote = mirror.list_remote(stop).await?;
        remote.retain(|branch| branches.names(&branch.name));
        let wanted = name.to_owned();
        let read = move |conn: &mut Conn| {
            let id = repositories::id_by_name(conn, &wanted)?;
            Ok((id, heads::list(conn, id)?))
        };
        let (id, known) = self.db.read("poll heads", read).await?;
        let known: BTreeMap<String, Head> = known
            .into_iter()
            .map(|head| (head.branch.clone(), head))
            .collect();
        let mut news = gone(&mirror, &known, &remote, stop).await?;
        let moved: Vec<String> = remote
            .into_iter()
            .filter(|branch| has_moved(known.get(&branch.name), branch))
            .map(|branch| branch.name)
            .take(BRANCHES_MAX)
            .collect();
        if !moved.is_empty() {
            mirror.fetch(&moved, stop).await?;
        }
        for branch in moved {
            let old = known.get(&branch);
            // A branch that was deleted between the list and the fetch is seen by the next poll.
            if let Ok(new) = mirror.resolve(&branch, None, stop).await {
                news.push(gained(&mirror, branch, old, &new, stop).await?);
            }
        }
        Ok(self.record(name, id, news).await?)
    }

    async fn record(&self, name: &str, id: RepositoryId, news: Vec<News>) -> DbResult<()> {
        let now = self.clock.now();
        if news.is_empty() {
            let noted = move |conn: &mut Conn| repositories::record_poll(conn, now, id, None);
            return self.db.tx_progress("poll", noted).await;
        }
        let name = name.to_owned();
        let work = move |conn: &mut Conn| {
            let mut seq = 0;
            for one in &news {
                for change in &one.changes {
                    changes::insert(conn, now, id, change)?;
                }
                heads::put(conn, now, id, &one.head)?;
            }
            repositories::record_poll(conn, now, id, None)?;
            for one in &news {
                seq = events::append(conn, now, &event(&name, one))?;
            }
            Ok(seq)
        };
        let seq = self.db.tx("poll changes", work).await?;
        self.bells.schedules.notify_one();
        self.bells
            .events
            .send_modify(|newest| *newest = seq.max(*newest));
        Ok(())
    }
}

fn event(repository: &str, news: &News) -> events::NewEvent {
    let kind = if news.head.gone {
        "branch.deleted"
    } else {
        "branch.moved"
    };
    let detail = serde_json::json!({
        "repository": repository,
        "branch": news.head.branch,
        "revision": news.head.revision,
        "changes": news.total,
    });
    events::NewEvent {
        kind,
        detail: detail.to_string().replace("\\u0000", "\u{fffd}"),
        ..events::NewEvent::default()
    }
}

fn has_moved(known: Option<&Head>, remote: &RemoteBranch) -> bool {
    known.is_none_or(|head| head.gone || head.revision != remote.revision)
}

/// The branches that were deleted; they go before the fetch, because `a` must not be in the way
/// of `a/b`.
async fn gone(
    mirror: &Mirror,
    known: &BTreeMap<String, Head>,
    remote: &[RemoteBranch],
    stop: &CancellationToken,
) -> VcsResult<Vec<News>> {
    let mut news = Vec::new();
    for head in known.values().filter(|head| !head.gone) {
        if remote.iter().all(|branch| branch.name != head.branch) {
            mirror
                .retire(&head.branch, &head.revision, true, stop)
                .await?;
            news.push(News {
                head: Head {
                    gone: true,
                    ..head.clone()
                },
                changes: Vec::new(),
                total: 0,
            });
        }
    }
    Ok(news)
}

/// What `branch` gained since `old`: of a branch seen for the first time its head alone.
async fn gained(
    mirror: &Mirror,
    branch: String,
    old: Option<&Head>,
    new: &str,
    stop: &CancellationToken,
) -> VcsResult<News> {
    let base = match old {
        Some(old) if mirror.has(&old.revision, stop).await? => Some(old),
        _ => None,
    };
    let (commits, total, last) = match base {
        Some(old) => {
            let range = mirror
                .commits_between(&old.revision, new, CHANGES_MAX, stop)
                .await?;
            let lost = mirror
                .count(&format!("{new}..{}", old.revision), stop)
                .await?;
            if lost > 0 {
                mirror.retire(&branch, &old.revision, false, stop).await?;
            }
            (range.commits, range.total, old.position)
        }
        None => {
            let count = mirror.count(new, stop).await?;
            let last = i64::try_from(count).unwrap_or(i64::MAX) - 1;
            let last = old.map_or(last, |old| last.max(old.position));
            (vec![mirror.commit(new, stop).await?], 1, last)
        }
    };
    // Moved back to an older commit: the head itself is what changed.
    let (commits, total) = match commits.is_empty() {
        true => (vec![mirror.commit(new, stop).await?], 1),
        false => (commits, total),
    };
    let end = last.saturating_add(i64::try_from(total).unwrap_or(i64::MAX));
    let first = end - i64::try_from(commits.len()).unwrap_or(0) + 1;
    let changes = commits.into_iter().zip(first..);
    let changes = changes.map(|(commit, position)| change(&branch, commit, position));
    Ok(News {
        changes: changes.collect(),
        total,
        head: Head {
            revision: new.to_owned(),
            position: end,
            gone: false,
            branch,
        },
    })
}

fn change(branch: &str, commit: Commit, position: i64) -> NewChange {
    NewChange {
        branch: branch.to_owned(),
        revision: commit.revision,
        position,
        author: commit.author,
        author_email: Some(commit.author_email).filter(|email| !email.is_empty()),
        message: commit.message,
        files: commit.files,
        files_total: i64::try_from(commit.files_total).unwrap_or(i64::MAX),
        committed_at: Time::from_unix_seconds(commit.committed_at_s),
    }
}
