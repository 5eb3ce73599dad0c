//! A master on a filled database. The database is made once and kept, in cargo's target folder or on
//! the PostgreSQL server; each user gets a copy.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};

use super::{Shape, Store, fill};
use crate::master::Master;

/// The source of what is made: another content, another database.
const MADE_BY: &str = include_str!("../seed.rs");

/// A master, not started yet, on a copy of a filled database.
#[derive(Debug)]
pub struct Placed {
    /// The master.
    pub master: Master,
    /// The copy on a PostgreSQL server.
    copy: Option<Copied>,
}

impl Placed {
    /// With this configuration; on SQLite, or in a database of its own on the PostgreSQL `server`.
    #[must_use]
    pub fn new(server: Option<&str>, shape: Shape, configuration: &str) -> Self {
        let master = Master::new(configuration);
        away(&master);
        let placed = match server {
            None => copy_file(&master.path("data"), shape).map(|()| None),
            Some(server) => Copied::new(server, shape).map(Some),
        };
        let copy = placed.unwrap_or_else(|error| panic!("no filled database: {error}"));
        if let Some(copy) = &copy {
            master.configure_master(&format!("database = \"{}\"", copy.url));
        }
        Self { master, copy }
    }

    /// The engine's name.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self.copy {
            None => "SQLite",
            Some(_) => "PostgreSQL",
        }
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        // Before its database goes.
        self.master.kill();
    }
}

/// The files of what was filled in are in a bucket that does not answer: a master that could look
/// for them would note a million of them as lost.
fn away(master: &Master) {
    master.write_key(&master.path("s3"), "none");
    master.configure_master(
        "blobs = \"s3://files\"\n\
         s3 = { endpoint = \"http://127.0.0.1:9\", new_files = false, \
         key = { file = \"s3/key\" }, secret = { file = \"s3/key\" } }",
    );
}

/// The name of the database that is kept.
fn name(engine: &str, shape: Shape) -> String {
    let mut hasher = DefaultHasher::new();
    (shape, MADE_BY).hash(&mut hasher);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../master/migrations");
    let steps = std::fs::read_dir(folder.join(engine));
    let steps = steps.into_iter().flatten().flatten();
    let mut steps: Vec<PathBuf> = steps.map(|step| step.path().join("up.sql")).collect();
    steps.sort();
    for step in steps {
        std::fs::read(step).unwrap_or_default().hash(&mut hasher);
    }
    format!("windlass_seed_{:016x}", hasher.finish())
}

fn copy_file(folder: &Path, shape: Shape) -> Result<(), Box<dyn Error>> {
    // …/target/release/deps/feeds-0123 → …/target/tmp
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(3).ok_or("no target folder")?;
    let kept = target.join("tmp").join(name("sqlite", shape));
    if !kept.exists() {
        let half = kept.with_extension("half");
        std::fs::create_dir_all(target.join("tmp"))?;
        // Of a run that was ended.
        let _ = std::fs::remove_file(&half);
        fill(&Store::Sqlite(half.clone()), shape);
        std::fs::rename(&half, &kept)?;
    }
    std::fs::create_dir_all(folder)?;
    std::fs::copy(&kept, folder.join("windlass.sqlite"))?;
    Ok(())
}

/// A copied database; dropped with it.
#[derive(Debug)]
struct Copied {
    server: String,
    name: String,
    url: String,
}

impl Copied {
    fn new(server: &str, shape: Shape) -> Result<Self, Box<dyn Error>> {
        let (address, query) = server.split_once('?').unwrap_or((server, ""));
        let (base, _) = address.rsplit_once('/').ok_or("no name of a database")?;
        let at = |name: &str| format!("{base}/{name}?{query}");
        let mut conn = PgConnection::establish(server)?;
        let kept = name("postgresql", shape);
        if PgConnection::establish(&at(&kept)).is_err() {
            let half = format!("{kept}_half");
            conn.batch_execute(&format!("DROP DATABASE IF EXISTS {half}"))?;
            conn.batch_execute(&format!("CREATE DATABASE {half}"))?;
            fill(&Store::Postgres(at(&half)), shape);
            conn.batch_execute(&format!("ALTER DATABASE {half} RENAME TO {kept}"))?;
        }
        let name = format!("windlass_bench_{}", std::process::id());
        conn.batch_execute(&format!("DROP DATABASE IF EXISTS {name}"))?;
        conn.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {kept}"))?;
        let (server, url) = (server.to_owned(), at(&name));
        Ok(Self { server, name, url })
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let gone = PgConnection::establish(&self.server).map(|mut conn| {
            conn.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name))
        });
        if !matches!(gone, Ok(Ok(()))) {
            eprintln!("the database {} stays on the server", self.name);
        }
    }
}
