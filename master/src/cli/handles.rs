//! Opening a master's data folder and database: for `serve`, and for commands beside it.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::agents::Agents;
use crate::app::App;
use crate::bells::Bells;
use crate::clock::Clock;
use crate::config::resolved::{Database, Master};
use crate::config::{self, Config};
use crate::db::{Db, Lane};
use crate::logs::Logs;
use crate::session::Entrance;
use crate::storage::{Blobs, Bucket, Programs, Zsyncs};
use crate::uploads::Uploads;
use crate::vcs::Mirrors;

use super::output::Problem;

/// Makes the data folder, which only its owner may enter.
pub(super) fn make_data_folder(data: &Path) -> Result<(), String> {
    let problem = |error| format!("cannot make the data folder {}: {error}", data.display());
    if data.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data).map_err(problem)
}

/// Keeps other masters out of the data folder as long as the file is open.
pub(super) fn lock_data_folder(data: &Path) -> Result<File, String> {
    let path = data.join("lock");
    let problem = |error| format!("cannot lock {}: {error}", path.display());
    let file = File::create(&path).map_err(problem)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(format!(
            "another master works in {}: stop it first",
            data.display()
        )),
        Err(TryLockError::Error(error)) => Err(problem(error)),
    }
}

/// Opens the database that the configuration names and applies the migrations.
pub(super) async fn open_database(master: &Master) -> Result<Db, String> {
    let sqlite = master.data.join("windlass.sqlite");
    let url = match &master.database {
        None => None,
        Some(Database::Url(url)) => Some(url.clone()),
        Some(Database::Secret(secret)) => Some(secret.read().map_err(|e| e.to_string())?),
    };
    let open = move || match url {
        Some(url) => Db::open_postgres(&url),
        None => Db::open_sqlite(&sqlite),
    };
    tokio::task::spawn_blocking(open)
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())
}

/// Opens the files in the data folder, and the bucket where one is configured.
pub(super) fn open_blobs(master: &Master) -> Result<Blobs, String> {
    let folder = master.data.join("blobs");
    let problem = |error: std::io::Error| format!("cannot open the files: {error}");
    let Some(bucket) = &master.bucket else {
        return Blobs::open(folder).map_err(problem);
    };
    let bucket = Bucket::configured(bucket).map_err(problem)?;
    Blobs::open_with(folder, &bucket).map_err(problem)
}

/// The handles over an open database. `deployment` is what agents are told; `stop` ends what asks agents.
pub(super) fn app(
    db: &Db,
    clock: Clock,
    config: watch::Receiver<Arc<Config>>,
    blobs: Blobs,
    deployment: &str,
    stop: CancellationToken,
) -> App {
    let data = config.borrow().master.data.clone();
    let bells = Bells::default();
    let agents = Agents::new(db, clock.clone(), bells.clone(), stop.clone());
    App {
        entrance: Entrance::new(deployment, agents.clone(), stop),
        agents,
        mirrors: Mirrors::new(data.join("mirrors")),
        uploads: Uploads::new(db, clock.clone(), blobs.clone(), data.join("uploads")),
        programs: Programs::at(data.join("agents")),
        logs: Logs::new(db, clock.clone(), data),
        db: db.lane(Lane::Pages),
        clock,
        config,
        zsyncs: Zsyncs::new(&blobs),
        blobs,
        bells,
        counts: Default::default(),
        logins: Arc::default(),
    }
}

/// Handles for a command that may run beside the master: no loops, no agents, no files.
pub(super) async fn beside(file: &Path) -> Result<App, Problem> {
    let config = config::load(file)?;
    make_data_folder(&config.master.data).map_err(Problem::Other)?;
    let db = open_database(&config.master)
        .await
        .map_err(Problem::Other)?;
    let blobs = Blobs::at(config.master.data.join("blobs"));
    let (_, config) = watch::channel(Arc::new(config));
    let stop = CancellationToken::new();
    Ok(app(&db, Clock::system(), config, blobs, "", stop))
}
