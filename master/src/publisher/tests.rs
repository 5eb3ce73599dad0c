//! A folder that follows its feeds.

use std::path::{Path, PathBuf};

use super::*;
use crate::app::tests::{app, config};
use crate::config::resolved::Project;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::{TestDb, sqlite};
use crate::model::NewProduct;

/// A product whose file is stored.
async fn stored(blobs: &Blobs, position: i64, version: &str) -> NewProduct {
    let mut writer = blobs.writer().unwrap();
    writer.write(version.as_bytes()).unwrap();
    let blob = writer.finish().await.unwrap();
    let mut product = sample(position, position, version);
    product.feed_version = Some(version.to_owned());
    product.files[0].name = format!("Editor Setup {version}.AppImage");
    product.files[0].blob = blob;
    product
}

struct Bench {
    publisher: Publisher,
    config: Config,
    blobs: Blobs,
    progress: Progress,
    test: TestDb,
    home: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let test = sqlite();
        let home = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(home.path().join("blobs")).unwrap();
        let mut config = config();
        let project = Project {
            publish: Some(Publish::Folder(home.path().join("public"))),
            ..Project::default()
        };
        config.projects.insert("editor".to_owned(), project);
        let first = stored(&blobs, 1, "1.0.0").await;
        recorded(&test.db, vec![first]).await;
        let app = app(test.db.clone());
        let publisher = Publisher::new(
            &test.db,
            app.clock.clone(),
            app.bells.clone(),
            app.config,
            blobs.clone(),
            Zsyncs::new(&blobs),
        );
        Self {
            publisher,
            config,
            blobs,
            progress: Progress::default(),
            test,
            home,
        }
    }

    async fn round(&mut self) {
        let stop = CancellationToken::new();
        let round = self
            .publisher
            .round(&self.config, &mut self.progress, &stop);
        round.await.unwrap();
    }

    fn public(&self) -> PathBuf {
        self.home.path().join("public")
    }

    /// The path of the file whose path ends so.
    fn find(&self, end: &str) -> Option<PathBuf> {
        let all = all(&self.public());
        all.into_iter()
            .find(|path| path.to_string_lossy().ends_with(end))
    }

    fn yaml(&self) -> String {
        std::fs::read_to_string(self.find("/latest-linux.yml").unwrap()).unwrap()
    }
}

/// Every file below `folder`.
fn all(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            let whose = if path.is_dir() { &mut left } else { &mut found };
            whose.push(path);
        }
    }
    found
}

#[tokio::test]
async fn a_site_holds_what_the_feeds_say_and_the_files_that_they_name() {
    let mut bench = Bench::new().await;
    bench.round().await;
    for end in [
        "/latest-linux.yml",
        "/1.0.0/x64/Editor Setup 1.0.0.AppImage",
        "/x86_64-unknown-linux-gnu/manifest.json",
        "/x86_64-linux.zsync",
        "/releases.linux.json",
    ] {
        assert!(bench.find(end).is_some(), "{end}");
    }
    let before = all(&bench.public());
    let second = stored(&bench.blobs, 2, "1.1.0").await;
    recorded(&bench.test.db, vec![second]).await;
    bench.round().await;
    assert!(bench.yaml().starts_with("version: \"1.1.0\""));
    // The files of the build before stay for those who asked before.
    assert!(before.iter().all(|path| path.exists()));
    assert!(bench.find("/Editor Setup 1.1.0.AppImage").is_some());
}

#[tokio::test]
async fn what_others_removed_comes_back_and_feeds_that_are_over_go_at_once() {
    let mut bench = Bench::new().await;
    bench.round().await;
    std::fs::remove_file(bench.find("/latest-linux.yml").unwrap()).unwrap();
    let file = bench
        .find("/1.0.0/x64/Editor Setup 1.0.0.AppImage")
        .unwrap();
    std::fs::write(&file, "cut").unwrap();
    bench.progress = Progress::default();
    bench.round().await;
    assert!(bench.find("/latest-linux.yml").is_some());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "1.0.0");
    // Withdrawn, so that there is nothing to offer any more.
    let withdraw = |conn: &mut Conn| {
        use diesel::prelude::*;
        diesel::update(crate::db::schema::products::table)
            .set(crate::db::schema::products::state.eq("withdrawn"))
            .execute(conn)?;
        Ok(())
    };
    bench.test.db.tx("test", withdraw).await.unwrap();
    bench.progress = Progress::default();
    bench.round().await;
    assert!(bench.find("/latest-linux.yml").is_none());
    assert!(bench.find("/manifest.json").is_none());
    assert!(file.exists(), "downloads under way end well");
}
