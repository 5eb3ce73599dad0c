//! Starting and stopping a master as a whole: data folder, database, doors, loops. Used by
//! `windlass serve`, by the demo and by tests; signals and log lines are `listen`'s.

mod loops;
mod vital;
mod web;

use std::fmt;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::handles;
use super::output::Problem;
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Clock;
use crate::config::resolved::Master;
use crate::config::{self, Config, ConfigErrors};
use crate::db::{Lane, settings};
use crate::ops;
use crate::session::{self, Certificate, Door, Speech};

use vital::Watch;

/// The loops get this long to come to an end; a request or a sync that hangs must not keep the
/// process for ever.
const STOP_MAX: Duration = Duration::from_secs(20);

/// What a master is started with.
#[derive(Debug, Clone)]
pub struct Options {
    config_file: PathBuf,
    clock: Clock,
}

impl Options {
    /// With the configuration in `config_file` and the system's clock.
    #[must_use]
    pub fn new(config_file: &Path) -> Self {
        Self {
            config_file: config_file.to_path_buf(),
            clock: Clock::system(),
        }
    }
}

/// Why a master was not started, or its configuration not read again.
#[derive(Debug)]
pub enum StartError {
    /// The configuration has mistakes.
    Config(Box<ConfigErrors>),
    /// The folder, the database or an address cannot be used.
    Other(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(errors) => errors.fmt(f),
            Self::Other(text) => text.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<ConfigErrors> for StartError {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(Box::new(errors))
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(errors) => Self::Config(errors),
            StartError::Other(text) => Self::Other(text),
        }
    }
}

/// A master that serves.
pub struct Running {
    app: App,
    config: watch::Sender<Arc<Config>>,
    web_addr: SocketAddr,
    agent_addr: SocketAddr,
    web: ServerHandle,
    /// Cancelled when the master is to stop.
    stop: CancellationToken,
    /// Told when the master cannot go on.
    watch: Watch,
    tracker: TaskTracker,
    /// Keeps other masters out of the database.
    _only: DropGuard,
    /// Keeps other masters out of the data folder.
    _lock: File,
}

/// Starts a master and returns once both doors are open.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let config = Arc::new(config::load(&options.config_file)?);
    let other = StartError::Other;
    let data = config.master.data.clone();
    handles::make_data_folder(&data).map_err(other)?;
    let lock = handles::lock_data_folder(&data).map_err(other)?;
    let db = handles::open_database(&config.master)
        .await
        .map_err(other)?;
    let text = |error: &dyn fmt::Display| StartError::Other(error.to_string());
    let Some(only) = db.lock_master().await.map_err(|error| text(&error))? else {
        let text = "another master works on this database: stop it first";
        return Err(StartError::Other(text.to_owned()));
    };
    let now = options.clock.now();
    let applied = ops::configuration::apply(&db, now, Arc::clone(&config), true).await;
    applied.map_err(|error| text(&Problem::from(error)))?;
    let deployment = db.tx("deployment", settings::deployment).await;
    let deployment = deployment.map_err(|error| text(&error))?;
    let blobs = handles::open_blobs(&config.master).map_err(other)?;

    let (config, watched) = watch::channel(config);
    let stop = CancellationToken::new();
    let app = handles::app(
        &db,
        options.clock,
        watched,
        blobs,
        &deployment,
        stop.clone(),
    );
    let door = open_door(&app).await.map_err(|error| text(&error))?;
    let agent_addr = door.address().map_err(|error| text(&error))?;
    let web = web::open(&app).map_err(StartError::Other)?;

    let tracker = TaskTracker::new();
    let watch = Watch::default();
    watch.keep(&tracker, &stop, "agents' door", door.run(stop.clone()));
    let dial = session::dial(app.entrance.clone(), app.config.clone(), stop.clone());
    watch.keep(&tracker, &stop, "agents' dialler", dial);
    loops::spawn(&app, &db.lane(Lane::Engine), &tracker, &stop, &watch);
    let (seen, over) = (watch.clone(), CancellationToken::new());
    let only_until = over.clone().drop_guard();
    // Not one of the loops: it holds the lock until the last of them has ended.
    tokio::spawn(async move {
        tokio::select! {
            () = over.cancelled() => {}
            () = only.lost() => seen.tell("another master took over the database"),
        }
    });
    let handle = web.server.handle();
    watch.keep(&tracker, &stop, "pages' server", async move {
        if let Err(error) = web.server.await {
            tracing::error!(%error, "the pages' server failed");
        }
    });
    Ok(Running {
        app,
        config,
        web_addr: web.address,
        agent_addr,
        web: handle,
        stop,
        watch,
        tracker,
        _only: only_until,
        _lock: lock,
    })
}

/// Opens the agents' port as the configuration says.
async fn open_door(app: &App) -> std::io::Result<Door> {
    let config = app.config();
    let master = &config.master;
    let tls = master.agent_tls.as_ref();
    let tls = tls.map(|files| Certificate::read(&files.certificate, &files.key));
    let speech = Speech {
        plain: master.agent_plain,
        tls: tls.transpose()?,
    };
    session::listen(master.agent_listen, speech, app.entrance.clone()).await
}

impl Running {
    /// Its handles.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Where browsers connect, with the port that the system chose if it was 0.
    #[must_use]
    pub fn web_addr(&self) -> SocketAddr {
        self.web_addr
    }

    /// Where agents connect, with the port that the system chose if it was 0.
    #[must_use]
    pub fn agent_addr(&self) -> SocketAddr {
        self.agent_addr
    }

    /// Waits until the master cannot go on, and says why.
    pub async fn failed(&self) -> String {
        self.watch.failed().await
    }

    /// Reads the configuration again. With mistakes, or when it cannot be stored, nothing changes.
    pub async fn reload(&self) -> Result<(), StartError> {
        let old = self.app.config();
        let new = Arc::new(config::load(&old.file)?);
        let (was, is) = (&old.master, &new.master);
        if (&was.data, &was.database, &was.bucket) != (&is.data, &is.database, &is.bucket) {
            let text = "`data`, `database`, `blobs` and `s3` need a restart";
            return Err(StartError::Other(text.to_owned()));
        }
        let doors = |master: &Master| {
            let speech = (master.agent_tls.clone(), master.agent_plain);
            (master.web_listen, master.agent_listen, speech)
        };
        if doors(was) != doors(is) {
            tracing::warn!("addresses to listen at and TLS take effect with the next start");
        }
        let now = self.app.clock.now();
        ops::configuration::apply(&self.app.db, now, Arc::clone(&new), false)
            .await
            .map_err(|error| StartError::Other(error.to_string()))?;
        self.config.send_replace(new);
        self.hang_up_on_strangers().await;
        let bells = &self.app.bells;
        for bell in [
            &bells.poller,
            &bells.schedules,
            &bells.dispatcher,
            &bells.runner,
        ] {
            bell.notify_one();
        }
        Ok(())
    }

    /// Ends the connections of agents that must not build any more.
    async fn hang_up_on_strangers(&self) {
        let master = Identity::Local { name: "master" };
        match ops::agents::list(&self.app, &master).await {
            Ok(all) => {
                let strangers = self.app.agents.states().into_iter();
                strangers
                    .filter(|state| all.iter().all(|agent| agent.id != state.id))
                    .for_each(|state| self.app.agents.hang_up(state.id));
            }
            Err(error) => tracing::error!(%error, "the agents cannot be read"),
        }
    }

    /// Stops in order: no new requests, the loops end, commands go on at their agents.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        let ended = async {
            self.web.stop(true).await;
            self.tracker.wait().await;
        };
        if tokio::time::timeout(STOP_MAX, ended).await.is_err() {
            tracing::warn!("something did not come to its end in {STOP_MAX:?}; stopping anyway");
        }
    }
}

#[cfg(test)]
mod tests;
