//! An `App` for tests: a clock that stands still and a small configuration.

use super::*;
use crate::clock::Time;
use crate::config::resolved::Master;

/// 2026-01-02T03:04:05Z, where test clocks begin.
pub(crate) const START: Time = Time(1_767_323_045_000_000);

/// The handles over `db`.
pub(crate) fn app(db: Db) -> App {
    let (_, config) = watch::channel(Arc::new(config()));
    let (clock, bells) = (Clock::manual(START), Bells::default());
    let stop = tokio_util::sync::CancellationToken::new();
    let agents = Agents::new(&db, clock.clone(), bells.clone(), stop.clone());
    App {
        config,
        entrance: Entrance::new("test", agents.clone(), stop),
        agents,
        logs: Logs::new(&db, clock.clone(), "/nonexistent"),
        uploads: Uploads::new(
            &db,
            clock.clone(),
            Blobs::at("/nonexistent"),
            "/nonexistent",
        ),
        db,
        zsyncs: Zsyncs::new(&Blobs::at("/nonexistent")),
        blobs: Blobs::at("/nonexistent"),
        programs: Programs::at("/nonexistent"),
        clock,
        bells,
        mirrors: Mirrors::new("/nonexistent".into()),
        counts: Default::default(),
        logins: Arc::default(),
    }
}

/// A configuration with nothing but `[master]`.
pub(crate) fn config() -> Config {
    Config {
        file: "windlass.toml".into(),
        master: Master {
            title: "Windlass".to_owned(),
            url: "http://127.0.0.1:8010".to_owned(),
            data: "/nonexistent".into(),
            agent_address: None,
            agent_tls: None,
            agent_plain: true,
            agent_listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
            web_listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
            database: None,
            anonymous_read: true,
            bucket: None,
            collecting: Default::default(),
        },
        mail: None,
        projects: Default::default(),
        repositories: Default::default(),
        agent_defaults: Default::default(),
        uploads: Default::default(),
        agents: Default::default(),
        builders: Default::default(),
        schedules: Default::default(),
        notifies: Default::default(),
        retention: Default::default(),
    }
}
