//! Who is told of what: rows of private projects are not there for those who may not see them. Lists
//! leave [`hidden`] projects out; whoever names one row asks here first and gets the same
//! [`super::DbError::NotFound`] as for one that there is not.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::events::Event;
use super::schema::{
    branches, builders, builds, changes, holds, logs, products, projects, releases, repositories,
    requests, steps,
};
use super::{Conn, DbError, DbResult};
use crate::ids::{BranchId, BuildId, ChangeId, HoldId, LogId, ProductId, ReleaseId, RequestId};
use crate::model::Sight;

/// Ids of the projects that are not there for somebody.
pub fn hidden(conn: &mut Conn, sight: Sight) -> DbResult<Vec<i64>> {
    if sight == Sight::Everything {
        return Ok(Vec::new());
    }
    Ok(projects::table
        .filter(projects::private.eq(true))
        .select(projects::id)
        .load(conn)?)
}

/// Errors unless the product is there for somebody; so do the others for their rows.
pub fn product(conn: &mut Conn, sight: Sight, id: ProductId) -> DbResult<()> {
    let of = products::table.inner_join(projects::table);
    let of = of.filter(products::id.eq(id.0)).select(projects::private);
    seen(sight, || of.first(conn))
}

/// As [`product`].
pub fn branch(conn: &mut Conn, sight: Sight, id: BranchId) -> DbResult<()> {
    let of = branches::table.inner_join(projects::table);
    let of = of.filter(branches::id.eq(id.0)).select(projects::private);
    seen(sight, || of.first(conn))
}

/// As [`product`].
pub fn release(conn: &mut Conn, sight: Sight, id: ReleaseId) -> DbResult<()> {
    let of = releases::table.inner_join(branches::table.inner_join(projects::table));
    let of = of.filter(releases::id.eq(id.0)).select(projects::private);
    seen(sight, || of.first(conn))
}

/// As [`product`].
pub fn hold(conn: &mut Conn, sight: Sight, id: HoldId) -> DbResult<()> {
    let of = holds::table.inner_join(products::table.inner_join(projects::table));
    let of = of.filter(holds::id.eq(id.0)).select(projects::private);
    seen(sight, || of.first(conn))
}

/// As [`product`].
pub fn build(conn: &mut Conn, sight: Sight, id: BuildId) -> DbResult<()> {
    let of = builds::table.inner_join(builders::table.inner_join(projects::table));
    let of = of.filter(builds::id.eq(id.0)).select(projects::private);
    seen(sight, || of.first(conn))
}

/// As [`product`].
pub fn log(conn: &mut Conn, sight: Sight, id: LogId) -> DbResult<()> {
    if sight == Sight::Everything {
        return Ok(());
    }
    let of = logs::table.inner_join(steps::table);
    let id: i64 = of
        .filter(logs::id.eq(id.0))
        .select(steps::build_id)
        .first(conn)?;
    build(conn, sight, BuildId(id))
}

/// As [`product`].
pub fn request(conn: &mut Conn, sight: Sight, id: RequestId) -> DbResult<()> {
    let of = requests::table.inner_join(builders::table.inner_join(projects::table));
    let of = of.filter(requests::id.eq(id.0)).select(projects::private);
    seen(sight, || of.first(conn))
}

/// As [`product`].
pub fn change(conn: &mut Conn, sight: Sight, id: ChangeId) -> DbResult<()> {
    let of = changes::table.inner_join(repositories::table.inner_join(projects::table));
    let of = of.filter(changes::id.eq(id.0)).select(projects::private);
    seen(sight, || of.first(conn))
}

/// As [`product`], for a project by its name.
pub fn project(conn: &mut Conn, sight: Sight, name: &str) -> DbResult<()> {
    let of = projects::table.filter(projects::name.eq(name));
    seen(sight, || of.select(projects::private).first(conn))
}

fn seen(sight: Sight, is_private: impl FnOnce() -> QueryResult<bool>) -> DbResult<()> {
    match sight == Sight::Everything || !is_private()? {
        true => Ok(()),
        false => Err(DbError::NotFound),
    }
}

/// Takes those events out that are about something that is not there for somebody.
pub fn keep_seen(conn: &mut Conn, sight: Sight, events: &mut Vec<Event>) -> DbResult<()> {
    let hidden = hidden(conn, sight)?;
    if hidden.is_empty() {
        return Ok(());
    }
    let ids =
        |of: fn(&Event) -> Option<i64>| -> Vec<i64> { events.iter().filter_map(of).collect() };
    let of_products: Vec<(i64, i64)> = products::table
        .filter(products::id.eq_any(ids(|event| event.product.map(|id| id.0))))
        .select((products::id, products::project_id))
        .load(conn)?;
    let of_builders: Vec<(i64, i64)> = builders::table
        .filter(builders::id.eq_any(ids(|event| event.builder.map(|id| id.0))))
        .select((builders::id, builders::project_id))
        .load(conn)?;
    let of_builds: Vec<(i64, i64)> = builds::table
        .inner_join(builders::table)
        .filter(builds::id.eq_any(ids(|event| event.build.map(|id| id.0))))
        .select((builds::id, builders::project_id))
        .load(conn)?;
    let hidden: BTreeSet<i64> = hidden.into_iter().collect();
    let [products, builders, builds] =
        [of_products, of_builders, of_builds].map(BTreeMap::from_iter);
    // A row that is gone tells nothing of its project any more.
    let is_seen = |known: &BTreeMap<i64, i64>, id: Option<i64>| match id {
        Some(id) => known.get(&id).is_some_and(|of| !hidden.contains(of)),
        None => true,
    };
    events.retain(|event| {
        is_seen(&products, event.product.map(|id| id.0))
            && is_seen(&builders, event.builder.map(|id| id.0))
            && is_seen(&builds, event.build.map(|id| id.0))
    });
    Ok(())
}
