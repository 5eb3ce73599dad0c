//! Applying a plan, piece by piece; and making one when the timetable says so.

use crate::clock::{Clock, Time};
use crate::config;
use crate::db::outbox::Report;
use crate::db::retention::{apply as rows, plans};
use crate::db::{Conn, Db, DbError, DbResult};
use crate::failpoints;
use crate::ids::{PlanId, ProductId};
use crate::model::PlanState;
use crate::retention::{Policies, next_run};

use super::{LAST_RUN, PROBLEM, Parts, Planned, Way};

/// What came of a plan: products collected, their bytes, products that were left.
pub(crate) type Applied = (i64, i64, i64);

/// Applies a plan that is in the state `applying`, to its end. Called again after a crash it goes
/// on where it was. Other policies than those of the plan make it stale.
pub(crate) async fn apply(
    db: &Db,
    clock: &Clock,
    policies: &Policies,
    plan: PlanId,
) -> DbResult<Option<Applied>> {
    let read = move |conn: &mut Conn| plans::find(conn, plan);
    let row = db.read("retention.plan", read).await?;
    if row.state != PlanState::Applying {
        return Ok(None);
    }
    if row.policies_sha256 != policies.sha256() {
        let text = "the policies were changed while it was being applied";
        let totals = (row.products_total, row.bytes_total);
        let stop = move |conn: &mut Conn| plans::finish(conn, plan, PlanState::Stale, text, totals);
        db.tx("retention.stop", stop).await?;
        return Ok(None);
    }
    let mut after = ProductId(0);
    loop {
        let (now, policies) = (clock.now(), policies.clone());
        let piece = move |conn: &mut Conn| rows::batch(conn, now, plan, &policies, after);
        let done = db.tx("retention.batch", piece).await?;
        failpoints::reach("expire.after");
        match done.last {
            Some(last) => after = last,
            None => break,
        }
    }
    let finish = move |conn: &mut Conn| rows::finish(conn, plan);
    db.tx("retention.applied", finish).await.map(Some)
}

impl Parts {
    /// Applies what somebody asked for, and what a master before did not finish.
    pub(super) async fn apply_pending(&self) -> DbResult<()> {
        while let Some(plan) = self.db.read("retention.applying", plans::applying).await? {
            let Ok(policies) = self.policies() else {
                return Ok(());
            };
            if let Some(applied) = apply(&self.db, &self.clock, &policies, plan).await? {
                self.tell_applied(plan, applied).await?;
                self.drop_files_of_roles(&policies).await?;
            }
        }
        Ok(())
    }

    async fn tell_applied(&self, plan: PlanId, applied: Applied) -> DbResult<()> {
        let (expired, bytes, left) = applied;
        let mut lines = vec![format!(
            "{expired} products with {} were collected. They are in the trash and can be restored.",
            size(bytes)
        )];
        if left > 0 {
            lines.push(format!(
                "{left} were left, because something had changed since the plan."
            ));
        }
        let report = Report {
            subject: format!("{expired} products collected, {}", size(bytes)),
            lines,
            path: format!("/retention/plans/{plan}"),
        };
        self.tell("retention.applied", None, report).await
    }

    /// Makes a plan when the timetable says so, and has it applied where that is wanted.
    pub(super) async fn plan_when_due(&self) -> DbResult<()> {
        let config = self.config();
        let (Some(collect), false) = (
            config.master.collecting.collect,
            config.retention.is_empty(),
        ) else {
            return Ok(());
        };
        let now = self.clock.now();
        let last = self.fact(LAST_RUN).await?;
        let Some(last) = last.and_then(|text| text.parse().ok()).map(Time) else {
            // A master that never ran begins with the next moment of the timetable.
            return self.keep_fact(LAST_RUN, now.0.to_string()).await;
        };
        if next_run(collect, last) > now {
            return Ok(());
        }
        self.keep_fact(LAST_RUN, now.0.to_string()).await?;
        match self.trusted_policies().await {
            Ok(policies) => self.plan_and_apply(policies).await,
            Err(problem) => self.stop_collecting(problem).await,
        }
    }

    /// The policies in force, if the configuration file says the same and is without mistakes.
    pub(super) async fn trusted_policies(&self) -> Result<Policies, String> {
        let in_force = self.config();
        let file = in_force.file.clone();
        let written = tokio::task::spawn_blocking(move || config::load(&file)).await;
        let written = written.map_err(|error| error.to_string())?;
        let written = written.map_err(|errors| {
            let (file, count) = (in_force.file.display(), errors.count());
            format!("{file} has {count} mistakes: `windlass check` tells them")
        })?;
        if written.retention != in_force.retention {
            return Err("the policies in the file are not those in force: reload".to_owned());
        }
        Policies::new(&in_force.retention).map_err(|error| error.to_string())
    }

    async fn plan_and_apply(&self, policies: Policies) -> DbResult<()> {
        self.keep_fact(PROBLEM, String::new()).await?;
        let config = self.config();
        let (way, now) = (Way::Stored("collector".to_owned()), self.clock.now());
        let shared = std::sync::Arc::new(policies.clone());
        let planned = match super::plan(&self.db, now, shared, &config, way).await {
            Err(DbError::Open(problem)) => return self.stop_collecting(problem).await,
            planned => planned?,
        };
        let (Some(plan), true) = (planned.plan, planned.refused.is_empty()) else {
            return self.stop_collecting(planned.refused).await;
        };
        if !config.master.collecting.applies {
            return self.tell_planned(plan, &planned).await;
        }
        let who = "collector";
        let start = move |conn: &mut Conn| rows::start(conn, now, plan, who, &policies);
        self.db.tx("retention.start", start).await?;
        self.apply_pending().await
    }

    async fn tell_planned(&self, plan: PlanId, planned: &Planned) -> DbResult<()> {
        let (products, bytes) = (planned.products_total, size(planned.bytes_total));
        let report = Report {
            subject: format!("{products} products may be collected, {bytes}"),
            lines: vec!["Nothing was done. Look at the plan and apply it.".to_owned()],
            path: format!("/retention/plans/{plan}"),
        };
        self.tell("retention.planned", None, report).await
    }

    /// Collects nothing and says so, where people look and by mail.
    async fn stop_collecting(&self, problem: String) -> DbResult<()> {
        tracing::error!(problem, "nothing is collected");
        self.keep_fact(PROBLEM, problem.clone()).await?;
        let report = Report {
            subject: "Nothing is collected".to_owned(),
            lines: vec![problem],
            path: "/retention".to_owned(),
        };
        self.tell("retention.stopped", None, report).await
    }
}

/// Bytes as people read them.
pub(super) fn size(bytes: i64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1_000.0 {
            return match unit {
                "B" => format!("{bytes} B"),
                unit => format!("{value:.1} {unit}"),
            };
        }
        value /= 1_000.0;
    }
    format!("{value:.1} TB")
}
