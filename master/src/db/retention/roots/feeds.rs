//! What some feed can offer to some asker, as conditions about a row of `products`: the other side
//! of `db::products::choices`. They may hold for more than is offered, never for less.

use crate::db::releases::is_last_ended;
use crate::model::ProductState;
use crate::updates::is_offerable;

/// States of a release in which applications may be offered its products.
const OFFERING: &str = "('draft', 'scheduled', 'live', 'paused')";

/// A release for which `more` holds has `p` in this column.
fn release(p: &str, column: &str, more: &str) -> String {
    format!("EXISTS (SELECT 1 FROM releases r WHERE r.{column} = {p}.id AND {more})")
}

/// A release offers it, or all must pass through it.
pub(super) fn in_release(p: &str) -> String {
    let more = format!("(r.state IN {OFFERING} OR (r.watershed AND r.state = 'superseded'))");
    release(p, "product_id", &more)
}

/// A release falls back to it, or the one that was taken back last.
pub(super) fn fallback(p: &str) -> String {
    let more = format!("(r.state IN {OFFERING} OR {})", is_last_ended("r"));
    release(p, "fallback_product_id", &more)
}

/// People are moved down from it.
pub(super) fn taken_back(p: &str) -> String {
    let more = format!("r.state IN {OFFERING}");
    release(p, "rollback_of_product_id", &more)
}

/// It was released before what is released now, and whoever cannot run that may be offered it: no
/// later release serves all of them in its stead. One above what is offered now is passed over.
pub(super) fn released_before(p: &str) -> String {
    let seq = |q: &str| format!("({q}.seq_position, {q}.seq_build, {q}.id)");
    let instead = format!(
        "EXISTS (SELECT 1 FROM releases n JOIN products m ON m.id = n.product_id \
         WHERE n.branch_id = r.branch_id AND n.target = r.target AND n.state = 'superseded' \
         AND (n.live_at, n.id) > (r.live_at, r.id) AND n.rollout_percent >= 100 \
         AND {needs_m} = {needs_p} AND {named} AND {complete} AND ({seq_m} <= {seq_p} \
         OR NOT EXISTS (SELECT 1 FROM releases h JOIN products g ON g.id = h.product_id \
         WHERE h.branch_id = r.branch_id AND h.target = r.target \
         AND h.state IN ('live', 'paused') AND {seq_g} <= {seq_m})))",
        needs_m = needs("m"),
        needs_p = needs(p),
        named = is_named("m"),
        complete = complete("m"),
        seq_m = seq("m"),
        seq_p = seq(p),
        seq_g = seq("g"),
    );
    let more = format!("r.state = 'superseded' AND NOT {instead}");
    release(p, "product_id", &more)
}

/// The newest build of all, or the newest for what it needs, which is what those are offered who
/// cannot run what is newer.
pub(super) fn newest_build(p: &str) -> String {
    format!(
        "({} AND {} AND {})",
        offerable(p),
        complete(p),
        has_no_newer(p)
    )
}

fn has_no_newer(p: &str) -> String {
    let whole = format!(
        "{} AND {} = {} AND {}",
        offerable("q"),
        needs("q"),
        needs(p),
        complete("q")
    );
    format!("NOT EXISTS {}", newer(p, "q", &whole))
}

/// A delta leads from it to a product that applications are offered; one level, for the bases of
/// what is itself only a base need not stay.
pub(super) fn delta_base(p: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM product_files d JOIN products o ON o.id = d.product_id \
         WHERE d.delta_from_product_id = {p}.id AND d.gone_at IS NULL AND o.id <> {p}.id AND {} \
         AND (o.state = 'released' OR {} OR {} OR {} OR ({} AND {})))",
        is_named("o"),
        in_release("o"),
        fallback("o"),
        released_before("o"),
        offerable("o"),
        has_no_newer("o")
    )
}

/// `(SELECT …)` of the rows `q` of the branch and target of `p` that come after it and for which
/// `more` holds.
pub(super) fn newer(p: &str, q: &str, more: &str) -> String {
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

/// In a state in which what somebody released by name is offered.
fn is_named(q: &str) -> String {
    format!("{q}.state IN ('recorded', 'candidate', 'released', 'superseded')")
}

/// It has files, and every one of them is in the store.
fn complete(q: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM product_files a WHERE a.product_id = {q}.id AND a.gone_at IS NULL) \
         AND NOT EXISTS (SELECT 1 FROM product_files w JOIN blobs s \
         ON s.sha256 = w.blob_sha256 WHERE w.product_id = {q}.id AND w.gone_at IS NULL \
         AND s.state <> 'live')"
    )
}

/// What a product needs of system and runtime, as one text.
pub(in super::super) fn needs(q: &str) -> String {
    let columns = ["runtime_name", "runtime_spec", "min_os", "max_os"];
    let texts = columns.map(|column| format!("COALESCE({q}.{column}, '')"));
    format!("({})", texts.join(" || '/' || "))
}
