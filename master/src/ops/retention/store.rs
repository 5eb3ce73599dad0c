//! How the store stands, and a reading of all of it.

use std::time::Duration;

use super::deeds::{Came, Deed};
use super::may_read;
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::collector::{LAST_RUN, PROBLEM, SCRUB_NOW, SCRUBBED};
use crate::config::Config;
use crate::db::retention::figures;
use crate::db::{Conn, DbResult, Lane, settings};
use crate::error::Result;
use crate::model::{ProjectState, StoreState};
use crate::retention::{forecast, next_run};

/// How long the last figure is that of today.
const DAY: Duration = Duration::from_secs(86_400);

/// How the store stands and how it will.
pub async fn show(app: &App, identity: &Identity) -> Result<StoreState> {
    may_read(app, identity).await?;
    let (config, db, now) = (app.config(), app.db.lane(Lane::Pages), app.clock.now());
    let read = move |conn: &mut Conn| state(conn, now, &config);
    Ok(db.read("retention.show", read).await?)
}

fn state(conn: &mut Conn, now: Time, config: &Config) -> DbResult<StoreState> {
    let collecting = &config.master.collecting;
    let mut points = figures::points(conn)?;
    let (bytes, _) = figures::used(conn, "")?;
    // What was counted today is some hours old.
    if let Some(last) = points.last_mut().filter(|last| now.since(last.at) < DAY) {
        last.bytes = bytes;
    }
    let limit = collecting
        .quota
        .map(|quota| i64::try_from(quota).unwrap_or(i64::MAX));
    let fact = settings::value;
    let last_run = fact(conn, LAST_RUN)?
        .and_then(|text| text.parse().ok())
        .map(Time);
    let mut projects: Vec<ProjectState> = figures::of_projects(conn)?
        .into_iter()
        .map(|(project, bytes)| ProjectState {
            quota: config
                .projects
                .get(&project)
                .and_then(|project| project.quota),
            project,
            bytes,
        })
        .collect();
    for (name, project) in &config.projects {
        if project.quota.is_some() && projects.iter().all(|known| known.project != *name) {
            projects.push(ProjectState {
                project: name.clone(),
                bytes: 0,
                quota: project.quota,
            });
        }
    }
    let scrubbed = fact(conn, SCRUBBED)?.unwrap_or_default();
    Ok(StoreState {
        bytes,
        quota: collecting.quota,
        forecast: forecast(&points, limit),
        points,
        projects,
        corrupt: figures::corrupt(conn)?,
        trash_bytes: figures::trash_bytes(conn)?,
        next_run: collecting
            .collect
            .zip(last_run)
            .map(|(when, last)| next_run(when, last)),
        last_run,
        applies: collecting.applies,
        problem: fact(conn, PROBLEM)?.filter(|problem| !problem.is_empty()),
        // Files are read in the order of their hashes: the first two digits say how far it is.
        scrub: match scrubbed
            .get(..2)
            .map(|digits| u32::from_str_radix(digits, 16))
        {
            Some(Ok(place)) => format!("{} %", place * 100 / 256),
            _ => String::new(),
        },
    })
}

/// Has every stored file read now, to see whether it is right.
pub async fn scrub(app: &App, identity: &Identity) -> Result<()> {
    let deed = Deed::begin(app, identity, "store.scrub", ("store", String::new())).await?;
    let work = move |conn: &mut Conn| {
        settings::put(conn, SCRUB_NOW, "yes")?;
        Ok(Came::Done((), 0))
    };
    deed.perform(app, String::new(), work).await?;
    app.bells.collector.notify_one();
    Ok(())
}
