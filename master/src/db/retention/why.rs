//! Why one product is kept: every reason, with who and what stands behind it.

use diesel::prelude::*;

use super::scan;
use crate::clock::Time;
use crate::db::releases::last_ended;
use crate::db::schema::{labels, products, releases};
use crate::db::{Conn, DbResult, holds};
use crate::ids::{BranchId, ProductId};
use crate::model::{ProductState, WhyKept};
use crate::retention::{Policies, Reasons, Walk};

/// Products of one branch and target that are walked over to find a place; behind that many it is
/// not among the newest of any sensible policy.
const GROUP_MAX: i64 = 100_000;
/// Labels or releases that are named.
const NAMED_MAX: i64 = 20;

/// Why a product is kept. Errors: [`crate::db::DbError::NotFound`].
pub fn why(conn: &mut Conn, now: Time, policies: &Policies, id: ProductId) -> DbResult<WhyKept> {
    let (branch, state, expired_at, reason): (i64, String, Option<i64>, String) = products::table
        .find(id.0)
        .select((
            products::branch_id,
            products::state,
            products::expired_at,
            products::state_reason,
        ))
        .first(conn)?;
    let branch = scan::branch(conn, branch)?;
    let terms = policies.terms(&branch.project, &branch.name);
    let policy = terms
        .as_ref()
        .map_or_else(String::new, |terms| terms.policy.clone());
    let is_trashed = state == ProductState::Expired.as_str();
    if is_trashed || state == ProductState::Deleted.as_str() {
        let end = terms.map(|terms| Time(expired_at.unwrap_or(0)).after(terms.trash));
        let fate = match end.filter(|_| is_trashed) {
            Some(end) => format!("it is in the trash until {} ({reason})", end.minute()),
            None if is_trashed => format!("it is in the trash ({reason})"),
            None => "it was collected; only this record is left".to_owned(),
        };
        return Ok(WhyKept {
            product: id,
            policy,
            reasons: Vec::new(),
            fate,
        });
    }
    let mut walk = Walk::new(terms.clone(), &branch, now, 1);
    let damaged = scan::damaged(conn)?;
    let mut found = None;
    for mut seen in scan::group_of(conn, now, id, GROUP_MAX)? {
        seen.facts.is_complete &= damaged.binary_search(&seen.facts.id.0).is_err();
        seen.facts.has_block_map =
            walk.asks_for_block_map() && scan::has_block_map(conn, seen.facts.id)?;
        let judged = walk.judge(&seen.facts);
        if seen.facts.id == id {
            found = Some(judged);
        }
    }
    let (all, rule) = found.map_or((Reasons::NONE, String::new()), |judged| {
        (judged.reasons, judged.rule)
    });
    let mut reasons = named(conn, now, id)?;
    // Those are told by name already.
    let told = Reasons::HELD
        .and(Reasons::LABELLED)
        .and(Reasons::IN_RELEASE)
        .and(Reasons::FALLBACK)
        .and(Reasons::TAKEN_BACK);
    reasons.extend(Reasons(all.0 & !told.0).words(terms.as_ref()));
    let fate = match all.is_empty() {
        true => format!("the next collection lets it go: {rule}"),
        false => "it stays".to_owned(),
    };
    Ok(WhyKept {
        product: id,
        policy,
        reasons,
        fate,
    })
}

/// Holds, labels and releases by name.
fn named(conn: &mut Conn, now: Time, id: ProductId) -> DbResult<Vec<String>> {
    let mut told = Vec::new();
    for hold in holds::of_product(conn, id)? {
        if hold.is_live(now) {
            let end = hold
                .until
                .map_or_else(String::new, |end| format!(" until {}", end.minute()));
            let (owner, since) = (&hold.owner, hold.created_at.minute());
            told.push(format!(
                "{owner} keeps it since {since}{end}: {}",
                hold.reason
            ));
        }
    }
    let names: Vec<String> = labels::table
        .filter(labels::product_id.eq(id.0))
        .order(labels::label)
        .limit(NAMED_MAX)
        .select(labels::label)
        .load(conn)?;
    told.extend(
        names
            .iter()
            .map(|name| format!("the label {name} points at it")),
    );
    let states = ["draft", "scheduled", "live", "paused"];
    type Row = (i64, String, i64, Option<i64>, Option<i64>, bool);
    let rows: Vec<Row> = releases::table
        .filter(
            releases::product_id
                .eq(id.0)
                .or(releases::fallback_product_id
                    .eq(id.0)
                    .or(releases::rollback_of_product_id.eq(id.0))
                    .assume_not_null()),
        )
        .order(releases::id.desc())
        .limit(NAMED_MAX)
        .select((
            releases::id,
            releases::state,
            releases::product_id,
            releases::fallback_product_id,
            releases::rollback_of_product_id,
            releases::watershed,
        ))
        .load(conn)?;
    for (release, state, product, fallback, taken_back, watershed) in rows {
        let is_offering = states.contains(&state.as_str());
        let has_ended = matches!(state.as_str(), "withdrawn" | "rolled-back");
        if fallback == Some(id.0) && has_ended && is_last_ended(conn, id, release)? {
            told.push(format!(
                "release {release} ({state}) was taken back last and falls back to it"
            ));
        }
        if product == id.0 && is_offering {
            told.push(format!("release {release} ({state}) offers it"));
        } else if product == id.0 && watershed && state == "superseded" {
            told.push(format!("all must pass through it (release {release})"));
        }
        if fallback == Some(id.0) && is_offering {
            told.push(format!("release {release} ({state}) falls back to it"));
        }
        if taken_back == Some(id.0) && is_offering {
            told.push(format!("release {release} ({state}) takes it back"));
        }
    }
    Ok(told)
}

/// Whether this release, which falls back to `id`, is the last that was taken back.
fn is_last_ended(conn: &mut Conn, id: ProductId, release: i64) -> DbResult<bool> {
    let (branch, target): (i64, String) = products::table
        .find(id.0)
        .select((products::branch_id, products::target))
        .first(conn)?;
    let last = last_ended(conn, BranchId(branch), &target)?;
    Ok(last.is_some_and(|(last, _)| last.0 == release))
}
