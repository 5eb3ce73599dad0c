//! Making a plan: every product is judged in one walk, page by page, so memory stays flat however
//! many there are. A dry run is the same walk and writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Time;
use crate::config::Config;
use crate::db::retention::plans::{self, NewItem, NewLatest};
use crate::db::retention::{figures, scan};
use crate::db::{Conn, Db, DbResult, projects};
use crate::ids::PlanId;
use crate::model::PlanState;
use crate::retention::{Branch, Policies, Walk};

/// Items written by one statement: well below the most parameters that an engine takes.
const WRITTEN_MAX: usize = 500;
/// Shares of a quota in percent: above the first space is short, and down to the second as much is
/// sought.
const HIGH_PERCENT: i64 = 90;
const LOW_PERCENT: i64 = 80;
/// By how much the time that products stay is divided, step by step, while space is short.
const DIVISORS: [u32; 5] = [2, 4, 8, 16, 1_000];

/// What is done with what is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Nothing is written.
    Dry,
    /// It is stored as a plan of this person or actor.
    Stored(String),
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Planned {
    /// The stored plan; none of a dry run.
    pub plan: Option<PlanId>,
    /// Products looked at.
    pub products_seen: i64,
    /// Products that may go.
    pub products_total: i64,
    /// Their bytes.
    pub bytes_total: i64,
    /// Products that stay, by reason; a product may count for several.
    pub kept: BTreeMap<String, i64>,
    /// Why the plan cannot be applied; empty when it can.
    pub refused: String,
}

/// Judges every product at `now` by `policies`, shortening the days of projects whose quota is
/// nearly used up.
pub async fn plan(
    db: &Db,
    now: Time,
    policies: Arc<Policies>,
    config: &Config,
    way: Way,
) -> DbResult<Planned> {
    let short = Arc::new(shortage(db, config).await?);
    let mut divisor = 1;
    if short.bytes > 0 {
        for next in DIVISORS {
            divisor = next;
            let pass = Pass::new(now, Arc::clone(&policies), Arc::clone(&short), divisor);
            if walk(db, pass, None).await?.found.bytes_total >= short.bytes {
                break;
            }
        }
    }
    let pass = Pass::new(now, Arc::clone(&policies), short, divisor);
    let Way::Stored(who) = way else {
        return Ok(walk(db, pass, None).await?.found);
    };
    let sha256 = policies.sha256().to_owned();
    let begin = move |conn: &mut Conn| plans::begin(conn, now, &sha256, &who);
    let id = db.tx("retention.begin", begin).await?;
    let done = walk(db, pass, Some(id)).await?;
    let mut found = done.found;
    found.plan = Some(id);
    let (state, text) = match found.refused.is_empty() {
        true => (PlanState::Planned, String::new()),
        false => (PlanState::Refused, found.refused.clone()),
    };
    let totals = (found.products_total, found.bytes_total);
    let finish = move |conn: &mut Conn| plans::finish(conn, id, state, &text, totals);
    db.tx("retention.finish", finish).await?;
    while db.tx_progress("retention.prune", plans::prune).await? > 0 {}
    Ok(found)
}

/// Where space is short.
#[derive(Debug, Default)]
struct Shortage {
    /// Bytes that are sought.
    bytes: i64,
    /// The whole store; else the projects named.
    whole: bool,
    projects: Vec<i64>,
}

async fn shortage(db: &Db, config: &Config) -> DbResult<Shortage> {
    let whole = config.master.collecting.quota;
    let quotas = config.projects.iter();
    let quotas: Vec<(String, u64)> = quotas
        .filter_map(|(name, project)| Some((name.clone(), project.quota?)))
        .collect();
    if whole.is_none() && quotas.is_empty() {
        return Ok(Shortage::default());
    }
    let read = move |conn: &mut Conn| {
        let mut short = Shortage::default();
        // What is in the trash goes without more being collected.
        let leaving = figures::trash_bytes(conn)?;
        let sought = |used: i64, quota: u64| {
            let quota = i64::try_from(quota).unwrap_or(i64::MAX);
            let part = |percent: i64| quota / 100 * percent;
            match used > part(HIGH_PERCENT) {
                true => (used - part(LOW_PERCENT) - leaving).max(0),
                false => 0,
            }
        };
        for (name, quota) in &quotas {
            let (_, used) = figures::used(conn, name)?;
            let bytes = sought(used, *quota);
            if bytes > 0 {
                short.projects.push(projects::id_by_name(conn, name)?.0);
                short.bytes += bytes;
            }
        }
        if let Some(quota) = whole {
            let (used, _) = figures::used(conn, "")?;
            let bytes = sought(used, quota);
            short.whole = bytes > 0;
            short.bytes = short.bytes.max(bytes);
        }
        Ok(short)
    };
    db.read("retention.shortage", read).await
}

/// One walk over all products.
struct Pass {
    now: Time,
    policies: Arc<Policies>,
    short: Arc<Shortage>,
    divisor: u32,
    damaged: Vec<i64>,
    group: Option<Group>,
    last: Option<scan::Seen>,
    found: Planned,
    items: Vec<NewItem>,
    changes: Vec<NewLatest>,
}

/// The branch and target that the walk is at.
struct Group {
    id: i64,
    branch: Branch,
    target: String,
    policy: String,
    walk: Walk,
}

impl Pass {
    fn new(now: Time, policies: Arc<Policies>, short: Arc<Shortage>, divisor: u32) -> Self {
        Self {
            now,
            policies,
            short,
            divisor,
            damaged: Vec::new(),
            group: None,
            last: None,
            found: Planned::default(),
            items: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Judges the next page; says whether there was one.
    fn page(&mut self, conn: &mut Conn) -> DbResult<bool> {
        if self.last.is_none() {
            self.damaged = scan::damaged(conn)?;
        }
        let page = scan::page(conn, self.now, self.last.as_ref(), None)?;
        for seen in page {
            self.judge(conn, &seen)?;
            self.last = Some(seen);
            self.found.products_seen += 1;
        }
        Ok(self.found.products_seen % scan::PAGE_MAX == 0 && self.last.is_some())
    }

    fn judge(&mut self, conn: &mut Conn, seen: &scan::Seen) -> DbResult<()> {
        let is_same = |group: &Group| group.id == seen.branch && group.target == seen.target;
        if !self.group.as_ref().is_some_and(is_same) {
            self.next_group(conn, seen)?;
        }
        let Some(group) = &mut self.group else {
            return Ok(());
        };
        let mut facts = seen.facts.clone();
        facts.is_complete &= self.damaged.binary_search(&facts.id.0).is_err();
        facts.has_block_map =
            group.walk.asks_for_block_map() && scan::has_block_map(conn, facts.id)?;
        let judged = group.walk.judge(&facts);
        if !judged.reasons.is_empty() {
            self.found.count(judged.reasons.0);
            return Ok(());
        }
        self.found.products_total += 1;
        self.found.bytes_total += seen.size;
        self.items.push(NewItem {
            product: facts.id,
            row_version: seen.row_version,
            policy: group.policy.clone(),
            rule: judged.rule,
            bytes: seen.size,
        });
        Ok(())
    }

    fn next_group(&mut self, conn: &mut Conn, seen: &scan::Seen) -> DbResult<()> {
        self.end_group();
        let branch = match self.group.take() {
            Some(group) if group.id == seen.branch => group.branch,
            _ => scan::branch(conn, seen.branch)?,
        };
        let terms = self.policies.terms(&branch.project, &branch.name);
        let is_short = self.short.whole || self.short.projects.contains(&seen.project);
        let divisor = if is_short { self.divisor } else { 1 };
        self.group = Some(Group {
            id: seen.branch,
            target: seen.target.clone(),
            policy: terms
                .as_ref()
                .map_or_else(String::new, |terms| terms.policy.clone()),
            walk: Walk::new(terms, &branch, self.now, divisor),
            branch,
        });
        Ok(())
    }

    /// Notes what the branch and target would offer, where that changes.
    fn end_group(&mut self) {
        let Some(group) = &self.group else {
            return;
        };
        let (before, after) = group.walk.latest();
        if before == after {
            return;
        }
        if group.walk.is_living() {
            self.found.refused = format!(
                "it would change what the living branch {} of {} offers for {}",
                group.branch.name, group.branch.project, group.target
            );
        }
        self.changes.push(NewLatest {
            branch: group.id,
            target: group.target.clone(),
            before,
            after,
        });
    }
}

impl Planned {
    /// Counts the reasons of a product that stays. The bits become words at the end.
    fn count(&mut self, bits: i64) {
        for bit in 0..17 {
            if bits & (1 << bit) != 0 {
                *self.kept.entry(format!("{bit:02}")).or_default() += 1;
            }
        }
    }

    fn in_words(mut self) -> Self {
        let words = |key: &str| {
            let bit: u32 = key.parse().unwrap_or(0);
            crate::retention::Reasons(1 << bit).name().to_owned()
        };
        self.kept = self.kept.iter().map(|(key, n)| (words(key), *n)).collect();
        self
    }
}

/// Walks over all products; what may go is stored in `plan`, where one is given, while the next
/// page is read.
async fn walk(db: &Db, mut pass: Pass, plan: Option<PlanId>) -> DbResult<Pass> {
    let mut found = (Vec::new(), Vec::new());
    loop {
        let read = async {
            db.read("retention.page", move |conn| {
                let more = pass.page(conn)?;
                Ok((pass, more))
            })
            .await
        };
        let (read, stored) = tokio::join!(read, store(db, plan, found));
        stored?;
        let (back, more) = read?;
        pass = back;
        if !more {
            pass.end_group();
            pass.group = None;
        }
        found = (
            std::mem::take(&mut pass.items),
            std::mem::take(&mut pass.changes),
        );
        if !more {
            store(db, plan, found).await?;
            pass.found = pass.found.in_words();
            return Ok(pass);
        }
    }
}

/// Adds what was found to the plan, where one is made.
async fn store(
    db: &Db,
    plan: Option<PlanId>,
    (items, changes): (Vec<NewItem>, Vec<NewLatest>),
) -> DbResult<()> {
    let Some(plan) = plan.filter(|_| !items.is_empty() || !changes.is_empty()) else {
        return Ok(());
    };
    let add = move |conn: &mut Conn| {
        for piece in items.chunks(WRITTEN_MAX) {
            plans::add(conn, plan, piece)?;
        }
        for change in &changes {
            plans::add_latest(conn, plan, change)?;
        }
        Ok(())
    };
    db.tx_progress("retention.add", add).await
}
