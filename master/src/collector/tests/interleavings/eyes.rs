//! What must hold whatever was done last: seen from outside, by a connection of its own and by
//! what lies in the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use diesel::prelude::*;

use super::contents::Contents;
use crate::clock::Time;
use crate::db::Conn;
use crate::db::products::feed::{self, Feed, Rules};
use crate::db::schema::{blobs, drafts, holds, labels, product_files, products, releases, uploads};
use crate::model::VersionScheme;
use crate::storage::Blobs;
use crate::updates::{self, Answer, Asker, Wish};

/// How the feeds of the branch are asked.
const RULES: Rules = Rules {
    scheme: VersionScheme::Seq,
    only_released: false,
};

/// Looks on.
pub(super) struct Eyes {
    conn: Conn,
    feed: Feed,
    /// What the database says; read again when it has changed.
    said: Said,
    version: i64,
}

/// What the database says.
#[derive(Debug, Default)]
struct Said {
    /// Files of products that are not deleted: product, its state, name of the content.
    named: Vec<(i64, String, String)>,
    /// Products that must not be collected, each with the reason.
    roots: Vec<(i64, &'static str)>,
    /// Stored files: name, state.
    blobs: BTreeMap<String, String>,
    /// Contents of drafts that are open.
    drafts: Vec<String>,
}

/// A file in the folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lying {
    pub(super) sha256: String,
    pub(super) in_trash: bool,
    size: u64,
}

/// What is there before something is done: nothing of it may change in a dry run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sight {
    version: i64,
    lying: Vec<Lying>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

impl Eyes {
    pub(super) fn new(conn: Conn, feed: Feed) -> Self {
        Self {
            conn,
            feed,
            said: Said::default(),
            version: -1,
        }
    }

    /// A number that is another one after every commit of others.
    fn version(&mut self) -> i64 {
        let text = match &self.conn {
            Conn::Sqlite(_) => "SELECT data_version AS number FROM pragma_data_version",
            Conn::Postgres(_) => {
                "SELECT (SELECT COUNT(*) FROM events) + (SELECT COUNT(*) FROM audit) \
                 + (SELECT COUNT(*) FROM retention_plans) + (SELECT COUNT(*) FROM blobs) \
                 + (SELECT COALESCE(SUM(generation), 0)::BIGINT FROM blobs) AS number"
            }
        };
        let row: Number = diesel::sql_query(text).get_result(&mut self.conn).unwrap();
        row.number
    }

    pub(super) fn sight(&mut self, folder: &Path) -> Sight {
        Sight {
            version: self.version(),
            lying: lying(folder),
        }
    }

    /// What applications are told that can run everything, and those that cannot run what is new.
    pub(super) fn answers(&mut self) -> Vec<Answer> {
        let old = Asker {
            os_version: Some("10.9".to_owned()),
            ..Asker::default()
        };
        let ask = |asker: Asker| {
            let facts = feed::facts(&mut self.conn, &self.feed, &asker, RULES).unwrap();
            updates::answer(&facts, &asker, Wish::Current).answer
        };
        [Asker::default(), old].map(ask).to_vec()
    }

    /// Looks whether everything is as it must be, while others act.
    pub(super) fn look(&mut self, now: Time, folder: &Path, blobs: &Blobs, contents: &Contents) {
        let version = self.version();
        if version != self.version || matches!(self.conn, Conn::Postgres(_)) {
            self.said = said(&mut self.conn, now).unwrap();
            self.version = version;
        }
        let (said, there) = (&self.said, lying(folder));
        for (product, state, name) in &said.named {
            let mut copies = there.iter().filter(|file| file.sha256 == *name);
            let is_there = copies.any(|file| file.size == contents.of(name).len() as u64);
            assert!(is_there, "product {product} ({state}) lost {name}");
            let state = said.blobs.get(name).map(String::as_str);
            assert!(
                matches!(state, Some("live" | "condemned")),
                "product {product} names {name}, which is {state:?}"
            );
        }
        for (root, why) in &said.roots {
            let mut of_it = said.named.iter().filter(|(id, ..)| id == root);
            let stays = of_it.next().is_some_and(|(_, state, _)| state != "expired");
            assert!(stays, "{why} product {root} was collected");
        }
        for file in &there {
            assert_eq!(
                file.size,
                contents.of(&file.sha256).len() as u64,
                "a file that is not whole has a name"
            );
        }
        let is_explained = |file: &Lying| {
            let row = said.blobs.get(&file.sha256).map(String::as_str);
            match row {
                Some("gone") | None => file.in_trash || blobs.in_use(&file.sha256),
                Some(_) => true,
            }
        };
        let lost = there
            .iter()
            .find(|file| !is_explained(file) && !contents.is_left_over(&file.sha256));
        assert_eq!(lost, None, "it is there for nothing");
    }

    /// Looks at the end, when nobody acts and what was to go is gone: the bytes that lie there are
    /// those of products and drafts, no more and no less, and each is what its name says.
    pub(super) fn look_at_end(&mut self, now: Time, folder: &Path, contents: &Contents) {
        self.said = said(&mut self.conn, now).unwrap();
        let named = self.said.named.iter().map(|(.., name)| name.as_str());
        let drafts = self.said.drafts.iter().map(String::as_str);
        let wanted: BTreeSet<&str> = named.chain(drafts).collect();
        let there = lying(folder);
        let found: BTreeSet<&str> = there.iter().map(|file| file.sha256.as_str()).collect();
        assert_eq!(found, wanted, "what lies there at the end");
        for file in &there {
            let (name, content) = (&file.sha256, contents.of(&file.sha256));
            assert!(!file.in_trash, "{name} is named and left in the trash");
            let bytes = std::fs::read(folder.join(&name[..2]).join(name)).unwrap();
            assert!(bytes == *content, "{name} is not what its name says");
            let state = self.said.blobs.get(name).map(String::as_str);
            assert_eq!(state, Some("live"), "{name}");
        }
        let temporary = std::fs::read_dir(folder.join("tmp")).unwrap();
        assert_eq!(temporary.count(), 0, "unfinished files are left");
    }
}

/// What lies in the store's folder.
fn lying(folder: &Path) -> Vec<Lying> {
    let mut all = Vec::new();
    for (below, in_trash) in [(folder.to_path_buf(), false), (folder.join("trash"), true)] {
        let Ok(shelves) = std::fs::read_dir(&below) else {
            continue;
        };
        for shelf in shelves {
            let shelf = shelf.unwrap();
            if shelf.file_name().len() != 2 {
                continue;
            }
            for file in std::fs::read_dir(shelf.path()).unwrap() {
                let file = file.unwrap();
                all.push(Lying {
                    sha256: file.file_name().into_string().unwrap(),
                    in_trash,
                    size: file.metadata().unwrap().len(),
                });
            }
        }
    }
    all.sort();
    all
}

fn said(conn: &mut Conn, now: Time) -> QueryResult<Said> {
    let named = product_files::table
        .inner_join(products::table)
        .filter(products::state.ne("deleted"))
        .select((products::id, products::state, product_files::blob_sha256))
        .load(conn)?;
    let held: Vec<i64> = holds::table
        .filter(holds::lifted_at.is_null())
        .filter(holds::until_at.is_null().or(holds::until_at.gt(now.0)))
        .select(holds::product_id)
        .load(conn)?;
    let labelled: Vec<i64> = labels::table.select(labels::product_id).load(conn)?;
    let open = ["draft", "scheduled", "live", "paused"];
    let released: Vec<(i64, Option<i64>, Option<i64>)> = releases::table
        .filter(releases::state.eq_any(open))
        .select((
            releases::product_id,
            releases::fallback_product_id,
            releases::rollback_of_product_id,
        ))
        .load(conn)?;
    let mut roots: Vec<(i64, &'static str)> = held.into_iter().map(|id| (id, "kept")).collect();
    roots.extend(labelled.into_iter().map(|id| (id, "labelled")));
    for (product, fallback, taken_back) in released {
        roots.push((product, "released"));
        roots.extend(fallback.map(|id| (id, "fallback")));
        roots.extend(taken_back.map(|id| (id, "rolled-back")));
    }
    let states: Vec<(String, String)> = blobs::table
        .select((blobs::sha256, blobs::state))
        .load(conn)?;
    let drafts: Vec<Option<String>> = uploads::table
        .inner_join(drafts::table)
        .filter(drafts::state.eq("open"))
        .filter(uploads::blob_sha256.is_not_null())
        .select(uploads::blob_sha256)
        .load(conn)?;
    Ok(Said {
        named,
        roots,
        blobs: states.into_iter().collect(),
        drafts: drafts.into_iter().flatten().collect(),
    })
}
