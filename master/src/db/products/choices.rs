//! What a branch may offer for a target: its release with what stands behind it, or, where it has
//! none, its newest builds. Whatever can be offered must not be collected: what is changed here is
//! changed in `retention::roots` too.

use diesel::prelude::*;

use crate::db::releases::last_ended;
use crate::db::schema::{blobs, product_files, products, releases};
use crate::db::{Conn, DbResult};
use crate::ids::{BranchId, ProductId, ReleaseId};
use crate::model::{ProductState, ReleaseState};
use crate::updates::{Asker, Candidate, Choice, Seq, Terms, is_offerable, unmet};

/// How many builds are looked at for one that is complete and runs there, newest first: nearly
/// always the first does; a machine that is too old for all of these is not served.
const BUILDS_STEPS: [i64; 3] = [4, 100, 2_000];
/// Releases before the one that is offered, of which one is looked for that runs there.
const EARLIER_MAX: i64 = 100;
/// Watersheds of a branch and target: a format of data is left behind once in a while.
const WATERSHEDS_MAX: i64 = 100;

/// What a branch may offer.
#[derive(Debug, Default)]
pub(super) struct Offered {
    pub(super) is_released: bool,
    pub(super) choices: Vec<Choice>,
    pub(super) watersheds: Vec<Candidate>,
}

#[derive(Queryable, Clone)]
pub(super) struct CandidateRow {
    pub(super) id: i64,
    position: i64,
    build: i64,
    version: String,
    feed_version: Option<String>,
    build_number: i64,
    state: String,
    runtime_name: Option<String>,
    runtime_spec: Option<String>,
    min_os: Option<String>,
    max_os: Option<String>,
}

impl CandidateRow {
    pub(super) fn seq(&self) -> Seq {
        (self.position, self.build, self.id)
    }
}

type Columns = (
    products::id,
    products::seq_position,
    products::seq_build,
    products::version,
    products::feed_version,
    products::build_number,
    products::state,
    products::runtime_name,
    products::runtime_spec,
    products::min_os,
    products::max_os,
);

pub(super) fn columns() -> Columns {
    (
        products::id,
        products::seq_position,
        products::seq_build,
        products::version,
        products::feed_version,
        products::build_number,
        products::state,
        products::runtime_name,
        products::runtime_spec,
        products::min_os,
        products::max_os,
    )
}

pub(super) fn candidate(row: CandidateRow, is_complete: bool) -> Candidate {
    Candidate {
        id: ProductId(row.id),
        seq: row.seq(),
        version: row.version,
        feed_version: row.feed_version,
        build_number: row.build_number,
        state: row.state.parse().unwrap_or(ProductState::Deleted),
        runtime: row.runtime_name.zip(row.runtime_spec),
        min_os: row.min_os,
        max_os: row.max_os,
        is_complete,
    }
}

#[derive(Queryable)]
struct ReleaseRow {
    id: i64,
    product: i64,
    fallback: Option<i64>,
    state: String,
    percent: i64,
    salt: String,
    critical: bool,
}

macro_rules! of_target {
    ($branch:expr, $target:expr) => {
        releases::table
            .filter(releases::branch_id.eq($branch.0))
            .filter(releases::target.eq($target))
            .select((
                releases::id,
                releases::product_id,
                releases::fallback_product_id,
                releases::state,
                releases::rollout_percent,
                releases::rollout_salt,
                releases::critical,
            ))
    };
}

/// Loads it. `only_released`: builds are never offered.
pub(super) fn load(
    conn: &mut Conn,
    branch: BranchId,
    target: &str,
    asker: &Asker,
    only_released: bool,
) -> DbResult<Offered> {
    if let Some(head) = head(conn, branch, target)? {
        return released(conn, (branch, target), asker, head);
    }
    if let Some(ended) = last_ended(conn, branch, target)? {
        return Ok(Offered {
            is_released: true,
            choices: fallback(conn, ended)?.into_iter().collect(),
            watersheds: watersheds(conn, branch, target, asker)?,
        });
    }
    if only_released || has_releases(conn, branch)? {
        return Ok(Offered {
            is_released: true,
            ..Offered::default()
        });
    }
    Ok(Offered {
        choices: builds(conn, branch, target, asker)?,
        ..Offered::default()
    })
}

/// The release that is offered now, paused or not.
fn head(conn: &mut Conn, branch: BranchId, target: &str) -> DbResult<Option<ReleaseRow>> {
    let [live, paused] = [ReleaseState::Live, ReleaseState::Paused].map(ReleaseState::as_str);
    Ok(of_target!(branch, target)
        .filter(releases::state.eq(live).or(releases::state.eq(paused)))
        .order((releases::live_at.desc(), releases::id.desc()))
        .first(conn)
        .optional()?)
}

/// Whether the branch ever offered a release, for whatever target.
fn has_releases(conn: &mut Conn, branch: BranchId) -> DbResult<bool> {
    let found: Option<i64> = releases::table
        .filter(releases::branch_id.eq(branch.0))
        .filter(releases::live_at.is_not_null())
        .select(releases::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

fn released(
    conn: &mut Conn,
    (branch, target): (BranchId, &str),
    asker: &Asker,
    head: ReleaseRow,
) -> DbResult<Offered> {
    let mut choices = Vec::new();
    if let Some(choice) = of_release(conn, &head)? {
        choices.push(choice);
    }
    let standing = head.fallback.map(ProductId);
    choices.extend(fallback(conn, (ReleaseId(head.id), standing))?);
    let is_served = |choice: &Choice| {
        let product = &choice.candidate;
        let state = product.state;
        let may_be = is_offerable(state) || state == ProductState::Superseded;
        may_be && product.is_complete && unmet(product, asker).is_none()
    };
    let seq = choices.first().map(|first| first.candidate.seq);
    if let Some(seq) = seq
        && !choices.iter().take(1).any(is_served)
    {
        choices.extend(earlier(conn, branch, target, seq, is_served)?);
    }
    Ok(Offered {
        is_released: true,
        choices,
        watersheds: watersheds(conn, branch, target, asker)?,
    })
}

fn of_release(conn: &mut Conn, release: &ReleaseRow) -> DbResult<Option<Choice>> {
    let Some(candidate) = by_id(conn, release.product)? else {
        return Ok(None);
    };
    let terms = Terms {
        release: ReleaseId(release.id),
        percent: release.percent,
        salt: release.salt.clone(),
        is_paused: release.state == ReleaseState::Paused.as_str(),
        is_critical: release.critical,
    };
    Ok(Some(Choice {
        candidate,
        terms: Some(terms),
        what: format!("release {}", release.id),
    }))
}

fn fallback(
    conn: &mut Conn,
    (release, product): (ReleaseId, Option<ProductId>),
) -> DbResult<Option<Choice>> {
    let Some(product) = product else {
        return Ok(None);
    };
    let what = format!("the fallback of release {release}");
    let choice = |candidate| Choice {
        candidate,
        terms: None,
        what,
    };
    Ok(by_id(conn, product.0)?.map(choice))
}

/// The releases before, down to the first that serves the asker; none that is above what is
/// offered now, since that would undo a rollback.
fn earlier(
    conn: &mut Conn,
    branch: BranchId,
    target: &str,
    below: Seq,
    is_served: impl Fn(&Choice) -> bool,
) -> DbResult<Vec<Choice>> {
    let rows: Vec<ReleaseRow> = of_target!(branch, target)
        .filter(releases::state.eq(ReleaseState::Superseded.as_str()))
        .order((releases::live_at.desc(), releases::id.desc()))
        .limit(EARLIER_MAX)
        .load(conn)?;
    let mut found = Vec::new();
    for row in rows {
        let choice = of_release(conn, &row)?.filter(|choice| choice.candidate.seq < below);
        if let Some(choice) = choice {
            let is_last = is_served(&choice) && row.percent >= 100;
            found.push(choice);
            if is_last {
                break;
            }
        }
    }
    // The order in which they were released is not always that of the products.
    found.sort_by_key(|choice| std::cmp::Reverse(choice.candidate.seq));
    Ok(found)
}

/// The products that nobody who says a version may leap over.
fn watersheds(
    conn: &mut Conn,
    branch: BranchId,
    target: &str,
    asker: &Asker,
) -> DbResult<Vec<Candidate>> {
    if asker.version.is_none() {
        return Ok(Vec::new());
    }
    let [live, superseded] =
        [ReleaseState::Live, ReleaseState::Superseded].map(ReleaseState::as_str);
    let ids: Vec<i64> = releases::table
        .filter(releases::branch_id.eq(branch.0))
        .filter(releases::target.eq(target))
        .filter(releases::watershed.eq(true))
        .filter(releases::state.eq(live).or(releases::state.eq(superseded)))
        .order(releases::id.desc())
        .limit(WATERSHEDS_MAX)
        .select(releases::product_id)
        .load(conn)?;
    let mut all = Vec::new();
    for id in ids {
        all.extend(by_id(conn, id)?);
    }
    Ok(all)
}

/// The newest builds, down to the first that is complete and runs there.
fn builds(conn: &mut Conn, branch: BranchId, target: &str, asker: &Asker) -> DbResult<Vec<Choice>> {
    let mut all: Vec<Choice> = Vec::new();
    for step in BUILDS_STEPS {
        let below = all.last().map(|choice| choice.candidate.seq);
        let mut rows = Vec::new();
        let states = ProductState::ALL
            .iter()
            .filter(|state| is_offerable(**state));
        for state in states {
            rows.extend(newest(conn, (branch, target), *state, below, step)?);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.seq()));
        let is_end = rows.len() < usize::try_from(step).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(step).unwrap_or(usize::MAX));
        for row in rows {
            let is_complete = is_complete(conn, row.id)?;
            let candidate = candidate(row, is_complete);
            let is_served = is_complete && unmet(&candidate, asker).is_none();
            let what = format!("build {}", candidate.build_number);
            all.push(Choice {
                candidate,
                terms: None,
                what,
            });
            if is_served {
                return Ok(all);
            }
        }
        if is_end {
            break;
        }
    }
    Ok(all)
}

fn newest(
    conn: &mut Conn,
    (branch, target): (BranchId, &str),
    state: ProductState,
    below: Option<Seq>,
    rows_max: i64,
) -> DbResult<Vec<CandidateRow>> {
    let (position, build, id) = below.unwrap_or((i64::MAX, i64::MAX, i64::MAX));
    Ok(products::table
        .filter(products::branch_id.eq(branch.0))
        .filter(products::target.eq(target))
        .filter(products::state.eq(state.as_str()))
        .filter(products::seq_position.le(position))
        .filter(
            products::seq_position.lt(position).or(products::seq_build
                .lt(build)
                .or(products::seq_build.eq(build).and(products::id.lt(id)))),
        )
        .order((
            products::seq_position.desc(),
            products::seq_build.desc(),
            products::id.desc(),
        ))
        .limit(rows_max)
        .select(columns())
        .load(conn)?)
}

fn by_id(conn: &mut Conn, id: i64) -> DbResult<Option<Candidate>> {
    let row: Option<CandidateRow> = products::table
        .find(id)
        .select(columns())
        .first(conn)
        .optional()?;
    row.map(|row| Ok(candidate(row, is_complete(conn, id)?)))
        .transpose()
}

/// Whether the product has files and every one of them is in the store.
fn is_complete(conn: &mut Conn, id: i64) -> DbResult<bool> {
    let of = product_files::table
        .filter(product_files::product_id.eq(id))
        .filter(product_files::gone_at.is_null());
    let any: Option<i64> = of.select(product_files::id).first(conn).optional()?;
    let missing: Option<i64> = of
        .inner_join(blobs::table)
        .filter(blobs::state.ne("live"))
        .select(product_files::id)
        .first(conn)
        .optional()?;
    Ok(any.is_some() && missing.is_none())
}
