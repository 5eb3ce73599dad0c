//! Applying a plan: each product goes by one statement that holds its row version and every root,
//! so whoever kept, labelled or released it in between wins.

use diesel::prelude::*;

use super::{plans, roots, scan};
use crate::clock::Time;
use crate::db::events::{self, NewEvent};
use crate::db::schema::{products, retention_items as items, retention_plans as rows};
use crate::db::{Conn, DbError, DbResult};
use crate::failpoints;
use crate::ids::{PlanId, ProductId};
use crate::model::{Plan, PlanState, ProductState};
use crate::retention::{Policies, Terms};

/// Products per transaction: a few milliseconds, so that others' writes hardly wait.
const BATCH_MAX: i64 = 50;

/// What a piece of a plan came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Products collected.
    pub expired: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Products that were left.
    pub skipped: i64,
    /// The last product looked at; none when there was none left.
    pub last: Option<ProductId>,
    /// Number of the newest event.
    pub event: i64,
}

/// Why a product was not collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the trash now.
    Expired,
    /// It stays, for this reason.
    Stays(String),
}

/// Lets a plan be applied, and returns it.
///
/// Errors: [`DbError::Changed`] when it is not one that waits to be applied, or was made by other
/// policies; the latter makes it stale, so commit this.
pub fn start(
    conn: &mut Conn,
    now: Time,
    id: PlanId,
    who: &str,
    policies: &Policies,
) -> DbResult<Plan> {
    let plan = plans::find(conn, id)?;
    if plan.state == PlanState::Planned && plan.policies_sha256 != policies.sha256() {
        diesel::update(rows::table.find(id.0))
            .set((
                rows::state.eq(PlanState::Stale.as_str()),
                rows::state_text.eq("the policies were changed after it was made"),
            ))
            .execute(conn)?;
        return plans::find(conn, id);
    }
    let started = diesel::update(rows::table.find(id.0))
        .filter(rows::state.eq(PlanState::Planned.as_str()))
        .set((
            rows::state.eq(PlanState::Applying.as_str()),
            rows::state_text.eq(""),
            rows::applied_by.eq(who),
            rows::applied_at.eq(now.0),
        ))
        .execute(conn)?;
    match started {
        1 => plans::find(conn, id),
        _ => Err(DbError::Changed),
    }
}

/// Collects the next products of a plan that is being applied, after `after`.
pub fn batch(
    conn: &mut Conn,
    now: Time,
    plan: PlanId,
    policies: &Policies,
    after: ProductId,
) -> DbResult<Batch> {
    let mut done = Batch::default();
    if plans::find(conn, plan)?.state != PlanState::Applying {
        return Ok(done);
    }
    let next: Vec<(i64, i64, i64, String, String)> = items::table
        .filter(items::plan_id.eq(plan.0))
        .filter(items::product_id.gt(after.0))
        .filter(items::result.eq("planned"))
        .order(items::product_id)
        .limit(BATCH_MAX)
        .select((
            items::product_id,
            items::row_version,
            items::bytes,
            items::policy,
            items::rule,
        ))
        .load(conn)?;
    for (product, row_version, bytes, policy, rule) in next {
        let id = ProductId(product);
        let reason = format!("{policy}: {rule}");
        let outcome = expire(conn, now, id, row_version, policies, &reason)?;
        failpoints::reach("expire.row");
        let (result, text) = match outcome {
            Outcome::Expired => {
                done.event = announce(conn, now, "product.expired", id, Some(plan), &reason)?;
                done.expired += 1;
                done.bytes += bytes;
                ("expired", String::new())
            }
            Outcome::Stays(text) => {
                done.skipped += 1;
                ("skipped", text)
            }
        };
        diesel::update(items::table.find((plan.0, product)))
            .set((items::result.eq(result), items::result_text.eq(text)))
            .execute(conn)?;
        done.last = Some(id);
    }
    failpoints::reach("expire.before-commit");
    Ok(done)
}

/// Ends the application of a plan and returns how many products went, their bytes, and how many
/// were left.
pub fn finish(conn: &mut Conn, plan: PlanId) -> DbResult<(i64, i64, i64)> {
    let of = |result: &'static str| {
        items::table
            .filter(items::plan_id.eq(plan.0))
            .filter(items::result.eq(result))
    };
    let expired: i64 = of("expired").count().get_result(conn)?;
    let skipped: i64 = of("skipped").count().get_result(conn)?;
    let bytes: Option<i64> = of("expired")
        .select(diesel::dsl::sql::<
            diesel::sql_types::Nullable<diesel::sql_types::BigInt>,
        >("CAST(SUM(bytes) AS BIGINT)"))
        .first(conn)?;
    let bytes = bytes.unwrap_or(0);
    let text = format!("{expired} collected, {skipped} left because something had changed");
    diesel::update(rows::table.find(plan.0))
        .filter(rows::state.eq(PlanState::Applying.as_str()))
        .set((
            rows::state.eq(PlanState::Applied.as_str()),
            rows::state_text.eq(text),
        ))
        .execute(conn)?;
    Ok((expired, bytes, skipped))
}

/// Puts one product into the trash if it still has `row_version` and nothing protects it.
pub fn expire(
    conn: &mut Conn,
    now: Time,
    id: ProductId,
    row_version: i64,
    policies: &Policies,
    reason: &str,
) -> DbResult<Outcome> {
    let branch: i64 = products::table
        .find(id.0)
        .select(products::branch_id)
        .first(conn)?;
    let branch = scan::branch(conn, branch)?;
    let terms = policies.terms(&branch.project, &branch.name);
    let living = branch.is_living(terms.as_ref(), now);
    if terms.is_none() {
        let text = "no [retention.NAME] is about its project and branch";
        return Ok(Outcome::Stays(text.to_owned()));
    }
    let root = roots::is_root(now, terms.as_ref(), living);
    let states: Vec<String> = ProductState::ALL
        .iter()
        .filter(|state| state.may_become(ProductState::Expired))
        .map(|state| format!("'{state}'"))
        .collect();
    let text = format!(
        "UPDATE products AS p SET expired_from = state, state = 'expired', expired_at = {}, \
         state_reason = '{}', row_version = row_version + 1 WHERE p.id = {id} \
         AND p.row_version = {row_version} AND p.state IN ({}) AND NOT {root}",
        now.0,
        reason.replace('\'', "''"),
        states.join(", ")
    );
    match diesel::sql_query(text).execute(conn)? {
        0 => Ok(Outcome::Stays(why_left(
            conn,
            now,
            id,
            row_version,
            terms.as_ref(),
        )?)),
        _ => Ok(Outcome::Expired),
    }
}

/// What had changed.
fn why_left(
    conn: &mut Conn,
    now: Time,
    id: ProductId,
    row_version: i64,
    terms: Option<&Terms>,
) -> DbResult<String> {
    let (version, state): (i64, String) = products::table
        .find(id.0)
        .select((products::row_version, products::state))
        .first(conn)?;
    if matches!(state.as_str(), "expired" | "deleted") {
        return Ok(format!("it is {state} already"));
    }
    let seen = scan::page(conn, now, None, Some(id))?;
    let words = seen.first().map(|seen| seen.facts.references.words(terms));
    let words = words.unwrap_or_default();
    Ok(match (words.is_empty(), version == row_version) {
        (false, _) => words.join("; "),
        (true, false) => "it was changed after the plan was made".to_owned(),
        (true, true) => "it is among the newest of its branch and target".to_owned(),
    })
}

/// Appends the event of a product's way out or back, and returns its number.
pub(super) fn announce(
    conn: &mut Conn,
    now: Time,
    kind: &'static str,
    product: ProductId,
    plan: Option<PlanId>,
    reason: &str,
) -> DbResult<i64> {
    let event = NewEvent {
        kind,
        product: Some(product),
        detail: serde_json::json!({ "plan": plan, "reason": reason }).to_string(),
        ..NewEvent::default()
    };
    events::append(conn, now, &event)
}

/// Collects one product that somebody wants gone; the same conditions hold as for a plan.
pub fn expire_one(
    conn: &mut Conn,
    now: Time,
    id: ProductId,
    row_version: i64,
    policies: &Policies,
    reason: &str,
) -> DbResult<(Outcome, i64)> {
    let outcome = expire(conn, now, id, row_version, policies, reason)?;
    let seq = match outcome {
        Outcome::Expired => announce(conn, now, "product.expired", id, None, reason)?,
        Outcome::Stays(_) => 0,
    };
    Ok((outcome, seq))
}
