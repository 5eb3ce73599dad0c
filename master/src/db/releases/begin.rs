//! The beginning of a release: what it must fulfil, and what it takes the place of.

use diesel::prelude::*;

use super::{find, last_ended, move_product, set_state};
use crate::clock::Time;
use crate::db::schema::releases;
use crate::db::{Conn, DbResult, products, signoffs};
use crate::ids::ReleaseId;
use crate::model::{ProductState, Release, ReleaseState, Verdict};

/// Why a release cannot begin, in words for the one who wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

/// Why `release` cannot begin now; `None` when it can.
pub fn refusal(conn: &mut Conn, release: &Release) -> DbResult<Option<Refusal>> {
    let refuse = |text: String| Ok(Some(Refusal(text)));
    if !release.state.may_become(ReleaseState::Live) || release.live_at.is_some() {
        return refuse(format!("release {} is {}", release.id, release.state));
    }
    let missing = signoffs::missing(conn, release)?;
    if !missing.is_empty() {
        let words = missing
            .iter()
            .map(|need| format!("{} of role {}", need.count, need.role));
        let words: Vec<String> = words.collect();
        return refuse(format!("sign-offs are missing: {}", words.join(", ")));
    }
    use ProductState::{Candidate, Recorded, Released, Superseded};
    let state = release.product_state;
    if !matches!(state, Recorded | Candidate | Released | Superseded) {
        return refuse(format!("product {} is {state}", release.product));
    }
    if release.verdict == Verdict::Bad && release.override_reason.is_empty() {
        return refuse(format!(
            "testers say that product {} is bad: prepare the release with a reason to override",
            release.product
        ));
    }
    let own = products::standing(conn, release.product)?;
    for head in heads(conn, release)? {
        let (id, version) = (head.id, &head.version);
        if head.product == release.product {
            return refuse(format!("release {id} offers this product already"));
        }
        let higher = products::standing(conn, head.product)?.seq > own.seq;
        if higher && release.rollback_of.is_none() {
            return refuse(format!(
                "release {id} offers the higher version {version}: roll that back instead"
            ));
        }
    }
    Ok(None)
}

/// Offers a release: what was offered before is superseded, products move along. The fallback is
/// what everybody was offered before, where none was named.
///
/// Errors: [`crate::db::DbError::Changed`] where somebody was faster. Call [`refusal`] before, in
/// the same transaction.
pub fn begin(conn: &mut Conn, now: Time, release: &Release, reason: &str) -> DbResult<()> {
    let heads = heads(conn, release)?;
    let before = match heads.first() {
        Some(head) if head.state == ReleaseState::Live && head.rollout_percent >= 100 => {
            Some(head.product)
        }
        Some(head) => head.fallback,
        None => {
            let ended = last_ended(conn, release.branch_id, &release.target)?;
            ended.and_then(|(_, fallback)| fallback)
        }
    };
    let fallback = release.fallback.or(before);
    let fallback = fallback.filter(|product| *product != release.product);
    for head in &heads {
        let reason = format!("release {} took its place", release.id);
        set_state(conn, head, ReleaseState::Superseded, &reason)?;
        diesel::update(releases::table.find(head.id.0))
            .set(releases::ended_at.eq(now.0))
            .execute(conn)?;
        let is_same = head.product == release.product;
        let standing = products::standing(conn, head.product)?;
        if !is_same && standing.state == ProductState::Released {
            move_product(conn, head.product, ProductState::Superseded, "")?;
        }
    }
    set_state(conn, release, ReleaseState::Live, reason)?;
    diesel::update(releases::table.find(release.id.0))
        .set((
            releases::live_at.eq(now.0),
            releases::fallback_product_id.eq(fallback.map(|id| id.0)),
        ))
        .execute(conn)?;
    move_product(conn, release.product, ProductState::Released, "")
}

/// The releases that are offered now for the same branch and target: one at most, but for two
/// that began at the same instant on different masters.
fn heads(conn: &mut Conn, release: &Release) -> DbResult<Vec<Release>> {
    /// More than one is not made by any operation.
    const HEADS_MAX: i64 = 10;
    let [live, paused] = [ReleaseState::Live, ReleaseState::Paused].map(ReleaseState::as_str);
    let ids: Vec<i64> = releases::table
        .filter(releases::branch_id.eq(release.branch_id.0))
        .filter(releases::target.eq(&release.target))
        .filter(releases::state.eq(live).or(releases::state.eq(paused)))
        .filter(releases::id.ne(release.id.0))
        .order((releases::live_at.desc(), releases::id.desc()))
        .limit(HEADS_MAX)
        .select(releases::id)
        .load(conn)?;
    ids.into_iter()
        .map(|id| find(conn, ReleaseId(id)))
        .collect()
}
