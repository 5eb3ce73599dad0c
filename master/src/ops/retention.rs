//! Collecting: plans, the trash, why a product is kept, how the store stands, and whether there is
//! room for more.

use std::sync::Arc;

use super::audit::{Attempt, authorise};
use super::products::not_found;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::collector::{self, LAST_RUN, PROBLEM, Planned, SCRUB_NOW, SCRUBBED, Way};
use crate::config::Config;
use crate::db::outbox::{Report, last_report, queue_report};
use crate::db::retention::apply::Outcome;
use crate::db::retention::{apply as rows, figures, plans, trash, why};
use crate::db::{Conn, DbError, DbResult, Lane, audit, products, settings, sight};
use crate::error::{Error, Result};
use crate::ids::{PlanId, ProductId};
use crate::model::{
    AuditOutcome, Page, Plan, PlanDetail, PlanItem, PlanState, ProjectState, StoreState, Trashed,
    WhyKept,
};
use crate::retention::{Policies, forecast, next_run};

mod policies;

pub use policies::policies;

/// Longest reason, as of a hold.
const REASON_CHARS_MAX: usize = 1_000;
/// How long the last figure is that of today.
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
/// Between two mails about one quota: whoever frees space needs a while.
const FULL_AGAIN_US: i64 = 86_400_000_000;

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

/// The plans before `before`, the newest first.
pub async fn list(
    app: &App,
    identity: &Identity,
    before: Option<PlanId>,
) -> Result<Page<Plan, PlanId>> {
    may_read(app, identity).await?;
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| plans::list(conn, before);
    let rows = db.read("retention.list", read).await?;
    Ok(Page::of(rows, |plan| plan.id))
}

/// One plan.
pub async fn plan(app: &App, identity: &Identity, id: PlanId) -> Result<PlanDetail> {
    may_read(app, identity).await?;
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| {
        Ok(PlanDetail {
            plan: plans::find(conn, id)?,
            latest: plans::latest_of(conn, id)?,
        })
    };
    db.read("retention.plan", read)
        .await
        .map_err(|error| no_plan(error, id))
}

/// The products of a plan, those before `before`.
pub async fn items(
    app: &App,
    identity: &Identity,
    id: PlanId,
    before: Option<ProductId>,
) -> Result<Page<PlanItem, ProductId>> {
    may_read(app, identity).await?;
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| {
        plans::find(conn, id)?;
        plans::items_of(conn, id, before)
    };
    let rows = db.read("retention.items", read).await;
    let rows = rows.map_err(|error| no_plan(error, id))?;
    Ok(Page::of(rows, |item| item.product))
}

fn no_plan(error: DbError, id: PlanId) -> Error {
    match error {
        DbError::NotFound => Error::NotFound(format!("there is no plan {id}")),
        other => other.into(),
    }
}

/// Finds out what may go: stored as a plan, or as a dry run that writes nothing but its audit row.
///
/// Errors: `Conflict` when no policy is configured or one cannot be used.
pub async fn make(app: &App, identity: &Identity, dry: bool) -> Result<Planned> {
    let attempt = Attempt {
        action: "retention.plan",
        object_kind: "plan",
        object_id: "",
    };
    authorise(app, identity, Permission::Collect, attempt).await?;
    let (policies, config) = (Arc::new(usable(app)?), app.config());
    if policies.is_empty() {
        let text = "no [retention.NAME] is configured: everything is kept";
        return Err(Error::Conflict(text.to_owned()));
    }
    let (now, who) = (app.clock.now(), identity.name().to_owned());
    let way = match dry {
        true => Way::Dry,
        false => Way::Stored(who.clone()),
    };
    let db = app.db.lane(Lane::Engine);
    let planned = match collector::plan(&db, now, policies, &config, way).await {
        Err(DbError::Open(problem)) => return Err(Error::Conflict(problem)),
        planned => planned?,
    };
    if let Some(id) = planned.plan {
        let detail = format!("{} products", planned.products_total);
        let note = move |conn: &mut Conn| {
            let (done, id) = (AuditOutcome::Done, id.to_string());
            audit::append(
                conn,
                now,
                &who,
                "retention.plan",
                "plan",
                &id,
                done,
                &detail,
            )
        };
        app.db.tx("retention.made", note).await?;
    }
    Ok(planned)
}

/// Whoever may read; where a project is private only those who have said who they are, since plans
/// and the trash name products of all projects.
///
/// A project that left the configuration stays private, so the database says.
async fn may_read(app: &App, identity: &Identity) -> Result<()> {
    identity.require(Permission::Read)?;
    let (db, of) = (app.db.lane(Lane::Pages), identity.sight());
    let hidden = move |conn: &mut Conn| sight::hidden(conn, of);
    match db.read("retention.hidden", hidden).await?.is_empty() {
        true => Ok(()),
        false => Err(Error::Unauthenticated(Permission::Read.as_str())),
    }
}

/// The policies in force. An error in any of them collects nothing.
fn usable(app: &App) -> Result<Policies> {
    Policies::new(&app.config().retention)
        .map_err(|error| Error::Conflict(format!("nothing is collected: {error}")))
}

/// Has a plan applied; the collector does it, at once where one runs.
///
/// Errors: `NotFound`; `Conflict` when it does not wait to be applied, or the policies were changed
/// since it was made.
pub async fn apply(app: &App, identity: &Identity, id: PlanId) -> Result<Plan> {
    let object_id = id.to_string();
    let attempt = Attempt {
        action: "retention.apply",
        object_kind: "plan",
        object_id: &object_id,
    };
    authorise(app, identity, Permission::Collect, attempt).await?;
    let (policies, now) = (usable(app)?, app.clock.now());
    let who = identity.name().to_owned();
    let work = move |conn: &mut Conn| {
        let plan = rows::start(conn, now, id, &who, &policies)?;
        if plan.state == PlanState::Applying {
            let (done, id) = (AuditOutcome::Done, id.to_string());
            audit::append(conn, now, &who, "retention.apply", "plan", &id, done, "")?;
        }
        Ok(plan)
    };
    let started = app.db.tx("retention.apply", work).await;
    let plan = started.map_err(|error| match error {
        DbError::Changed => Error::Conflict(format!(
            "plan {id} does not wait to be applied: look at it, or make another"
        )),
        other => no_plan(other, id),
    })?;
    if plan.state == PlanState::Stale {
        return Err(Error::Conflict(format!(
            "plan {id} cannot be applied: {}",
            plan.state_text
        )));
    }
    app.bells.collector.notify_one();
    Ok(plan)
}

/// Applies plans that wait for it in this process, for commands where no master runs.
pub async fn apply_here(app: &App, identity: &Identity, id: PlanId) -> Result<Plan> {
    identity.require(Permission::Collect)?;
    collector::apply(&app.db, &app.clock, &usable(app)?, id).await?;
    Ok(plan(app, identity, id).await?.plan)
}

/// What is in the trash, products before `before`.
pub async fn in_trash(
    app: &App,
    identity: &Identity,
    before: Option<ProductId>,
) -> Result<Page<Trashed, ProductId>> {
    may_read(app, identity).await?;
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| trash::list(conn, before);
    let rows = db.read("retention.trash", read).await?;
    Ok(Page::of(rows, |trashed| trashed.product))
}

/// Takes a product out of the trash; `row_version` is what the asker saw, if they say it.
///
/// Errors: `BadInput` for `reason`, `NotFound`, `Conflict` when it is not in the trash, was changed
/// in between, or its files are not all there.
pub async fn restore(
    app: &App,
    identity: &Identity,
    id: ProductId,
    row_version: Option<i64>,
    reason: &str,
) -> Result<()> {
    let object_id = id.to_string();
    let attempt = Attempt {
        action: "product.restore",
        object_kind: "product",
        object_id: &object_id,
    };
    authorise(app, identity, Permission::Collect, attempt).await?;
    let (reason, now) = (checked(reason)?, app.clock.now());
    let who = identity.name().to_owned();
    let work = move |conn: &mut Conn| {
        let version = row_version.map_or_else(|| products::row_version(conn, id), Ok)?;
        let seq = trash::restore(conn, now, id, version, &reason)?;
        let (done, id) = (AuditOutcome::Done, id.to_string());
        audit::append(
            conn,
            now,
            &who,
            "product.restore",
            "product",
            &id,
            done,
            &reason,
        )?;
        Ok(seq)
    };
    let seq = app.db.tx("retention.restore", work).await;
    let seq = seq.map_err(|error| match error {
        DbError::Changed => Error::Conflict(format!(
            "product {id} cannot be restored: it is not in the trash as you saw it, or not all of \
             its files are there"
        )),
        other => not_found(other, id),
    })?;
    raise(app, seq);
    Ok(())
}

/// Puts one product into the trash. The same holds for it as for a plan: nothing that is protected
/// goes.
///
/// Errors: `BadInput` for `reason`, `NotFound`, `Conflict` with what protects it.
pub async fn collect(
    app: &App,
    identity: &Identity,
    id: ProductId,
    row_version: Option<i64>,
    reason: &str,
) -> Result<()> {
    let object_id = id.to_string();
    let attempt = Attempt {
        action: "product.collect",
        object_kind: "product",
        object_id: &object_id,
    };
    authorise(app, identity, Permission::Collect, attempt).await?;
    let (policies, now) = (usable(app)?, app.clock.now());
    let (reason, who) = (checked(reason)?, identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let version = row_version.map_or_else(|| products::row_version(conn, id), Ok)?;
        let why = format!("{who}: {reason}");
        let (outcome, seq) = rows::expire_one(conn, now, id, version, &policies, &why)?;
        if outcome == Outcome::Expired {
            let (done, id) = (AuditOutcome::Done, id.to_string());
            audit::append(
                conn,
                now,
                &who,
                "product.collect",
                "product",
                &id,
                done,
                &reason,
            )?;
        }
        Ok((outcome, seq))
    };
    let done = app.db.tx("retention.collect", work).await;
    match done.map_err(|error| not_found(error, id))? {
        (Outcome::Expired, seq) => {
            raise(app, seq);
            Ok(())
        }
        (Outcome::Stays(why), _) => Err(Error::Conflict(format!("product {id} stays: {why}"))),
    }
}

/// Why a product is kept, or that it is not.
pub async fn why(app: &App, identity: &Identity, id: ProductId) -> Result<WhyKept> {
    identity.require(Permission::Read)?;
    let (policies, now) = (usable(app)?, app.clock.now());
    let db = app.db.lane(Lane::Pages);
    if !identity.sees_private() {
        let find = move |conn: &mut Conn| products::view::find(conn, now, id);
        let product = db.read("retention.project", find).await;
        let product = product.map_err(|error| not_found(error, id))?;
        let admitted = super::privacy::admit(app, identity, &product.project, None).await;
        admitted.map_err(|_| not_found(DbError::NotFound, id))?;
    }
    db.read("retention.why", move |conn| {
        why::why(conn, now, &policies, id)
    })
    .await
    .map_err(|error| not_found(error, id))
}

/// Has every stored file read now, to see whether it is right.
pub async fn scrub(app: &App, identity: &Identity) -> Result<()> {
    let attempt = Attempt {
        action: "store.scrub",
        object_kind: "store",
        object_id: "",
    };
    authorise(app, identity, Permission::Collect, attempt).await?;
    let (now, who) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        settings::put(conn, SCRUB_NOW, "yes")?;
        audit::append(
            conn,
            now,
            &who,
            "store.scrub",
            "store",
            "",
            AuditOutcome::Done,
            "",
        )
    };
    app.db.tx("retention.scrub", work).await?;
    app.bells.collector.notify_one();
    Ok(())
}

/// Whether the quotas leave room for `bytes` more of a project. Where they do not, those who look
/// after the store get a mail, once a day for each quota.
///
/// Errors: `NoRoom`, which says whose quota is used up.
pub async fn has_room(app: &App, project: &str, bytes: u64) -> Result<()> {
    let config = app.config();
    let whole = config.master.collecting.quota;
    let own = config
        .projects
        .get(project)
        .and_then(|project| project.quota);
    if whole.is_none() && own.is_none() {
        return Ok(());
    }
    let name = project.to_owned();
    let read = move |conn: &mut Conn| figures::used(conn, &name);
    let (used, used_by_project) = app.db.read("retention.used", read).await?;
    let fits = |used: i64, quota: Option<u64>| {
        let used = u64::try_from(used).unwrap_or(0);
        quota.is_none_or(|quota| used.saturating_add(bytes) <= quota)
    };
    let (text, path) = if !fits(used_by_project, own) {
        let text = format!("the quota of the project {project} is used up");
        (text, format!("/retention?project={project}"))
    } else if !fits(used, whole) {
        (
            "the store's quota is used up".to_owned(),
            "/retention".to_owned(),
        )
    } else {
        return Ok(());
    };
    tell_full(app, &config, &text, path).await?;
    Err(Error::NoRoom(format!(
        "{text}: let go of products that are not needed, or raise `quota`"
    )))
}

async fn tell_full(app: &App, config: &Config, text: &str, path: String) -> Result<()> {
    let (now, receivers) = (app.clock.now(), collector::receivers(config));
    let report = Report {
        subject: format!("! {text}"),
        lines: vec![
            "Uploads are refused until there is room. Nothing that is protected was or will be \
             collected for it: lift holds, end releases, shorten the days, or raise the quota."
                .to_owned(),
        ],
        path,
    };
    let work = move |conn: &mut Conn| {
        let last = last_report(conn, "store.full", &report.path)?;
        if last.is_some_and(|last| now.0 - last.0 < FULL_AGAIN_US) {
            return Ok(0);
        }
        queue_report(conn, now, "store.full", None, &receivers, &report)
    };
    let seq = app.db.tx("retention.full", work).await?;
    app.bells.notifier.notify_one();
    raise(app, seq);
    Ok(())
}

fn checked(reason: &str) -> Result<String> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX || reason.contains('\0') {
        let text = format!("say why in 1 to {REASON_CHARS_MAX} characters");
        return Err(Error::bad_input("reason", text));
    }
    Ok(reason.to_owned())
}

fn raise(app: &App, seq: i64) {
    let raise = |newest: &mut i64| *newest = seq.max(*newest);
    app.bells.events.send_modify(raise);
}

#[cfg(test)]
mod tests;
