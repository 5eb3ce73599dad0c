//! Links after events, after a crash, and beside what people put there.

use std::fs;

use super::*;
use crate::db::products;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::engines;
use crate::model::{NewProduct, ProductState};

struct Place {
    folder: tempfile::TempDir,
    links: Links,
}

impl Place {
    fn new(db: &Db) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        let by_name = folder.path().join("by-name");
        Self {
            links: Links::new(db, Bells::default(), blobs, by_name),
            folder,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("by-name").join(path)
    }

    async fn walk(&self) {
        self.links.walk(&CancellationToken::new()).await.unwrap();
    }

    /// A product whose one file holds `content`.
    async fn product(&self, branch: &str, version: &str, content: &str) -> NewProduct {
        let mut product = sample(1, 1, version);
        product.branch = branch.to_owned();
        let mut writer = self.links.tree.blobs.writer().unwrap();
        writer.write(content.as_bytes()).unwrap();
        product.files[0].blob = writer.finish().await.unwrap();
        product
    }
}

async fn withdraw(db: &Db, id: ProductId) {
    let withdraw =
        move |conn: &mut Conn| products::set_state(conn, id, 1, ProductState::Withdrawn, "broken");
    db.tx("test", withdraw).await.unwrap();
}

#[tokio::test]
async fn the_link_of_a_recorded_file_leads_to_its_bytes_until_it_is_withdrawn() {
    for test in engines() {
        let place = Place::new(&test.db);
        let product = place.product("feature/x", "1.0", "one").await;
        let id = recorded(&test.db, vec![product]).await[0];
        place.links.sync(id).await.unwrap();
        let link = place.path("editor/feature%2Fx/1.0/editor-1.0.tar.gz");
        assert_eq!(fs::read_to_string(&link).unwrap(), "one");
        assert!(fs::read_link(&link).unwrap().is_relative());
        withdraw(&test.db, id).await;
        place.links.sync(id).await.unwrap();
        assert!(fs::symlink_metadata(&link).is_err());
        assert!(!place.path("editor").exists(), "empty folders go too");
    }
}

#[tokio::test]
async fn a_walk_heals_whatever_was_left_and_touches_nobodys_files() {
    for test in engines() {
        let place = Place::new(&test.db);
        let one = place.product("main", "1.0", "one").await;
        let two = place.product("main", "2.0", "two").await;
        let ids = recorded(&test.db, vec![one, two]).await;
        place.walk().await;
        let (first, second) = (
            place.path("editor/main/1.0/editor-1.0.tar.gz"),
            place.path("editor/main/2.0/editor-2.0.tar.gz"),
        );
        // A crash before the link of the first, a wrong one at the second, one too much, and a
        // person's own file and link.
        fs::remove_file(&first).unwrap();
        fs::remove_file(&second).unwrap();
        let elsewhere = place.folder.path().join("elsewhere");
        fs::write(&elsewhere, "precious").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &second).unwrap();
        let stray = place.path("editor/old/0.9/editor.zip");
        fs::create_dir_all(stray.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &stray).unwrap();
        fs::write(place.path("README"), "ours").unwrap();
        place.walk().await;
        assert_eq!(fs::read_to_string(&first).unwrap(), "one");
        assert_eq!(fs::read_to_string(&second).unwrap(), "two");
        assert!(!place.path("editor/old").exists());
        assert_eq!(fs::read_to_string(place.path("README")).unwrap(), "ours");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
        // What went while no loop ran.
        withdraw(&test.db, ids[0]).await;
        place.walk().await;
        assert!(fs::symlink_metadata(&first).is_err() && second.exists());
    }
}

#[tokio::test]
async fn a_hostile_branch_stays_inside_the_folder() {
    for test in engines() {
        let place = Place::new(&test.db);
        let product = place.product("../../../etc", "..", "x").await;
        let id = recorded(&test.db, vec![product]).await[0];
        place.links.sync(id).await.unwrap();
        let link = place.path("editor/%2E.%2F..%2F..%2Fetc/%2E%2E/editor-...tar.gz");
        assert_eq!(fs::read_to_string(link).unwrap(), "x");
        let mut above: Vec<_> = fs::read_dir(place.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        above.sort();
        assert_eq!(above, ["blobs", "by-name"]);
    }
}
