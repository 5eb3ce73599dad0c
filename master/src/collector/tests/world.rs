//! A database, a store and a collector that tests turn by hand.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::tests::{START, config};
use crate::clock::Clock;
use crate::collector::Parts;
use crate::config::Config;
use crate::config::collecting::Retention;
use crate::config::resolved::Project;
use crate::db::products;
use crate::db::products::tests::sample;
use crate::db::tests::{TestDb, sqlite};
use crate::db::{Conn, projects};
use crate::ids::ProductId;
use crate::model::Blob;
use crate::storage::{Blobs, Lease};

pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// Everything that a collector works on.
pub(super) struct World {
    pub(super) test: TestDb,
    pub(super) parts: Parts,
    pub(super) config: watch::Sender<Arc<Config>>,
    pub(super) folder: tempfile::TempDir,
}

impl World {
    /// With one policy: the newest stays, everything else for a day.
    pub(super) async fn new(test: Option<TestDb>) -> Self {
        let test = test.unwrap_or_else(sqlite);
        let folder = tempfile::tempdir().unwrap();
        let mut all = config();
        let says = Retention {
            keep_newest: 1,
            keep_newest_good: 0,
            keep: DAY,
            grace: Duration::ZERO,
            trash: DAY * 2,
            ..Retention::default()
        };
        all.retention = BTreeMap::from([("default".to_owned(), says)]);
        all.master.collecting.scrub = 0;
        // A full disk is not what is tested with it.
        all.uploads.reserve = 0;
        let project = Project::default();
        all.projects = BTreeMap::from([("editor".to_owned(), project)]);
        let (config, watched) = watch::channel(Arc::new(all));
        let blobs = folder.path().join("blobs");
        let blobs = tokio::task::spawn_blocking(|| Blobs::open(blobs)).await;
        let parts = Parts {
            db: test.db.clone(),
            clock: Clock::manual(START),
            bells: Default::default(),
            config: watched,
            blobs: blobs.unwrap().unwrap(),
            data: folder.path().to_path_buf(),
        };
        let sync = |conn: &mut Conn| {
            projects::sync(conn, START, &[("editor".to_owned(), "Editor".to_owned())])
        };
        test.db.tx("test", sync).await.unwrap();
        Self {
            test,
            parts,
            config,
            folder,
        }
    }

    /// Stores a content; it is in use until the lease is dropped.
    pub(super) async fn store(&self, content: &str) -> (Blob, Lease) {
        let mut writer = self.parts.blobs.writer().unwrap();
        writer.write(content.as_bytes()).unwrap();
        writer.finish_leased().await.unwrap()
    }

    /// Records a product of a branch with one file of this content.
    pub(super) async fn record(&self, branch: &str, position: i64, blob: Blob) -> ProductId {
        let mut new = sample(position, position, &format!("1.{position}"));
        branch.clone_into(&mut new.branch);
        new.files[0].blob = blob;
        let now = self.parts.clock.now();
        let work = move |conn: &mut Conn| products::record(conn, now, &new);
        self.test.db.tx("test", work).await.unwrap()
    }

    /// Stores and records.
    pub(super) async fn add(&self, branch: &str, position: i64, content: &str) -> ProductId {
        let (blob, _lease) = self.store(content).await;
        self.record(branch, position, blob).await
    }

    /// Whether the bytes of a content can be read, wherever they lie.
    pub(super) fn is_readable(&self, sha256: &str, content: &str) -> bool {
        let Ok(mut file) = self.parts.blobs.open_file(sha256) else {
            return false;
        };
        let mut text = String::new();
        file.read_to_string(&mut text).is_ok() && text == content
    }
}
