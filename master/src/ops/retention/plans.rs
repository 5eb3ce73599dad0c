//! Plans: made, looked at, applied.

use std::sync::Arc;

use super::deeds::{Came, Deed};
use super::{may_read, usable};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::collector::{self, Planned, Way};
use crate::db::retention::{apply as rows, plans};
use crate::db::{Conn, DbError, Lane};
use crate::error::{Error, Result};
use crate::ids::{PlanId, ProductId};
use crate::model::{Page, Plan, PlanDetail, PlanItem, PlanState};

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

/// Finds out what may go: stored as a plan, or as a dry run that writes nothing.
///
/// Errors: `Conflict` when no policy is configured or one cannot be used.
pub async fn make(app: &App, identity: &Identity, dry: bool) -> Result<Planned> {
    let mut deed = Deed::begin(app, identity, "retention.plan", ("plan", String::new())).await?;
    let (policies, config) = (Arc::new(usable(app)?), app.config());
    if policies.is_empty() {
        let text = "no [retention.NAME] is configured: everything is kept";
        return Err(Error::Conflict(text.to_owned()));
    }
    let way = match dry {
        true => Way::Dry,
        false => Way::Stored(deed.who().to_owned()),
    };
    let db = app.db.lane(Lane::Engine);
    let planned = match collector::plan(&db, deed.now(), policies, &config, way).await {
        Err(DbError::Open(problem)) => return Err(Error::Conflict(problem)),
        planned => planned?,
    };
    if let Some(id) = planned.plan {
        deed.object_id = id.to_string();
        let detail = format!("{} products", planned.products_total);
        deed.perform(app, detail, |_| Ok(Came::Done((), 0))).await?;
    }
    Ok(planned)
}

/// Has a plan applied; the collector does it, at once where one runs.
///
/// Errors: `NotFound`; `Conflict` when it does not wait to be applied, or the policies were changed
/// since it was made.
pub async fn apply(app: &App, identity: &Identity, id: PlanId) -> Result<Plan> {
    let deed = Deed::begin(app, identity, "retention.apply", ("plan", id.to_string())).await?;
    let (policies, now, who) = (usable(app)?, deed.now(), deed.who().to_owned());
    let work = move |conn: &mut Conn| {
        let plan = rows::start(conn, now, id, &who, &policies)?;
        Ok(match plan.state {
            PlanState::Applying => Came::Done(plan, 0),
            _ => Came::Nothing(plan),
        })
    };
    let started = deed.perform(app, String::new(), work).await;
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
