//! What must not be collected: the one place that says so in SQL. The plan reads the references of
//! each product from here, and every write that takes a product away has the whole condition in
//! its own statement, so that whatever comes in between wins.
//!
//! The texts are common SQL about a row `p` of `products`; only whole numbers are put into them.

use crate::clock::Time;
use crate::model::ProductState;
use crate::retention::{Reasons, Terms};
use crate::updates::is_offerable;

/// States of a release in which applications may be offered its products.
const OFFERING: &str = "('draft', 'scheduled', 'live', 'paused')";

/// Each reference as a bit of [`Reasons`] and its condition.
fn conditions(now: Time) -> [(Reasons, String); 9] {
    let now = now.0;
    let release = |column: &str, more: &str| {
        format!("EXISTS (SELECT 1 FROM releases r WHERE r.{column} = p.id AND {more})")
    };
    let offering = format!("r.state IN {OFFERING}");
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
        (
            Reasons::IN_RELEASE,
            release(
                "product_id",
                &format!("({offering} OR (r.watershed AND r.state = 'superseded'))"),
            ),
        ),
        (
            Reasons::FALLBACK,
            release(
                "fallback_product_id",
                &format!(
                    "({offering} OR (r.state IN ('withdrawn', 'rolled-back') AND NOT EXISTS \
                     (SELECT 1 FROM releases n WHERE n.branch_id = r.branch_id \
                     AND n.target = r.target AND n.id > r.id \
                     AND n.state NOT IN ('draft', 'scheduled'))))"
                ),
            ),
        ),
        (
            Reasons::TAKEN_BACK,
            release("rollback_of_product_id", &offering),
        ),
        (
            Reasons::RELEASED_BEFORE,
            release(
                "product_id",
                &format!(
                    "r.state = 'superseded' AND NOT EXISTS (SELECT 1 FROM releases n \
                     JOIN products m ON m.id = n.product_id \
                     WHERE n.branch_id = r.branch_id AND n.target = r.target \
                     AND n.state = 'superseded' AND n.id > r.id AND {} = {})",
                    needs("m"),
                    needs("p")
                ),
            ),
        ),
        (Reasons::DELTA_BASE, delta_base()),
        (
            Reasons::BUILDING,
            "EXISTS (SELECT 1 FROM builds b WHERE b.id = p.build_id AND b.state <> 'finished')"
                .to_owned(),
        ),
    ]
}

/// A delta leads from it to a product that applications are offered; one level, for the bases of
/// what is itself only a base need not stay.
fn delta_base() -> String {
    let newer = newer("o", "n", &offerable("n"));
    format!(
        "EXISTS (SELECT 1 FROM product_files d JOIN products o ON o.id = d.product_id \
         WHERE d.delta_from_product_id = p.id AND o.id <> p.id \
         AND o.state IN ('recorded', 'candidate', 'released', 'superseded') \
         AND (o.state = 'released' OR NOT EXISTS {newer} \
         OR EXISTS (SELECT 1 FROM releases r WHERE r.state IN {OFFERING} \
         AND (r.product_id = o.id OR r.fallback_product_id = o.id))))"
    )
}

/// `(SELECT …)` of the rows `q` of the branch and target of `p` that come after it and for which
/// `more` holds.
fn newer(p: &str, q: &str, more: &str) -> String {
    format!(
        "(SELECT 1 FROM products {q} WHERE {q}.branch_id = {p}.branch_id \
         AND {q}.target = {p}.target AND ({q}.seq_position, {q}.seq_build, {q}.id) > \
         ({p}.seq_position, {p}.seq_build, {p}.id) AND {more})"
    )
}

/// In a state that feeds offer.
fn offerable(q: &str) -> String {
    let states: Vec<String> = ProductState::ALL
        .iter()
        .filter(|state| is_offerable(**state))
        .map(|state| format!("'{state}'"))
        .collect();
    format!("{q}.state IN ({})", states.join(", "))
}

/// Every file is in the store.
fn complete(q: &str) -> String {
    format!(
        "{q}.files_total > 0 AND NOT EXISTS (SELECT 1 FROM product_files w JOIN blobs s \
         ON s.sha256 = w.blob_sha256 WHERE w.product_id = {q}.id AND w.gone_at IS NULL \
         AND s.state <> 'live')"
    )
}

/// What a product needs of system and runtime, as one text.
pub(super) fn needs(q: &str) -> String {
    let columns = ["runtime_name", "runtime_spec", "min_os", "max_os"];
    let texts = columns.map(|column| format!("COALESCE({q}.{column}, '')"));
    format!("({})", texts.join(" || '/' || "))
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
    // The newest of all, and the newest for each need, which is what those are offered who cannot
    // run what is newer.
    let whole = format!(
        "{} AND {} AND {} = {}",
        offerable("q"),
        complete("q"),
        needs("q"),
        needs("p")
    );
    let latest = format!(
        "({} AND {} AND NOT EXISTS {})",
        offerable("p"),
        complete("p"),
        newer("p", "q", &whole)
    );
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
