//! Stored plans: what would go and why, and what branches would offer after it.

use diesel::prelude::*;

use crate::clock::Time;
use crate::db::conn::per_engine;
use crate::db::schema::{
    branches, products, projects, retention_items as items, retention_latest as latest,
    retention_plans as plans,
};
use crate::db::{Conn, DbError, DbResult};
use crate::ids::{PlanId, ProductId};
use crate::model::{PAGE_ROWS_MAX, Plan, PlanItem, PlanLatest, PlanState};

/// Plans whose items stay: far more than anybody looks back.
const PLANS_KEPT: i64 = 50;
/// Items of old plans removed at a time, so that no transaction holds up others.
const PRUNED_MAX: i64 = 5_000;

/// An item to store.
#[derive(Debug, Clone)]
pub struct NewItem {
    /// The product.
    pub product: ProductId,
    /// Its row version when it was judged.
    pub row_version: i64,
    /// Names of the policies.
    pub policy: String,
    /// The rule by which it goes.
    pub rule: String,
    /// Its bytes.
    pub bytes: i64,
}

/// What a branch offers for a target before and after a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLatest {
    /// Id of the branch.
    pub branch: i64,
    /// Target.
    pub target: String,
    /// Before.
    pub before: Option<ProductId>,
    /// After.
    pub after: Option<ProductId>,
}

/// Begins a plan. Until [`finish`] it is stale, so one that was not finished is never applied.
pub fn begin(conn: &mut Conn, now: Time, policies_sha256: &str, who: &str) -> DbResult<PlanId> {
    let id: i64 = diesel::insert_into(plans::table)
        .values((
            plans::state.eq(PlanState::Stale.as_str()),
            plans::state_text.eq("it was not finished"),
            plans::policies_sha256.eq(policies_sha256),
            plans::products_total.eq(0),
            plans::bytes_total.eq(0),
            plans::created_by.eq(who),
            plans::created_at.eq(now.0),
        ))
        .returning(plans::id)
        .get_result(conn)?;
    Ok(PlanId(id))
}

/// Adds items; at most some hundred at a time.
pub fn add(conn: &mut Conn, plan: PlanId, new: &[NewItem]) -> DbResult<()> {
    let row = |item: &NewItem| {
        (
            items::plan_id.eq(plan.0),
            items::product_id.eq(item.product.0),
            items::row_version.eq(item.row_version),
            items::policy.eq(item.policy.clone()),
            items::rule.eq(item.rule.clone()),
            items::bytes.eq(item.bytes),
            items::result.eq("planned"),
            items::result_text.eq(""),
        )
    };
    let rows: Vec<_> = new.iter().map(row).collect();
    per_engine!(conn, inner => diesel::insert_into(items::table).values(&rows).execute(inner))?;
    Ok(())
}

/// Adds what changes for a branch and target.
pub fn add_latest(conn: &mut Conn, plan: PlanId, new: &NewLatest) -> DbResult<()> {
    diesel::insert_into(latest::table)
        .values((
            latest::plan_id.eq(plan.0),
            latest::branch_id.eq(new.branch),
            latest::target.eq(&new.target),
            latest::before_product_id.eq(new.before.map(|id| id.0)),
            latest::after_product_id.eq(new.after.map(|id| id.0)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends the making of a plan.
pub fn finish(
    conn: &mut Conn,
    plan: PlanId,
    state: PlanState,
    text: &str,
    (products, bytes): (i64, i64),
) -> DbResult<()> {
    diesel::update(plans::table.find(plan.0))
        .set((
            plans::state.eq(state.as_str()),
            plans::state_text.eq(text),
            plans::products_total.eq(products),
            plans::bytes_total.eq(bytes),
        ))
        .execute(conn)?;
    Ok(())
}

/// Removes a piece of the items of plans long past; returns how many.
pub fn prune(conn: &mut Conn) -> DbResult<usize> {
    let oldest: Option<i64> = plans::table
        .order(plans::id.desc())
        .offset(PLANS_KEPT)
        .select(plans::id)
        .first(conn)
        .optional()?;
    let Some(oldest) = oldest else {
        return Ok(0);
    };
    let old: Vec<(i64, i64)> = items::table
        .filter(items::plan_id.le(oldest))
        .order((items::plan_id, items::product_id))
        .limit(PRUNED_MAX)
        .select((items::plan_id, items::product_id))
        .load(conn)?;
    let (Some(first), Some(last)) = (old.first(), old.last()) else {
        diesel::delete(latest::table.filter(latest::plan_id.le(oldest))).execute(conn)?;
        return Ok(diesel::delete(
            plans::table
                .filter(plans::id.le(oldest))
                .filter(plans::state.ne(PlanState::Applying.as_str())),
        )
        .execute(conn)?);
    };
    let piece = items::table.filter(items::plan_id.eq(first.0));
    let removed = match first.0 == last.0 {
        true => diesel::delete(piece.filter(items::product_id.le(last.1))).execute(conn)?,
        false => diesel::delete(piece).execute(conn)?,
    };
    Ok(removed)
}

type Row = (
    i64,
    String,
    String,
    i64,
    i64,
    String,
    i64,
    Option<String>,
    Option<i64>,
    String,
);

const COLUMNS: (
    plans::id,
    plans::state,
    plans::state_text,
    plans::products_total,
    plans::bytes_total,
    plans::created_by,
    plans::created_at,
    plans::applied_by,
    plans::applied_at,
    plans::policies_sha256,
) = (
    plans::id,
    plans::state,
    plans::state_text,
    plans::products_total,
    plans::bytes_total,
    plans::created_by,
    plans::created_at,
    plans::applied_by,
    plans::applied_at,
    plans::policies_sha256,
);

/// The plan of this id.
pub fn find(conn: &mut Conn, id: PlanId) -> DbResult<Plan> {
    let row: Row = plans::table.find(id.0).select(COLUMNS).first(conn)?;
    Ok(plan(row))
}

/// The plans before `before`, the newest first, a page and one more.
pub fn list(conn: &mut Conn, before: Option<PlanId>) -> DbResult<Vec<Plan>> {
    let rows: Vec<Row> = plans::table
        .filter(plans::id.lt(before.map_or(i64::MAX, |id| id.0)))
        .order(plans::id.desc())
        .limit(PAGE_ROWS_MAX as i64 + 1)
        .select(COLUMNS)
        .load(conn)?;
    Ok(rows.into_iter().map(plan).collect())
}

/// The oldest plan that is being applied.
pub fn applying(conn: &mut Conn) -> DbResult<Option<PlanId>> {
    let id: Option<i64> = plans::table
        .filter(plans::state.eq(PlanState::Applying.as_str()))
        .order(plans::id)
        .select(plans::id)
        .first(conn)
        .optional()?;
    Ok(id.map(PlanId))
}

fn plan(row: Row) -> Plan {
    let (id, state, text, products, bytes, created_by, created_at, applied_by, applied_at, sha) =
        row;
    Plan {
        id: PlanId(id),
        state: state.parse().unwrap_or(PlanState::Stale),
        state_text: text,
        products_total: products,
        bytes_total: bytes,
        created_by,
        created_at: Time(created_at),
        applied_by,
        applied_at: applied_at.map(Time),
        policies_sha256: sha,
    }
}

/// The items of a plan by product, those before `before`, a page and one more.
pub fn items_of(
    conn: &mut Conn,
    plan: PlanId,
    before: Option<ProductId>,
) -> DbResult<Vec<PlanItem>> {
    type ItemRow = (
        i64,
        String,
        String,
        String,
        String,
        String,
        i64,
        String,
        String,
    );
    let rows: Vec<ItemRow> = items::table
        .inner_join(products::table)
        .inner_join(projects::table.on(projects::id.eq(products::project_id)))
        .inner_join(branches::table.on(branches::id.eq(products::branch_id)))
        .filter(items::plan_id.eq(plan.0))
        .filter(items::product_id.lt(before.map_or(i64::MAX, |id| id.0)))
        .order(items::product_id.desc())
        .limit(PAGE_ROWS_MAX as i64 + 1)
        .select((
            items::product_id,
            projects::name,
            branches::name,
            products::target,
            products::version,
            items::rule,
            items::bytes,
            items::result,
            items::result_text,
        ))
        .load(conn)?;
    let item = |row: ItemRow| PlanItem {
        product: ProductId(row.0),
        project: row.1,
        branch: row.2,
        target: row.3,
        version: row.4,
        rule: row.5,
        bytes: row.6,
        result: row.7,
        result_text: row.8,
    };
    Ok(rows.into_iter().map(item).collect())
}

/// What branches offer before and after a plan, where it is not the same; at most two pages' worth.
pub fn latest_of(conn: &mut Conn, plan: PlanId) -> DbResult<Vec<PlanLatest>> {
    type LatestRow = (String, String, String, Option<i64>, Option<i64>);
    let rows: Vec<LatestRow> = latest::table
        .inner_join(branches::table.on(branches::id.eq(latest::branch_id)))
        .inner_join(projects::table.on(projects::id.eq(branches::project_id)))
        .filter(latest::plan_id.eq(plan.0))
        .order((projects::name, branches::name, latest::target))
        .limit(2 * PAGE_ROWS_MAX as i64)
        .select((
            projects::name,
            branches::name,
            latest::target,
            latest::before_product_id,
            latest::after_product_id,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(project, branch, target, before, after)| {
            Ok(PlanLatest {
                project,
                branch,
                target,
                before: before.map(|id| version(conn, id)).transpose()?,
                after: after.map(|id| version(conn, id)).transpose()?,
            })
        })
        .collect()
}

fn version(conn: &mut Conn, id: i64) -> DbResult<String> {
    products::table
        .find(id)
        .select(products::version)
        .first(conn)
        .map_err(DbError::from)
}
