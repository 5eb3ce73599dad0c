//! One branch at a site: what its feeds say, and the files that they name. Files go there before
//! the feeds that name them, and stay long after.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::Publisher;
use crate::config::Config;
use crate::db::products::feed::{self, Feed, Rules};
use crate::db::products::{names, offer};
use crate::db::published_feeds::{self, Place, Published};
use crate::db::{Conn, DbResult};
use crate::hex::hex;
use crate::model::Offer;
use crate::storage::Site;
use crate::updates::formats::Listing;
use crate::updates::formats::electron::Build;
use crate::updates::formats::folder::{Content, files};
use crate::updates::formats::zsync::About;
use crate::updates::{Answer, Asker, Wish, answer};

/// Files that no feed names any more stay for this time: applications that asked before fetch them
/// later, and old block maps are half of every differential update.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

impl Publisher {
    /// Makes a branch's files at `site` like its feeds; in a walk each file is looked for. Returns
    /// whether it is right now: while what is offered depends on who asks, it keeps the files it
    /// has, since a file cannot tell askers apart.
    pub(super) async fn branch(
        &self,
        config: &Config,
        site: &Site,
        place: &Place,
        is_walk: bool,
    ) -> io::Result<bool> {
        let rules = Rules::of(config, &place.project);
        let (asked, now) = (place.clone(), self.clock.now());
        let read = move |conn: &mut Conn| {
            let known = published_feeds::of(conn, &asked)?;
            Ok((current(conn, &asked, rules)?, known))
        };
        let (offers, known) = self.read(read).await?;
        let Some(offers) = offers else {
            // None of them grows old meanwhile.
            self.note(place, known).await?;
            return Ok(false);
        };
        let mut builds = Vec::new();
        for offer in &offers {
            let listing = Listing::of(&config.master.url, offer);
            let block_maps = self.zsyncs.block_maps(&listing).await;
            builds.push(Build {
                listing,
                block_maps,
            });
        }
        let wanted = files(&config.master.url, &place.project, &place.token, &builds);
        let (stored, feeds): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|(_, content)| matches!(content, Content::Stored { .. }));
        let there: BTreeMap<&str, &str> = known
            .iter()
            .map(|file| (file.path.as_str(), file.sha256.as_str()))
            .collect();
        let mut noted = Vec::new();
        for (path, content) in stored.into_iter().chain(feeds) {
            let there = there.get(path.as_str()).copied();
            noted.push(self.put(site, path, content, there, is_walk).await?);
        }
        let is_old =
            |file: &&Published| file.is_feed && !noted.iter().any(|new| new.path == file.path);
        let old: Vec<String> = known
            .iter()
            .filter(is_old)
            .map(|f| f.path.clone())
            .collect();
        for path in &old {
            site.remove(path).await?;
        }
        self.note(place, noted).await?;
        self.forget(place, old).await?;
        self.sweep(site, place, now.before(KEPT)).await?;
        Ok(true)
    }

    /// Puts a file to the site unless it is `there` already.
    async fn put(
        &self,
        site: &Site,
        path: String,
        content: Content,
        there: Option<&str>,
        is_walk: bool,
    ) -> io::Result<Published> {
        let (sha256, size, bytes) = match content {
            Content::Stored { sha256, size } => (sha256, size, None),
            Content::Text(text) => of_bytes(text.into()),
            Content::Control(asset) => {
                let about = About {
                    name: &asset.name,
                    url: &asset.url,
                    sha1: &asset.sha1,
                    size: asset.size,
                };
                of_bytes(self.zsyncs.make(&asset.sha256, &about).await?)
            }
        };
        let is_known = there == Some(sha256.as_str());
        let is_there = is_known && (!is_walk || site.size(&path).await? == Some(size));
        let is_feed = bytes.is_some();
        match bytes {
            _ if is_there => {}
            Some(bytes) => site.put(&path, bytes).await?,
            None => site.put_stored(&path, &self.blobs, &sha256, size).await?,
        }
        Ok(Published {
            path,
            sha256,
            is_feed,
        })
    }

    /// Removes what the branch's feeds have not named since `before`.
    async fn sweep(
        &self,
        site: &Site,
        place: &Place,
        before: crate::clock::Time,
    ) -> io::Result<()> {
        let asked = place.clone();
        let read = move |conn: &mut Conn| published_feeds::unwanted(conn, &asked, before);
        let unwanted = self.read(read).await?;
        for (path, is_shared) in &unwanted {
            if !is_shared {
                site.remove(path).await?;
            }
        }
        let paths = unwanted.into_iter().map(|(path, _)| path).collect();
        self.forget(place, paths).await
    }

    async fn note(&self, place: &Place, files: Vec<Published>) -> io::Result<()> {
        let (place, now) = (place.clone(), self.clock.now());
        let note = move |conn: &mut Conn| published_feeds::note(conn, now, &place, &files);
        let noted = self.db.tx_progress("publish", note).await;
        noted.map_err(io::Error::other)
    }

    async fn forget(&self, place: &Place, paths: Vec<String>) -> io::Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        let place = place.clone();
        let forget = move |conn: &mut Conn| published_feeds::forget(conn, &place, &paths);
        let forgotten = self.db.tx_progress("unpublish", forget).await;
        forgotten.map_err(io::Error::other)
    }
}

fn of_bytes(bytes: Bytes) -> (String, u64, Option<Bytes>) {
    (
        hex(&Sha256::digest(&bytes)),
        bytes.len() as u64,
        Some(bytes),
    )
}

/// What each target of a branch offers everybody; nothing while that depends on who asks.
fn current(conn: &mut Conn, place: &Place, rules: Rules) -> DbResult<Option<Vec<Offer>>> {
    let (asker, mut offers) = (Asker::default(), Vec::new());
    let of = |target: String| Feed {
        project: place.project.clone(),
        token: place.token.clone(),
        target,
    };
    for target in names::targets(conn, &of(String::new()))? {
        let facts = feed::facts(conn, &of(target), &asker, rules)?;
        let decision = answer(&facts, &asker, Wish::Current);
        if decision.depends_on_id {
            return Ok(None);
        }
        if let Answer::Offer {
            product,
            is_critical,
        } = decision.answer
        {
            offers.push(offer::load(conn, product, is_critical)?);
        }
    }
    Ok(Some(offers))
}
