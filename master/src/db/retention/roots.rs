//! What must not be collected: the one place that says so in SQL. The plan reads the references of
//! each product from here, and every write that takes a product away has the whole condition in
//! its own statement, so that whatever comes in between wins.
//!
//! The texts are common SQL about a row `p` of `products`; only whole numbers are put into them.

use crate::clock::Time;
use crate::retention::{Reasons, Terms};
pub(super) use feeds::needs;
use feeds::newer;

mod feeds;

/// Each reference as a bit of [`Reasons`] and its condition.
fn conditions(now: Time) -> [(Reasons, String); 9] {
    let now = now.0;
    [
        (
            Reasons::HELD,
            format!(
                "(p.held_until > {now} OR EXISTS (SELECT 1 FROM holds h WHERE h.product_id = p.id \
                 AND h.lifted_at IS NULL AND (h.until_at IS NULL OR h.until_at > {now})))"
            ),
        ),
        (Reasons::RELEASED, "p.state = 'released'".to_owned()),
        (
            Reasons::LABELLED,
            "EXISTS (SELECT 1 FROM labels l WHERE l.product_id = p.id)".to_owned(),
        ),
        (Reasons::IN_RELEASE, feeds::in_release("p")),
        (Reasons::FALLBACK, feeds::fallback("p")),
        (Reasons::TAKEN_BACK, feeds::taken_back("p")),
        (Reasons::RELEASED_BEFORE, feeds::released_before("p")),
        (Reasons::DELTA_BASE, feeds::delta_base("p")),
        (
            Reasons::BUILDING,
            "EXISTS (SELECT 1 FROM builds b WHERE b.id = p.build_id AND b.state <> 'finished')"
                .to_owned(),
        ),
    ]
}

/// A number with the bit of each reference that `p` has.
pub(super) fn references(now: Time) -> String {
    let bits = conditions(now)
        .map(|(bit, condition)| format!("(CASE WHEN {condition} THEN {} ELSE 0 END)", bit.0));
    format!("CAST({} AS BIGINT)", bits.join(" + "))
}

/// Whether `p` is referred to, as a condition.
pub(super) fn is_referred_to(now: Time) -> String {
    let all = conditions(now).map(|(_, condition)| condition);
    format!("({})", all.join(" OR "))
}

/// Whether `p` must stay whatever its age, as a condition. Without terms nothing may go.
pub(super) fn is_root(now: Time, terms: Option<&Terms>, is_living: bool) -> String {
    let Some(terms) = terms else {
        return "(1 = 1)".to_owned();
    };
    let referred = is_referred_to(now);
    if !is_living {
        return referred;
    }
    let latest = feeds::newest_build("p");
    let counted = "p.state <> 'withdrawn'";
    let counts = counts(now, terms, "q");
    let unspent = unspent(now, terms, "p");
    let fewer = |count: u32, more: &str| match count {
        0 => "(1 = 0)".to_owned(),
        count => {
            let newer = newer("p", "q", &format!("{counts}{more}"));
            let open = newer.strip_suffix(')').unwrap_or(&newer);
            format!("NOT EXISTS {open} LIMIT 1 OFFSET {})", count - 1)
        }
    };
    let newest = fewer(terms.keep_newest, "");
    let good = fewer(terms.keep_newest_good, " AND q.verdict = 'good'");
    let block_map = format!(
        "(EXISTS (SELECT 1 FROM product_files m WHERE m.product_id = p.id \
         AND m.role = 'blockmap') AND {})",
        fewer(2, "")
    );
    format!(
        "({referred} OR {latest} OR ({counted} AND {unspent} AND ({newest} OR {block_map} \
         OR (p.verdict = 'good' AND {good}))))"
    )
}

/// What takes a place among the newest.
fn counts(now: Time, terms: &Terms, q: &str) -> String {
    format!(
        "{q}.state IN ('recorded', 'candidate', 'released', 'superseded') AND {}",
        unspent(now, terms, q)
    )
}

/// Not bad with a bug for so long that it counts no more.
fn unspent(now: Time, terms: &Terms, q: &str) -> String {
    let Some(bad) = terms.bad else {
        return "(1 = 1)".to_owned();
    };
    let before = now.before(bad).0;
    format!(
        "NOT ({q}.verdict = 'bad' AND COALESCE({}, {}) <= {before})",
        bad_since(q),
        i64::MAX
    )
}

/// Since when it is bad with a bug named; a text for a column.
pub(super) fn bad_since(q: &str) -> String {
    format!(
        "(SELECT MAX(v.created_at) FROM verdicts v WHERE v.product_id = {q}.id \
         AND v.verdict = 'bad' AND v.bug <> '')"
    )
}
