//! The loop that keeps the sites of projects like their feeds, so that another server can answer
//! applications by files alone. What a site holds is `updates::formats::folder`'s; how one branch
//! is put right is `branch`'s. Here is which branches are looked at: those whose products changed,
//! and once a day all.

mod branch;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::{Clock, Stopwatch, real};
use crate::config::Config;
use crate::config::publishing::Publish;
use crate::db::published_feeds::{self, Place};
use crate::db::{Conn, Db, DbResult, branches, events};
use crate::storage::{Blobs, Bucket, Site, Zsyncs};

/// Between two looks where no event rings: how late a branch follows the end of a rollout that
/// ended by the clock, or a service that was away.
const ROUND: Duration = Duration::from_secs(60);
/// Between two looks at every file of every branch, for what others changed at a site: each costs a
/// request.
const WALK: Duration = Duration::from_secs(24 * 3_600);

/// The loop; make it with [`Publisher::new`], then run it.
pub(crate) struct Publisher {
    db: Db,
    clock: Clock,
    bells: Bells,
    config: watch::Receiver<Arc<Config>>,
    blobs: Blobs,
    zsyncs: Zsyncs,
}

/// How far the loop is.
#[derive(Default)]
struct Progress {
    /// The last event that was looked at; none before the first walk.
    cursor: Option<i64>,
    walked: Option<Stopwatch>,
    /// Branches that are to be looked at.
    left: BTreeSet<Place>,
    /// Open sites by how the configuration writes them.
    sites: BTreeMap<String, Site>,
}

impl Publisher {
    /// From its parts.
    pub(crate) fn new(
        db: &Db,
        clock: Clock,
        bells: Bells,
        config: watch::Receiver<Arc<Config>>,
        blobs: Blobs,
        zsyncs: Zsyncs,
    ) -> Self {
        Self {
            db: db.clone(),
            clock,
            bells,
            config,
            blobs,
            zsyncs,
        }
    }

    /// Publishes until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut rings = self.bells.events.subscribe();
        let mut progress = Progress::default();
        while !stop.is_cancelled() {
            let config = Arc::clone(&self.config.borrow_and_update());
            rings.borrow_and_update();
            if let Err(error) = self.round(&config, &mut progress, &stop).await {
                tracing::warn!(%error, "the feeds cannot be published now");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(real(ROUND)) => {}
                _ = rings.changed() => {}
                Ok(()) = self.config.changed() => progress = Progress::default(),
            }
        }
    }

    /// Looks at the branches that may have changed. What cannot be done now is left for the next
    /// round. Errors: the first that was met.
    async fn round(
        &self,
        config: &Config,
        progress: &mut Progress,
        stop: &CancellationToken,
    ) -> io::Result<()> {
        let publishing = |(name, project): (&String, &_)| Some((name.clone(), publish(project)?));
        let projects: BTreeMap<String, Publish> =
            config.projects.iter().filter_map(publishing).collect();
        if projects.is_empty() {
            return Ok(());
        }
        let is_walk = progress
            .walked
            .as_ref()
            .is_none_or(|walk| walk.elapsed() >= real(WALK));
        self.look(&projects, progress, is_walk).await?;
        let mut outcome = Ok(());
        for place in progress.left.clone() {
            if stop.is_cancelled() {
                return Ok(());
            }
            let Some(publish) = projects.get(&place.project) else {
                progress.left.remove(&place);
                continue;
            };
            let site = match progress.sites.get(&place.site) {
                Some(site) => site.clone(),
                None => {
                    let site = open(publish).await?;
                    progress.sites.insert(place.site.clone(), site.clone());
                    site
                }
            };
            match self.branch(config, &site, &place, is_walk).await {
                Ok(true) => {
                    progress.left.remove(&place);
                }
                Ok(false) => {}
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        if is_walk && outcome.is_ok() {
            progress.walked = Some(Stopwatch::start());
        }
        outcome
    }

    /// Adds to what is left the branches that events since the last round concern; in a walk all.
    async fn look(
        &self,
        projects: &BTreeMap<String, Publish>,
        progress: &mut Progress,
        is_walk: bool,
    ) -> io::Result<()> {
        let place = |project: &str, token: String| {
            Some(Place {
                site: projects.get(project)?.to_string(),
                project: project.to_owned(),
                token,
            })
        };
        let mut is_all = is_walk;
        if progress.cursor.is_none() {
            progress.cursor = Some(self.read(events::newest).await?);
        }
        while let Some(seq) = progress.cursor {
            let happened = self.read(move |conn| events::after(conn, seq)).await?;
            let Some(last) = happened.last().map(|event| event.seq) else {
                break;
            };
            for event in happened {
                if !events::touches_feeds(&event.kind) {
                    continue;
                }
                // Releases, redirects and shut-offs are people's, and few.
                let Some(product) = event.product.filter(|_| event.kind.starts_with("product."))
                else {
                    is_all = true;
                    continue;
                };
                let fed = self.read(move |conn| published_feeds::fed_by(conn, product));
                let fed = fed.await?.into_iter();
                let places = fed.filter_map(|(project, token)| place(&project, token));
                progress.left.extend(places);
            }
            progress.cursor = Some(last);
        }
        if is_all {
            for name in projects.keys() {
                let wanted = name.clone();
                let tokens = self.read(move |conn| branches::tokens(conn, &wanted));
                let tokens = tokens.await?.into_iter();
                progress
                    .left
                    .extend(tokens.filter_map(|token| place(name, token)));
            }
        }
        Ok(())
    }

    async fn read<T, F>(&self, work: F) -> io::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> DbResult<T> + Send + 'static,
    {
        let read = self.db.read("publisher", work).await;
        read.map_err(io::Error::other)
    }
}

fn publish(project: &crate::config::resolved::Project) -> Option<Publish> {
    project.publish.clone()
}

async fn open(publish: &Publish) -> io::Result<Site> {
    let publish = publish.clone();
    let open = move || match publish {
        Publish::Folder(folder) => Site::folder(&folder),
        Publish::Bucket(bucket) => Site::bucket(&Bucket::configured(&bucket)?),
    };
    let opened = tokio::task::spawn_blocking(open).await;
    opened.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
